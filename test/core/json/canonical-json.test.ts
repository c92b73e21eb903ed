import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { maxDepth } from '../../../src/core/body/decode-body.ts'
import { isCanonicalJson } from '../../../src/core/json/canonical-json.ts'
import { parseJson } from '../../../src/core/json/parse-json.ts'
import { printJson } from '../../../src/core/json/print-json.ts'
import { anyJsonText, mutated } from '../../support/frames/json-texts.ts'
import { isWholeRun, pick, runs } from '../../support/property.ts'

const isCanonical = (text: string | Buffer) => isCanonicalJson(Buffer.from(text as string), maxDepth)

describe('a body is passed through unchanged', () => {
  test.each([
    ['an object', '{"id":"o-1","n":12,"price":19.95,"tags":["a","b"],"none":null,"yes":true,"no":false,"in":{"a":[]}}'],
    ['one value', '"text"'],
    ['an empty value', '[{},[],"",{"":""}]'],
    ['every script', '{"grüße":"日本語 🐇 \u2028 \u007f"}'],
    ['the escapes that JSON.stringify prints', String.raw`{"a\"b":"\\ \b\f\n\r\t"}`],
    ['numbers as JavaScript prints them', '[0,-1,0.1,-0.5,0.000001,123456789012345,48.858844,0.30000000000000004]'],
    ['numbers in forms that JavaScript does not print', '[1.0,1e3,1E+3,0.0000001,-0,-0.0,1e400]'],
    ['more digits than a double has', '[9007199254740993,0.1234567890123456789,1000000000000000000000]'],
    ['the largest integers that are exact', '[9007199254740991,-9007199254740991,100000000000000000000]'],
    ['names with a special meaning in JavaScript', '{"__proto__":{"toJSON":1},"constructor":2,"-1":3,"1.5":4}'],
    ['as many levels as allowed', `${'['.repeat(maxDepth)}${']'.repeat(maxDepth)}`],
    ['the same name in sibling and nested objects', '{"a":{"a":1},"b":[{"a":1},{"a":2}],"c":{"a":{"a":3}}}'],
  ])('with %s', (_what, text) => {
    expect(printJson(parseJson(text))).toBe(text)
    expect(isCanonical(text)).toBe(true)
  })
})

describe('a body is parsed and printed', () => {
  test.each([
    ['white space', '{"a": 1}'],
    ['a line break at the end', '[1]\n'],
    ['a name twice', '{"a":1,"b":2,"a":3}'],
    ['an empty name twice', '{"":1,"":2}'],
    ['a name twice, with an object between', '{"a":1,"b":{"c":[]},"a":3}'],
    ['names that an object would put first', '{"b":1,"1":2}'],
    ['an unnecessary escape', String.raw`["\/"]`],
    ['an escape by number', String.raw`["\u0041"]`],
    ['half of a surrogate pair', String.raw`["\ud800"]`],
    [
      'more names than the check compares',
      JSON.stringify(Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`n${n}`, n]))),
    ],
    ['a level too many', `${'['.repeat(maxDepth + 1)}${']'.repeat(maxDepth + 1)}`],
  ])('if it has %s', (_what, text) => {
    expect(() => JSON.parse(text) as unknown).not.toThrow()
    expect(isCanonical(text)).toBe(false)
  })

  test.each([
    ['nothing', ''],
    ['a byte order mark', '\ufeff[1]'],
    ['a control character', '"\u0001"'],
    ['two values', '1 2'],
    ['two values without a space', '[][]'],
    ['a missing end', '{"a":[1,2'],
    ['an unterminated string', '"a'],
    ['an unterminated escape', '"\\'],
    ['the wrong bracket', '[1}'],
    ['an extra bracket', '[1]]'],
    ['an extra comma', '[1,]'],
    ['a name without a value', '{"a"}'],
    ['a value without a name', '{1}'],
    ['half a literal', 'tru'],
    ['a number that begins with zero', '01'],
    ['a number without an end', '1.'],
    ['an exponent without digits', '1e+'],
    ['minus zero with an extra zero', '-00'],
    ['a lone sign', '-'],
    ['invalid UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['a surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['a truncated character', Buffer.from([0x22, 0xe6, 0x97, 0x22])],
    ['a zero byte', Buffer.from([0x22, 0, 0x22])],
  ])('and rejected if it has %s', (_what, text) => {
    expect(isCanonical(text)).toBe(false)
  })
})

const texts = 6_000
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

test('what is passed through equals what parsing and printing yield, for valid and invalid texts', () => {
  const seen = { canonical: 0, other: 0 }
  fc.assert(
    fc.property(mutated(anyJsonText), (text) => {
      if (!isCanonicalJson(text, maxDepth)) {
        seen.other += 1
        return
      }
      seen.canonical += 1
      const printed = printJson(parseJson(strict.decode(text))) ?? ''
      if (!Buffer.from(printed).equals(text)) throw new Error(`${text.toString('latin1')} is printed as ${printed}`)
    }),
    runs(texts),
  )
  // The run counts only if it had enough of both.
  if (isWholeRun) expect(Math.min(seen.canonical, seen.other)).toBeGreaterThan(texts / 6)
})

test('every byte counts, wherever it is in a long string and in memory', () => {
  const memory = Buffer.alloc(100)
  const wrong: object[] = []
  for (let start = 0; start < 4; start += 1) {
    for (const length of [31, 32, 33, 64, 67, 80]) {
      for (let place = 0; place < length; place += 1) {
        for (const byte of [0x00, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x5b, 0x5c, 0x5d, 0x7f]) {
          // Whatever follows in memory is not of the string.
          memory.fill('x')
          const bytes = memory.subarray(start, start + length + 2)
          bytes[0] = 0x22
          bytes[length + 1] = 0x22
          bytes[1 + place] = byte
          const isPlain = byte >= 0x20 && byte !== 0x22 && byte !== 0x5c
          if (isCanonicalJson(bytes, maxDepth) !== isPlain) wrong.push({ start, length, place, byte })
        }
      }
    }
  }
  expect(wrong).toEqual([])
})

test('what JSON.stringify prints of ordinary data is passed through', () => {
  const word = pick('order', 'Grüße', '日本', 'a "quoted" \\ word', 'line\nbreak', '')
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthIdentifier: 'data', maxDepth: 4 },
      fc.boolean(),
      fc.constant(null),
      word,
      fc.nat(1e9),
      fc.nat(1e6).map((cents) => cents / 100),
      fc.double({ min: 0.001, max: 1, noNaN: true }),
      fc
        .array(fc.tuple(word, tie('value')), { maxLength: 5 })
        .map((members) => Object.fromEntries(members.map(([name, of], n) => [`${name}-${n}`, of]))),
      fc.array(tie('value'), { maxLength: 3 }),
    ),
  }))
  fc.assert(
    fc.property(value, (data) => {
      const text = JSON.stringify(data)
      expect([text, isCanonical(text)]).toEqual([text, true])
    }),
    runs(1_500),
  )
})
