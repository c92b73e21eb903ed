import { matchWords } from '../../core/model/topic-pattern.ts'
import type { EventBinding, KeyPattern } from '../model/event-schema.ts'

/** What the captures of a routing key matched, by name. */
export type Captures = Pick<ReadonlyMap<string, string>, 'get'>

/**
 * Returns the captures if the binding takes the routing key, else undefined. `words`: the key split
 * at its dots, once for all bindings.
 */
export type KeyMatcher = (routingKey: string, words: readonly string[]) => Captures | undefined

const noCaptures: Captures = new Map()

/** Most keys have one capture, for which a table costs more than the rest of the match. */
class OneCapture implements Captures {
  readonly #name: string
  readonly #text: string

  constructor(name: string, text: string) {
    this.#name = name
    this.#text = text
  }

  get(name: string): string | undefined {
    return name === this.#name ? this.#text : undefined
  }
}

/** Compiles a binding once. Exchanges of type fanout and headers ignore routing keys. */
export function keyMatcherOf({ exchangeType, pattern }: EventBinding): KeyMatcher {
  switch (exchangeType) {
    case 'FANOUT':
    case 'HEADERS':
      return () => noCaptures
    case 'DIRECT':
      return (routingKey) => (routingKey === pattern.bindingKey ? noCaptures : undefined)
    case 'TOPIC':
      return topicMatcherOf(pattern)
  }
}

interface CapturePosition {
  readonly name: string
  /** Index of the word, counted from the end if negative. */
  readonly index: number
  readonly isRest: boolean
}

function topicMatcherOf(pattern: KeyPattern): KeyMatcher {
  const binding = pattern.bindingKey.split('.')
  const positions = positionsOf(pattern)
  if (positions.length === 0) {
    if (pattern.bindingKey === '#') return () => noCaptures
    return (_routingKey, words) => (matchWords(binding, words) ? noCaptures : undefined)
  }
  const [first, ...others] = positions
  const only = others.length === 0 ? first : undefined
  return (_routingKey, words) => {
    if (!matchWords(binding, words)) return undefined
    if (only) {
      const text = textAt(words, only)
      return text === undefined ? undefined : new OneCapture(only.name, text)
    }
    const captures = new Map<string, string>()
    for (const position of positions) {
      const text = textAt(words, position)
      if (text === undefined) return undefined
      captures.set(position.name, text)
    }
    return captures
  }
}

/** Undefined if nothing is there: an empty word matches nothing, `{name#}` needs one word. */
function textAt(words: readonly string[], { index, isRest }: CapturePosition): string | undefined {
  const text = isRest && index < words.length - 1 ? words.slice(index).join('.') : words.at(index)
  return text === '' ? undefined : text
}

/**
 * A pattern has at most one `#`, so the position of a capture is certain: counted from the front if
 * it precedes the `#`, else from the end.
 */
function positionsOf({ words }: KeyPattern): CapturePosition[] {
  const hash = words.findIndex(({ kind }) => kind === 'anyRest')
  return words.flatMap((word, index) => {
    if (word.kind !== 'capture' && word.kind !== 'rest') return []
    const isAfterHash = hash >= 0 && hash < index
    return [{ name: word.name, index: isAfterHash ? index - words.length : index, isRest: word.kind === 'rest' }]
  })
}
