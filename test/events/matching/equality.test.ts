import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { GraphQLObjectType, isLeafType } from 'graphql'
import { parseJson } from '../../../src/core/json/parse-json.ts'
import { claimEquality, equalityOf } from '../../../src/events/matching/equality.ts'
import {
  compareExact,
  type ExactNumber,
  exactNumberOf,
  numberTextOf,
} from '../../../src/events/matching/exact-number.ts'
import type { ValueKind } from '../../../src/events/model/event-schema.ts'
import { leafReader } from '../../../src/events/values/leaf-reader.ts'
import { isWholeRun, pick, runs } from '../../support/property.ts'
import { enumMapping } from '../access/build-schema.ts'
import { builtSchema } from '../schema-builder.ts'

const state = enumMapping({ PAID: 'paid', THREE: '3', OTHER: 'OTHER' }, 'OTHER')
const closed = enumMapping({ PAID: 'paid' })

/** Whether an argument equals a value of a body, which is given as JSON. */
function equals(kind: ValueKind, argument: unknown, json: string, mapping = state): boolean {
  const equality = equalityOf(kind, mapping)
  const text = equality.ofArgument(argument)
  if (text === undefined) throw new Error(`${kind} ${String(argument)} is no argument`)
  return text === equality.ofJson(parseJson(json))
}

describe('an argument equals a value of a body', () => {
  test.each<[kind: ValueKind, argument: unknown, json: string]>([
    ['ID', '7', '7'],
    ['ID', '7', '"7"'],
    ['ID', 'é', '"\\u00e9"'],
    ['ID', '9007199254740993', '9007199254740993'],
    ['ID', '750727362669608961123', '750727362669608961123'],
    ['ID', '-0', '-0'],
    ['ID', '', '""'],
    ['String', '7', '"7"'],
    ['Int', 7, '7'],
    ['Int', 7, '7.0'],
    ['Int', 700, '7e2'],
    ['Int', 0, '-0'],
    ['Int', 0, '0e999999999999999999999999'],
    ['Float', 7, '7.0'],
    ['Float', 0.1, '0.1'],
    ['Float', 0.1, '1e-1'],
    ['Float', 1e-7, '0.0000001'],
    ['Float', 0.1, '0.1000000000000000055511151231257827'],
    ['Float', -0, '0'],
    ['Float', 0, '-0.0'],
    ['Float', 1e21, '1000000000000000000000'],
    ['BigInt', '9007199254740993', '9007199254740993'],
    ['BigInt', '7', '7.0'],
    ['BigInt', '7', '"7"'],
    ['BigInt', '1000', '1e3'],
    ['BigInt', `1${'0'.repeat(50)}`, '1e50'],
    ['Decimal', '1.50', '1.5'],
    ['Decimal', '1.5', '1.50'],
    ['Decimal', '1.5', '0.15e+1'],
    ['Decimal', '1.50', '"1.5"'],
    ['Decimal', '1e999999', '10e999998'],
    ['Decimal', '-0.00', '0'],
    ['Decimal', '1e-999999', '0.1e-999998'],
    ['Boolean', true, 'true'],
    ['UUID', '5e1a7c0e-6a0b-4d5c-9f5e-2f1f3a7b9c10', '"5e1a7c0e-6a0b-4d5c-9f5e-2f1f3a7b9c10"'],
    ['enum', 'PAID', '"paid"'],
    ['enum', 'THREE', '3'],
    ['enum', 'THREE', '"3"'],
    ['enum', 'OTHER', '"new"'],
    ['enum', 'OTHER', '4'],
    ['enum', 'OTHER', '"PAID"'],
  ])('%s %j = %s', (kind, argument, json) => {
    expect(equals(kind, argument, json)).toBe(true)
  })

  test.each<[kind: ValueKind, argument: unknown, json: string]>([
    ['ID', '7', '7.0'],
    ['ID', '7', '7e0'],
    ['ID', '7', '"07"'],
    ['ID', '7', '" 7"'],
    ['ID', 'true', 'true'],
    ['ID', 'null', 'null'],
    ['ID', 'a', '"A"'],
    ['ID', 'é', '"e\\u0301"'],
    ['ID', '9007199254740992', '9007199254740993'],
    ['ID', '[object Object]', '{}'],
    ['String', '7', '7'],
    ['String', 'true', 'true'],
    ['String', 'a', '"a "'],
    ['Int', 7, '"7"'],
    ['Int', 7, '7.5'],
    ['Int', 1, 'true'],
    ['Int', 0, 'null'],
    ['Int', 0, '""'],
    ['Float', 7, '"7"'],
    ['Float', 9007199254740992, '9007199254740993'],
    ['Float', 1.7976931348623157e308, '1e309'],
    ['BigInt', '9007199254740992', '9007199254740993'],
    ['BigInt', '7', '7.5'],
    ['BigInt', '7', '"07"'],
    ['Decimal', '1', '1e999999'],
    ['Decimal', '1e999999', '1e999998'],
    ['Decimal', '1', 'true'],
    ['Decimal', '1', '"one"'],
    ['Boolean', true, '"true"'],
    ['Boolean', true, '1'],
    ['Boolean', false, 'null'],
    ['UUID', '5e1a7c0e-6a0b-4d5c-9f5e-2f1f3a7b9c10', '"5E1A7C0E-6A0B-4D5C-9F5E-2F1F3A7B9C10"'],
    ['enum', 'PAID', '"PAID"'],
    ['enum', 'PAID', '"Paid"'],
    ['enum', 'THREE', '3.0'],
    ['enum', 'OTHER', '"paid"'],
    ['enum', 'OTHER', 'true'],
  ])('and not %s %j = %s', (kind, argument, json) => {
    expect(equals(kind, argument, json)).toBe(false)
  })

  test('of an enum without a value for the unknown only if the text is named', () => {
    expect(equals('enum', 'PAID', '"new"', closed)).toBe(false)
    expect(equalityOf('enum', closed).ofJson('new')).toBeUndefined()
  })
})

