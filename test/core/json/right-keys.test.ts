import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { parseJson } from '../../../src/core/json/parse-json.ts'
import { printJson } from '../../../src/core/json/print-json.ts'
import { parseWithoutEscapedKeys, parseWithRightKeys } from '../../../src/core/json/right-keys.ts'
import { pick, runs } from '../../support/property.ts'

/** The second runs on engines with the fault only, unless a test calls it. */
const parsers = [
  ['parseWithRightKeys', parseWithRightKeys],
  ['parseWithoutEscapedKeys', parseWithoutEscapedKeys],
  ['parseJson', parseJson],
] as const

describe.each(parsers)('%s', (_, parse) => {
  test.each([
    ['\\\\', '\\"', '"'],
    ['\\\\', '\\n', '\n'],
    ['\\\\', '\\u005C', '\\'],
    ['\\u005c', '\\t', '\t'],
    ['a\\\\', 'a\\"', 'a"'],
    ['\\\\u', '\\u0041b', 'Ab'],
    ['\\\\u0', '\\u0073ub', 'sub'],
    ['\\\\\\"', '\\"b', '"b'],
  ])('reads a key by its own text after an object with the key %s: %s', (expected, written, key) => {
    for (const before of ['"x":1,', '"🐇":1,', '']) {
      parse(`{${before}"${expected}":2}`)
      expect(Object.keys(parse(`{${before}"${written}":2}`) as object).at(-1)).toBe(key)
    }
  })

  test('reads keys right after marked keys of earlier texts', () => {
    for (const key of ['\\\\', '\\"', '\\n', '\\\\', '\\t']) {
      const read = parse(`[{"x":1,"${key}":2},{"x":1,"${key}":3,"${key}":4}]`)
      expect(JSON.stringify(read)).toBe(`[{"x":1,"${key}":2},{"x":1,"${key}":4}]`)
    }
  })

  test.each([
    ['a duplicate written in another way', '{"a":1,"\\u0061":2,"b":3,"a":4}', '{"a":4,"b":3}'],
    ['a duplicate that needs an escape', '{"\\n":1,"b":2,"\\u000a":3}', '{"\\n":3,"b":2}'],
    ['a number as key', '{"b":1,"\\u0031":2,"1":3}', '{"1":3,"b":1}'],
    ['__proto__', '{"\\u005f_proto__":{"\\n":1},"\\"":2}', '{"__proto__":{"\\n":1},"\\"":2}'],
    ['white space before the colon', '{"\\n" \r\n\t : "\\":"}', '{"\\n":"\\":"}'],
    ['a text that looks like a key', '["\\n\\":", {"a":"\\\\"}]', '["\\n\\":",{"a":"\\\\"}]'],
    ['half a surrogate pair', '{"\\ud800":1}', '{"\\ud800":1}'],
    ['an empty key', '{"":1,"\\n":{"":{"\\n":[{"\\t":2}]}}}', '{"":1,"\\n":{"":{"\\n":[{"\\t":2}]}}}'],
    ['a text', '"\\n"', '"\\n"'],
  ])('keeps %s', (_what, text, printed) => {
    const read = parse(text)
    expect(JSON.stringify(read)).toBe(printed)
    if (typeof read === 'object' && read)
      expect([Object.prototype, Array.prototype]).toContain(Object.getPrototypeOf(read))
  })

  test.each(['{"\\n":1', '{"\\n', '"\\', '{"\\x":1}', '{"\n":1}', '{"\\n":1}}', '["\\n":1]'])(
    'refuses what JSON.parse refuses: %s',
    (text) => expect(() => parse(text)).toThrow(SyntaxError),
  )

  test('reads any object as its members in order', () => {
    const key = fc.array(
      pick('\\\\', '\\"', '\\n', '\\u005c', '\\u0061', '\\u0031', '\\/', 'a', '1', 'n', '"', 'é', '🐇'),
      {
        maxLength: 3,
      },
    )
    const { value } = fc.letrec<{ value: string; object: string }>((tie) => ({
      value: fc.oneof({ maxDepth: 3 }, pick('1', 'null', '"\\n\\""', '"a"'), tie('object')),
      object: fc
        .array(fc.tuple(key, pick('', ' '), tie('value')), { maxLength: 4 })
        .map((members) => `{${members.map(([name, space, of]) => `"${keyText(name)}"${space}:${of}`).join(',')}}`),
    }))
    fc.assert(
      fc.property(value, (text) => {
        expect(printJson(parse(text))).toBe(printJson(readSlowly(text)))
      }),
      runs(500),
    )
  })

  test('nests deeper than the stack, and long texts cost no more than their length', () => {
    const deep = 20_000
    let read = parse(`${'{"\\n":'.repeat(deep)}1${'}'.repeat(deep)}`)
    for (let depth = 0; depth < deep; depth += 1) read = (read as Record<string, unknown>)['\n']
    expect(read).toBe(1)
    const escapes = '\\n'.repeat(1_000_000)
    expect(parse(`{"a":"${escapes}","${escapes}":1}`)).toHaveProperty('a.length', 1_000_000)
  })
})

/** A quote within a key needs its escape. */
const keyText = (parts: readonly string[]): string => parts.map((part) => (part === '"' ? '\\"' : part)).join('')

/** Reads objects member by member: each key is parsed alone, as a string. */
function readSlowly(text: string): unknown {
  let at = 0
  const token = (): string => {
    const found = /\s*("(?:[^"\\]|\\.)*"|[{}:,]|\w+)/y
    found.lastIndex = at
    const [all = '', word = ''] = found.exec(text) ?? []
    at += all.length
    return word
  }
  const value = (word: string): unknown => {
    if (word !== '{') return JSON.parse(word)
    const object = {}
    for (let next = token(); next !== '}'; next = token()) {
      const name = JSON.parse(next === ',' ? token() : next) as string
      token()
      const member = value(token())
      Object.defineProperty(object, name, { value: member, enumerable: true, configurable: true, writable: true })
    }
    return object
  }
  return value(token())
}
