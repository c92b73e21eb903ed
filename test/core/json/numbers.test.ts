import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { JsonNumber, numberOf } from '../../../src/core/json/json-number.ts'
import { parseJson } from '../../../src/core/json/parse-json.ts'
import { JsonText, printJson } from '../../../src/core/json/print-json.ts'
import { pick, runs } from '../../support/property.ts'

describe('a number of a JSON text', () => {
  test.each(['0', '1', '-1', '0.1', '1.5', '-0.5', '9007199254740991', '5e-324'])(
    'that JavaScript prints the same way is a JavaScript number: %s',
    (token) => expect(numberOf(token)).toBe(Number(token)),
  )

  test.each([
    '9007199254740993',
    '9007199254740992',
    '1.10',
    '-0',
    '1e400',
    '1e3',
    '1E3',
    '1e+21',
    '100000000000000000000',
  ])('keeps its digits otherwise: %s', (token) => {
    const number = numberOf(token) as JsonNumber
    expect(number).toBeInstanceOf(JsonNumber)
    expect([number.token, String(number), JSON.stringify(number), printJson(number)]).toEqual([
      token,
      token,
      `"${token}"`,
      token,
    ])
  })

  test.each([
    ['0', true],
    ['-7', true],
    ['750727362669608961', true],
    ['1.0', false],
    ['1e3', false],
    ['-', false],
    ['01', false],
    ['10x', false],
    ['x10', false],
  ])('%s is written as an integer: %s', (token, isInteger) => {
    expect(new JsonNumber(token).isInteger).toBe(isInteger)
  })

  test.each([
    ['1.10', 1.1],
    ['-0', 0],
    ['0.000', 0],
    ['1e3', 1_000],
    ['1E+3', 1_000],
    ['10e-1', 1],
    ['1000e-3', 1],
    ['-12.50e1', -125],
    ['0.00120', 0.0012],
    ['9007199254740992', 2 ** 53],
    ['100000000000000000000', 1e20],
    ['9007199254740993', undefined],
    ['0.1000000000000000055511151231257827', undefined],
    ['1e400', undefined],
    ['-1e400', undefined],
    [`1${'0'.repeat(400)}`, undefined],
    [`0.${'0'.repeat(398)}`, 0],
    [`0.${'0'.repeat(399)}`, undefined],
  ])('%s has the exact value %s', (token, exact) => {
    const number = new JsonNumber(token)
    expect(number.exact === undefined ? undefined : number.exact + 0).toBe(exact)
    expect(number.nearest).toBe(Number(token))
  })
})

describe('parsing keeps the digits', () => {
  /** Every place where a number can be, and texts that only look like numbers. */
  const around = pick<readonly [string, string]>(
    ['', ''],
    [' ', '\n'],
    ['[', ']'],
    ['[1,', ']'],
    ['[ ', ' ,2]'],
    ['{"a":', '}'],
    ['{"a": ', ',"b":1}'],
    ['{"\\"1.10":', '}'],
    ['["\\\\",', ']'],
    ['["-0 1e400 9007199254740993",', ']'],
    ['{"__proto__":', '}'],
  )
  const digits = fc.stringMatching(/^\d{0,18}$/)
  const number = fc
    .tuple(
      pick('', '-'),
      fc.oneof(pick('0'), fc.stringMatching(/^[1-9]\d{0,20}$/)),
      digits,
      pick('', 'e', 'E', 'e+', 'e-'),
      fc.nat(400),
    )
    .map(([sign, whole, fraction, e, exponent]) =>
      [sign, whole, fraction === '' ? '' : `.${fraction}`, e === '' ? '' : `${e}${exponent}`].join(''),
    )

  test('of every number, wherever it is', () => {
    fc.assert(
      fc.property(number, around, (token, [before, after]) => {
        const text = `${before}${token}${after}`
        const compact = text.trim().replaceAll(/(?<=[[:,]) | (?=[,\]])/g, '')
        expect(printJson(parseJson(text))).toBe(compact)
      }),
      runs(1_000),
    )
  })

  test.each(['1e400,', '[1e400', '{"a":1e400,}', '1.', '-', '[01e4]', '1e400 1', '"1e400'])(
    'and refuses what JSON.parse refuses: %s',
    (text) => expect(() => parseJson(text)).toThrow(SyntaxError),
  )

  test('and a text that looks like the mark of a number stays a text', () => {
    const value = parseJson('{"a":"#1e400","b":[1e400,"#"],"__proto__":{"c":1.10}}') as Record<string, unknown>
    expect(printJson(value)).toBe('{"a":"#1e400","b":[1e400,"#"],"__proto__":{"c":1.10}}')
    expect(Object.hasOwn(value, '__proto__')).toBe(true)
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  })
})

describe('printing', () => {
  const odd = new JsonNumber('1.10')

  test.each<[string, unknown, string | undefined]>([
    ['a number in a list and an object', [odd, { a: odd }], '[1.10,{"a":1.10}]'],
    ['a bigint anywhere', { a: [1n, -2n] }, '{"a":[1,-2]}'],
    ['a bigint alone', 12345678901234567890n, '12345678901234567890'],
    ['a checked body as it is', { a: new JsonText('{"b": 1.0}') }, '{"a":{"b": 1.0}}'],
    ['a checked body as UTF-8', new JsonText(Buffer.from('"ü"').toString('latin1')), '"ü"'],
    ['nothing in an object, null in a list', { a: undefined, b: [undefined, odd] }, '{"b":[null,1.10]}'],
    ['the result of toJSON', { at: new Date(0), odd }, '{"at":"1970-01-01T00:00:00.000Z","odd":1.10}'],
    ['a toJSON that returns a bigint', { a: { toJSON: () => 5n }, odd }, '{"a":5,"odd":1.10}'],
    ['a toJSON that is given its name', [{ toJSON: (name: string) => `at ${name}` }, odd], '["at 0",1.10]'],
    ['null', [null, odd], '[null,1.10]'],
    ['names that need escapes', { 'a"\n': odd }, '{"a\\"\\n":1.10}'],
    ['a member named toJSON that is no function', { toJSON: 1, odd }, '{"toJSON":1,"odd":1.10}'],
    ['ordinary values as JSON.stringify does', { a: [1, 'x', null, true] }, '{"a":[1,"x",null,true]}'],
    ['nothing for undefined', undefined, undefined],
  ])('prints %s', (_what, value, text) => {
    expect(printJson(value)).toBe(text)
  })

  test('passes on an error that toJSON throws', () => {
    const value = {
      toJSON() {
        throw new RangeError('no')
      },
    }
    expect(() => printJson(value)).toThrow(RangeError)
    // The next print is not affected.
    expect(JSON.stringify(new JsonText('{"a":1}'))).toBe('{"a":1}')
  })

  test('JSON.stringify gets the value of a checked body, and the digits of a number as text', () => {
    expect(JSON.stringify({ body: new JsonText('{"a":"ü"}'), odd })).toBe(
      JSON.stringify({ body: JSON.parse(new JsonText('{"a":"ü"}').toString()) as unknown, odd: '1.10' }),
    )
  })
})
