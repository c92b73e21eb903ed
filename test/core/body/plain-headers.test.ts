import { describe, expect, test } from '@jest/globals'
import {
  clearWireType,
  copyWireTypes,
  hasWireTypes,
  setWireType,
  wireTypeOf,
} from '../../../src/core/body/amqp-field-types.ts'
import { decodeText, utf8OfJson } from '../../../src/core/body/charset.ts'
import { mayBeCompressed, undoContentEncoding } from '../../../src/core/body/content-encoding.ts'
import { escapedCharacter, hiddenIn, showHidden, visibleJson } from '../../../src/core/body/invisible-characters.ts'
import { inOnePiece, latin1Of } from '../../../src/core/body/latin1.ts'
import { charsetOf, essenceOf, isJsonType, isTextType } from '../../../src/core/body/media-type.ts'
import { plainHeaders } from '../../../src/core/body/plain-headers.ts'
import { toDate } from '../../../src/core/body/to-date.ts'
import { printJson } from '../../../src/core/json/print-json.ts'

describe('the headers of a message become JSON', () => {
  const json = (value: unknown) => JSON.parse(printJson(plainHeaders({ a: value })) ?? '') as { a: unknown }
  const text = (value: unknown) => printJson(plainHeaders({ a: value }))?.slice(5, -1)

  test.each<[unknown, string]>([
    ['x', '"x"'],
    [true, 'true'],
    [null, 'null'],
    [undefined, 'null'],
    [() => 1, 'null'],
    [1.5, '1.5'],
    [-0, '-0'],
    [Number.NaN, '"NaN"'],
    [Number.NEGATIVE_INFINITY, '"-Infinity"'],
    [2n ** 64n, '18446744073709551616'],
    [Buffer.from([0, 255]), '"AP8="'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [['a', [1], null], '["a",[1],null]'],
    [{ b: { c: 1n } }, '{"b":{"c":1}}'],
    [{ '!': 'timestamp', value: 5 }, '"1970-01-01T00:00:05.000Z"'],
    [{ '!': 'timestamp', value: 5n }, '"1970-01-01T00:00:05.000Z"'],
    [{ '!': 'timestamp', value: 'x' }, 'null'],
    [{ '!': 'timestamp', value: 2 ** 60 }, 'null'],
    [{ '!': 'decimal', value: { places: 2, digits: 314 } }, '3.14'],
    [{ '!': 'decimal', value: { places: 3, digits: 5 } }, '0.005'],
    [{ '!': 'decimal', value: { places: 0, digits: 5 } }, '5'],
    [{ '!': 'decimal', value: { places: 255, digits: 1 } }, `0.${'0'.repeat(254)}1`],
    [{ '!': 'decimal', value: { places: 256, digits: 1 } }, 'null'],
    [{ '!': 'decimal', value: { places: -1, digits: 1 } }, 'null'],
    [{ '!': 'decimal', value: { places: 1, digits: -1 } }, 'null'],
    [{ '!': 'decimal', value: { places: 0.5, digits: 1 } }, 'null'],
    [{ '!': 'decimal', value: { places: 1 } }, 'null'],
    [{ '!': 'decimal', value: null }, 'null'],
    [{ '!': 'byte', value: -8 }, '-8'],
    [{ '!': 'long', value: { '!': 'byte', value: 7 } }, '7'],
    [{ '!': 'odd' }, '{"!":"odd"}'],
    [{ value: 1 }, '{"value":1}'],
  ])('%p as %s', (value, expected) => {
    expect(text(value)).toBe(expected)
  })

  test('without those of gateways, and with names of any kind', () => {
    const headers = { 'x-warren-idempotency-key': 'k', 'x-warren-repeated': true, 'x-warren-reason': 'r' }
    expect(plainHeaders(headers)).toEqual(Object.assign(Object.create(null), { 'x-warren-reason': 'r' }))
    expect(Object.getPrototypeOf(plainHeaders({}))).toBeNull()
    expect(json({ 'x-warren-repeated': 1, b: 2 })).toEqual({ a: { b: 2 } })
  })

  test('a table that looks like a typed value is a table, by the type that it had', () => {
    const value = { '!': 'byte', value: 1 }
    const [table, list] = [{ a: value }, [value, value]]
    setWireType(table, 'a', 'table')
    setWireType(list, '1', 'table')
    expect(printJson(plainHeaders(table))).toBe('{"a":{"!":"byte","value":1}}')
    expect(text(list)).toBe('[1,{"!":"byte","value":1}]')
  })

  test('the types of values are kept beside them, and are copied', () => {
    const table = { a: 1, b: 2 }
    expect([hasWireTypes(table), wireTypeOf(table, 'a')]).toEqual([false, undefined])
    clearWireType(table, 'a')
    setWireType(table, 'a', 'int8')
    setWireType(table, 'b', 'float')
    setWireType(table, 'a', 'uint8')
    expect([hasWireTypes(table), wireTypeOf(table, 'a'), wireTypeOf(table, 'b')]).toEqual([true, 'uint8', 'float'])
    expect([Object.keys(table), { ...table }]).toEqual([['a', 'b'], { a: 1, b: 2 }])
    expect(wireTypeOf(table, 'constructor')).toBeUndefined()
    const copy = copyWireTypes(table, { a: 1 })
    expect([wireTypeOf(copy, 'a'), hasWireTypes(copyWireTypes({}, {}))]).toEqual(['uint8', false])
    expect(wireTypeOf(copyWireTypes({}, copy), 'a')).toBe('uint8')
    clearWireType(table, 'a')
    expect(wireTypeOf(table, 'a')).toBeUndefined()
  })
})

test('dates are those that RFC 3339 can write', () => {
  const [first, last] = [Date.parse('0001-01-01T00:00:00.000Z'), Date.parse('9999-12-31T23:59:59.999Z')]
  expect([first, last].map((ms) => toDate(ms)?.getTime())).toEqual([first, last])
  expect([first - 1, last + 1, Number.NaN, undefined].map((ms) => toDate(ms))).toEqual([null, null, null, null])
})

describe('a content type', () => {
  test.each([
    ['application/json', true],
    [' Application/JSON ; charset=x', true],
    ['text/json', true],
    ['application/vnd.a+json', true],
    ['a/b/c+json', false],
    ['application/xjson', false],
    ['+json', false],
    ['application/json+xml', false],
    ['application/jsonp', false],
    ['xapplication/json', false],
  ])('%s is JSON: %s', (type, expected) => {
    expect(isJsonType(type)).toBe(expected)
  })

  test('is text by its first word', () => {
    expect([isTextType('TEXT/x; a=b'), isTextType('application/text/'), essenceOf(' A/B')]).toEqual([
      true,
      false,
      'a/b',
    ])
  })

  test.each([
    ['text/plain; charset=utf-8', 'utf-8'],
    ['text/plain;a=b; CHARSET = "latin 1" ;c=d', 'latin 1'],
    ["text/plain;charset='x'", 'x'],
    ['text/plain; charset=x y', 'x'],
    ['text/plain; charset=x;y', 'x'],
    ['text/plain', undefined],
    ['text/plain; mycharset=x', undefined],
    ['text/plain; charset=', undefined],
  ])('%s has the character set %s', (type, expected) => {
    expect(charsetOf(type)).toBe(expected)
  })
})

test('hidden characters are found, and shown', () => {
  expect([hiddenIn('plain ü 🐇'), hiddenIn('a\u200bb\u202e'), hiddenIn('\u{e0001}')]).toEqual([
    undefined,
    'U+200B',
    'U+E0001',
  ])
  expect(hiddenIn('a\u00ad')).toBe('U+00AD')
  expect(showHidden('a\u200bb\u{e0001}\u2028')).toBe(String.raw`a\u{200b}b\u{e0001}\u{2028}`)
  expect([escapedCharacter('a'), escapedCharacter('')]).toEqual([String.raw`\u{61}`, String.raw`\u{0}`])
  const value = { a: 'x\u{e0001}\u00ad' }
  expect(visibleJson(value)).toBe(String.raw`{"a":"x\udb40\udc01\u00ad"}`)
  expect(visibleJson(value, 1)).toBe(String.raw`{
 "a": "x\udb40\udc01\u00ad"
}`)
  expect([JSON.parse(visibleJson(value)), visibleJson(undefined)]).toEqual([value, 'null'])
})

test('a text as its UTF-8 bytes, a character for each', () => {
  for (const text of ['abc', 'ü', '', '🐇']) expect(Buffer.from(latin1Of(text), 'latin1').toString()).toBe(text)
  expect(inOnePiece('a\xff')).toBe('a\xff')
})

describe('the character set of a body', () => {
  const utf16 = Buffer.from('"\u3042"', 'utf16le')
  const swapped = Buffer.from(utf16).swap16()

  test('of JSON is found by its label, its mark or its zeros, if it is not UTF-8', () => {
    const text = '"\u3042"'
    for (const bytes of [utf16, swapped]) expect(utf8OfJson(bytes, undefined).toString()).toBe(text)
    expect(utf8OfJson(Buffer.concat([Buffer.from([0xff, 0xfe]), utf16]), 'latin1').toString()).toBe(text)
    expect(utf8OfJson(Buffer.concat([Buffer.from([0xfe, 0xff]), swapped]), undefined).toString()).toBe(text)
    expect(utf8OfJson(utf16.subarray(2, -2), 'utf-16le').toString()).toBe('\u3042')
    expect(utf8OfJson(Buffer.from('"\u3042"'), 'latin1').toString()).toBe(text)
    expect(utf8OfJson(Buffer.from([0x22, 0xfc, 0x22]), 'latin1').toString()).toBe('"\u00fc"')
    for (const label of [undefined, 'utf-8', 'odd'])
      expect(utf8OfJson(Buffer.from([0x22, 0xfc, 0x22]), label)).toEqual(Buffer.from([0x22, 0xfc, 0x22]))
    expect([utf8OfJson(Buffer.from('1'), undefined), utf8OfJson(Buffer.alloc(1), undefined)]).toEqual([
      Buffer.from('1'),
      Buffer.alloc(1),
    ])
    expect(() => utf8OfJson(Buffer.from([0xff, 0xfe, 0, 0xd8]), undefined)).toThrow(TypeError)
  })

  test('of text is that of its label, or of its mark', () => {
    expect(decodeText(Buffer.from([0xfe, 0x41]), 'latin1')).toBe('\u00feA')
    expect(decodeText(Buffer.from([0xff, 0x41]), 'latin1')).toBe('\u00ffA')
    expect(decodeText(Buffer.from([0xff, 0xfe, 0x41, 0]), 'latin1')).toBe('A')
    expect(decodeText(Buffer.from([0xfe, 0xff, 0, 0x41]), undefined)).toBe('A')
    expect(decodeText(Buffer.from('\u00fc'), 'odd')).toBe('\u00fc')
  })

  test('may be named in place of an encoding, of which there are four at most', () => {
    const undo = (encoding: string) => undoContentEncoding(Buffer.from('x'), encoding, 10)
    expect(undo('identity, 7bit; none:utf-16le')).toEqual({ bytes: Buffer.from('x'), charset: 'utf-16le' })
    expect(undo(`charset="latin1"`).charset).toBe('windows-1252')
    expect(() => undo('none, none, none, none, none')).toThrow('at most 4 names')
    expect(() => undo('odd')).toThrow('gzip, x-gzip, deflate, br')
  })

  test.each([
    [undefined, false],
    ['', false],
    ['identity', false],
    ['utf-8', false],
    ['GZIP', true],
    ['utf-8; x-gzip', true],
    ['br', true],
  ])('content encoding %p may be a compression: %s', (encoding, expected) => {
    expect(mayBeCompressed(encoding)).toBe(expected)
  })
})