describe('a text is read by the type of the argument', () => {
  test.each<[kind: ValueKind, argument: unknown, text: string, expected: boolean]>([
    ['ID', '07', '07', true],
    ['ID', '7', '07', false],
    ['String', '7', '7', true],
    ['Int', 7, '7', true],
    ['Int', 7, '07', false],
    ['Int', 7, '+7', false],
    ['Int', 7, ' 7', false],
    ['Int', 7, '7.0', true],
    ['Int', 7, '0x7', false],
    ['Int', 0, '', false],
    ['Float', 1.5, '1.50', true],
    ['Float', 0.5, '.5', false],
    ['Float', 1, 'Infinity', false],
    ['Decimal', '1.5', '1.50', true],
    ['BigInt', '9007199254740993', '9007199254740993', true],
    ['Boolean', true, 'true', true],
    ['Boolean', true, 'True', false],
    ['Boolean', true, '1', false],
    ['enum', 'PAID', 'paid', true],
    ['enum', 'THREE', '3', true],
    ['enum', 'OTHER', 'anything', true],
    ['enum', 'PAID', 'PAID', false],
  ])('%s %j and "%s": %s', (kind, argument, text, expected) => {
    const equality = equalityOf(kind, state)
    expect(equality.ofArgument(argument) === equality.ofText(text)).toBe(expected)
  })
})

describe('what a field shows, given as an argument, equals the value that it was read from', () => {
  const kinds = ['ID', 'String', 'Int', 'Boolean', 'BigInt', 'Decimal', 'Float', 'UUID'] as const
  const members = kinds.map((kind) => `${kind.toLowerCase()}: ${kind}`).join(' ')
  const schema = builtSchema(`type Subscription { event: Sample } type Sample { ${members} }`)

  const digits = fc.stringMatching(/^(0|[1-9]\d{0,24})$/)
  const fraction = fc.stringMatching(/^\.\d{1,20}$/)
  const exponent = fc.stringMatching(/^[eE][+-]?\d{1,3}$/)
  const orNothing = (part: fc.Arbitrary<string>) => fc.oneof(fc.constant(''), part)
  const number = fc
    .tuple(pick('', '-'), digits, orNothing(fraction), orNothing(exponent))
    .map((parts) => parts.join(''))
  const text = fc.oneof(number, fc.string(), fc.uuid(), pick('true', 'false', '07', '1e999', '-0'))

  test.each(kinds)('%s', (kind) => {
    const sample = schema.schema.getType('Sample') as GraphQLObjectType
    const type = sample.getFields()[kind.toLowerCase()]?.type
    if (!isLeafType(type)) throw new Error(`${kind} is no leaf type`)
    const reader = leafReader(schema, type, undefined)
    const equality = equalityOf(kind)
    let shownValues = 0
    const check = (shown: unknown, compared: string | undefined): void => {
      if (typeof shown === 'symbol') return
      shownValues += 1
      expect([equality.ofArgument(shown), compared]).toEqual([compared, expect.any(String)])
    }
    fc.assert(
      fc.property(
        fc.oneof(
          number,
          text.map((value) => JSON.stringify(value)),
          pick('true', 'null'),
        ),
        text,
        (json, word) => {
          const value = parseJson(json)
          if (value !== null) check(reader.ofJson(value), equality.ofJson(value))
          check(reader.ofText(word), equality.ofText(word))
        },
      ),
      runs(100),
    )
    if (isWholeRun) expect(shownValues).toBeGreaterThan(5)
  })
})

