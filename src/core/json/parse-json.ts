import { randomBytes } from 'node:crypto'
import { JsonNumber, numberOf } from './json-number.ts'
import { parseWithRightKeys } from './right-keys.ts'

/**
 * Matches numbers that `String(Number(token))` prints differently: 16 or more digits, an exponent,
 * a zero at the end of a fraction, many zeros at its beginning, minus zero. Texts can match too,
 * but few bodies match at all.
 */
const maybeOdd = /[\d.]{16}|\d[eE]|\.\d*0(?!\d)|\.0{6}|-0(?![.\d])/
/**
 * The same, but only where a number can begin, which costs more: most ids and dates in strings do
 * not match.
 */
const oddNumber = /(?:^|[[:,\s])-?(?:\d[\d.]{15}|[\d.]+[eE]|\d+\.\d*0(?!\d)|0\.0{6}|(?<=-)0(?![.\d]))/

/**
 * Like `JSON.parse`, but every number keeps its digits: one that would lose some becomes a
 * `JsonNumber`. Throws `SyntaxError`.
 */
export function parseJson(text: string): unknown {
  // Throws JavaScript's own error if it is not JSON.
  const value = parseWithRightKeys(text)
  if (!maybeOdd.test(text) || !oddNumber.test(text)) return value
  const marked = markOddNumbers(text)
  return marked === undefined ? value : withNumbers(parseWithRightKeys(marked))
}

/** Prefix of a string that stands for a number. It is random, so that no client can know it. */
const mark = `#${randomBytes(15).toString('base64url')}#`
const quote = 0x22
const backslash = 0x5c

/**
 * The same JSON with a marked string for each number that would lose digits; undefined if there is
 * no such number.
 */
function markOddNumbers(text: string): string | undefined {
  const number = /-?\d[\d.eE+-]*/y
  let marked = ''
  let taken = 0
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at)
    if (code === quote) {
      at = endOfString(text, at + 1)
    } else if (code === 0x2d || (code >= 0x30 && code <= 0x39)) {
      number.lastIndex = at
      const [token = ''] = number.exec(text) ?? []
      if (typeof numberOf(token) !== 'number') {
        marked += `${text.slice(taken, at)}"${mark}${token}"`
        taken = at + token.length
      }
      at += token.length
    } else {
      at += 1
    }
  }
  return taken === 0 ? undefined : marked + text.slice(taken)
}

function endOfString(text: string, begin: number): number {
  for (let at = begin; ; at += 1) {
    const code = text.charCodeAt(at)
    if (code === quote) return at + 1
    if (code === backslash) at += 1
  }
}

/**
 * Replaces the marked strings with numbers. Not recursive, because JSON can nest deeper than the
 * stack.
 */
function withNumbers(root: unknown): unknown {
  const top = { root }
  const open: Record<string, unknown>[] = [top]
  for (let container = open.pop(); container; container = open.pop()) {
    for (const name of Object.keys(container)) {
      const value = container[name]
      if (typeof value === 'object' && value !== null) open.push(value as Record<string, unknown>)
      // A name such as `__proto__` is an own property here, and so is its replacement.
      else if (typeof value === 'string' && value.startsWith(mark))
        container[name] = new JsonNumber(value.slice(mark.length))
    }
  }
  return top.root
}
