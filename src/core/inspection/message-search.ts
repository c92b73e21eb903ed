import type { WindowEntry } from '../ports/hot-window.ts'

/** The longest text and the most words that are searched for. */
export const maxSearch = { characters: 500, words: 10 }

const numeric = /^\d+$/
const joins: ReadonlySet<string> = new Set([':', '.', '-'])

/**
 * Finds messages by what a person types, such as `order 17` or the beginning of a message id. Each
 * word must be in the message. A word of digits is a whole number: `17` is neither in `170` nor in
 * a time such as `14:17:05`.
 */
export class MessageSearch {
  readonly #text: string
  readonly #words: readonly string[]

  constructor(text: string) {
    this.#text = text.trim().toLowerCase()
    this.#words = text.trim().split(/\s+/).slice(0, maxSearch.words)
  }

  /** Whether it is the text itself. ASCII case does not matter. */
  isId(messageId: string | null | undefined): boolean {
    return messageId?.toLowerCase() === this.#text
  }

  /** Whether the id begins with the text, or has each word. ASCII case does not matter. */
  isInId(messageId: string | null | undefined): boolean {
    if (!messageId) return false
    const id = messageId.toLowerCase()
    return id.startsWith(this.#text) || this.#words.every((word) => hasWord(id, word.toLowerCase()))
  }

  /** Whether each word is in the routing key or, as it was published, in the body. */
  isInMessage({ routingKey, body }: Pick<WindowEntry, 'routingKey' | 'body'>): boolean {
    const key = routingKey.toLowerCase()
    return this.#words.every((word) => hasWord(key, word.toLowerCase()) || bodyHasWord(body, word))
  }
}

/** Of ids and keys. */
function hasWord(text: string, word: string): boolean {
  if (!numeric.test(word)) return text.includes(word)
  return text.split(/\D+/).includes(word)
}

function bodyHasWord(body: Buffer, word: string): boolean {
  if (!numeric.test(word)) return body.includes(word)
  for (let at = body.indexOf(word); at >= 0; at = body.indexOf(word, at + 1))
    if (isWholeNumber(body, at, word.length)) return true
  return false
}

/** Whether the digits are neither part of a longer number nor of a date, a time or a fraction. */
function isWholeNumber(body: Buffer, at: number, length: number): boolean {
  const isDigit = (index: number): boolean => numeric.test(String.fromCharCode(body[index] ?? 0))
  const continues = (next: number, step: number): boolean =>
    isDigit(next) || (joins.has(String.fromCharCode(body[next] ?? 0)) && isDigit(next + step))
  return !continues(at - 1, -1) && !continues(at + length, 1)
}