describe('a claim', () => {
  test.each<[kind: ValueKind, claim: unknown, expected: string | undefined]>([
    ['ID', 'a', 'a'],
    ['ID', 7, '7'],
    ['ID', true, undefined],
    ['String', 7, undefined],
    ['Int', 7, '7'],
    ['Int', '7', undefined],
    ['Boolean', true, 'true'],
    ['Boolean', 'true', undefined],
    ['UUID', 'a', 'a'],
    ['enum', 'paid', 'PAID'],
    ['enum', 'PAID', undefined],
    // One claim would stand for every unknown text.
    ['enum', 'new', undefined],
  ])('compared as %s: %j', (kind, claim, expected) => {
    expect(equalityOf(kind, state).ofClaim(claim)).toBe(expected)
  })

  test.each<[isText: boolean, claim: unknown, value: unknown, expected: boolean]>([
    [false, '7', 7, true],
    [false, 7, '7', true],
    [false, true, true, true],
    [false, true, 'true', false],
    [false, 'true', true, false],
    [false, '\0true', true, false],
    [false, 'a', null, false],
    [true, true, 'true', true],
    [true, 7, '7', true],
  ])('at a place (text: %s) %j and %j: %s', (isText, claim, value, expected) => {
    const { ofClaim, ofJson, ofText } = claimEquality(isText)
    const text = isText ? ofText(value as string) : ofJson(value)
    expect(text !== undefined && text === ofClaim(claim)).toBe(expected)
  })
})

describe('exact numbers', () => {
  test.each<[token: string, text: string | undefined]>([
    ['0', '0'],
    ['-0', '0'],
    ['0.000e-5', '0'],
    ['100', '100'],
    ['1e2', '100'],
    ['12300e-2', '123'],
    ['0.001', '1e-3'],
    ['-1.20', '-12e-1'],
    ['1e999999', '1e999999'],
    [`1e${'0'.repeat(100)}3`, '1000'],
    [`1e${'9'.repeat(16)}`, undefined],
    [`0e${'9'.repeat(16)}`, '0'],
    ['01', undefined],
    ['1.', undefined],
    ['', undefined],
    ['1e', undefined],
    ['NaN', undefined],
  ])('%s is written %s', (token, text) => {
    expect(numberTextOf(token)).toBe(text)
  })

  test('are read in time linear in their length', () => {
    const zeros = '0'.repeat(2_000_000)
    const begin = performance.now()
    expect(numberTextOf(`1${zeros}1`)).toHaveLength(zeros.length + 2)
    expect(numberTextOf(`0.${zeros}1`)).toBe(`1e-${zeros.length + 1}`)
    expect(numberTextOf(`1${zeros}`)).toBe(`1e${zeros.length}`)
    expect(performance.now() - begin).toBeLessThan(20_000)
  })

  test('are ordered by value', () => {
    const ordered = [
      '-1e999999',
      '-10',
      '-1.5',
      '-1.49',
      '-1e-9',
      '0',
      '1e-999999',
      '0.1',
      '0.11',
      '1',
      '9',
      '9.5',
      '10',
      '1e20',
      '1.0000000001e20',
      '1e999999',
    ]
    const numbers = ordered.map((token) => exactNumberOf(token) as ExactNumber)
    for (const [i, a] of numbers.entries())
      for (const [k, b] of numbers.entries())
        expect([ordered[i], ordered[k], Math.sign(compareExact(a, b)) + 0]).toEqual([
          ordered[i],
          ordered[k],
          Math.sign(i - k),
        ])
  })
})
