import { describe, expect, test } from '@jest/globals'
import { GraphQLError, parseValue } from 'graphql'
import { JsonNumber } from '../../../src/core/json/json-number.ts'
import { isFullDate, isRfc3339 } from '../../../src/events/scalars/dates.ts'
import { newEventScalars } from '../../../src/events/scalars/event-scalars.ts'

const scalars = new Map(newEventScalars().map((scalar) => [scalar.name, scalar]))
const uuid = '5e1a7c0e-6a0b-4d5c-9f5e-2f1f3a7b9c10'

function refusal(action: () => unknown): GraphQLError {
  try {
    action()
  } catch (error) {
    if (error instanceof GraphQLError) return error
    throw error
  }
  throw new Error('accepted')
}

describe('a value is taken as sent', () => {
  test.each<[scalar: string, value: unknown, text: string]>([
    ['Decimal', '1.50', '1.50'],
    ['Decimal', 1.5, '1.5'],
    ['Decimal', -7, '-7'],
    ['Decimal', 9007199254740993n, '9007199254740993'],
    ['Decimal', new JsonNumber('1.500'), '1.500'],
    ['Decimal', '1e999', '1e999'],
    ['BigInt', '12345678901234567890', '12345678901234567890'],
    ['BigInt', new JsonNumber('12345678901234567890'), '12345678901234567890'],
    ['BigInt', 12345678901234567890n, '12345678901234567890'],
    ['BigInt', -0, '0'],
    ['UUID', uuid, uuid],
    ['UUID', uuid.toUpperCase(), uuid.toUpperCase()],
    ['Date', '2024-02-29', '2024-02-29'],
  ])('%s %p', (scalar, value, text) => {
    expect(scalars.get(scalar)?.parseValue(value)).toBe(text)
    expect(scalars.get(scalar)?.serialize(value)).toBe(text)
  })

  test.each<[scalar: string, literal: string, text: string]>([
    ['Decimal', '1.500', '1.500'],
    ['Decimal', '7', '7'],
    ['Decimal', '"7.0"', '7.0'],
    ['BigInt', '123456789012345678901', '123456789012345678901'],
    ['Date', '"2026-11-28"', '2026-11-28'],
  ])('%s %s in a document', (scalar, literal, text) => {
    expect(scalars.get(scalar)?.parseLiteral(parseValue(literal), {})).toBe(text)
  })
})

describe('a value is refused', () => {
  test.each<[scalar: string, value: unknown, message: string]>([
    ['Decimal', 'one', 'Decimal: expected a number, or a string that contains one, got "one"'],
    ['Decimal', true, 'Decimal: expected a number, or a string that contains one, got true'],
    ['Decimal', Number.NaN, 'Decimal: expected a number, or a string that contains one, got null'],
    ['BigInt', 1.5, 'BigInt: expected a whole number, or a string that contains one, got 1.5'],
    ['BigInt', new JsonNumber('1.0'), 'BigInt: expected a whole number, or a string that contains one, got 1.0'],
    ['BigInt', { n: 1 }, 'BigInt: expected a whole number, or a string that contains one, got {"n":1}'],
    ['UUID', 7, `UUID: expected a UUID such as "${uuid}", got 7`],
    ['UUID', 12345678901234567890n, `UUID: expected a UUID such as "${uuid}", got 12345678901234567890`],
    ['UUID', `${uuid}00000`, `UUID: expected a UUID such as "${uuid}", got "${uuid}000`],
    ['Date', undefined, 'Date: expected a date such as "2026-11-28", got undefined'],
    ['Date', new JsonNumber('1'.repeat(50)), `Date: expected a date such as "2026-11-28", got ${'1'.repeat(40)}`],
    ['Date', '2023-02-29', 'Date: expected a date such as "2026-11-28", got "2023-02-29"'],
  ])('%s %p', (scalar, value, message) => {
    const error = refusal(() => scalars.get(scalar)?.parseValue(value))
    expect(error.message).toBe(message)
    expect(error.extensions['code']).toBe('BAD_USER_INPUT')
  })

  test.each<[scalar: string, literal: string, got: string]>([
    ['Decimal', 'true', 'true'],
    ['Date', 'false', 'false'],
    ['UUID', '1.5', '1.5'],
    ['BigInt', '[1]', 'undefined'],
  ])('%s %s in a document', (scalar, literal, got) => {
    expect(refusal(() => scalars.get(scalar)?.parseLiteral(parseValue(literal), {})).message).toMatch(
      new RegExp(`, got ${got}$`),
    )
  })
})

/** RFC 3339 §5.6 and §5.7. */
describe('dates', () => {
  test.each<[text: string, exists: boolean]>([
    ['2026-01-31', true],
    ['2026-04-30', true],
    ['2026-04-31', false],
    ['2026-06-31', false],
    ['2026-09-31', false],
    ['2026-11-31', false],
    ['2026-12-31', true],
    ['2024-02-29', true],
    ['2023-02-29', false],
    ['1900-02-29', false],
    ['2000-02-29', true],
    ['2026-02-28', true],
    ['2026-00-01', false],
    ['2026-13-01', false],
    ['2026-01-00', false],
    ['2026-01-32', false],
    ['2026-1-01', false],
    ['', false],
  ])('%j exists: %s', (text, exists) => {
    expect(isFullDate(text)).toBe(exists)
    expect(isRfc3339(`${text}T00:00:00Z`)).toBe(exists)
  })

  test.each<[text: string, exists: boolean]>([
    ['2026-11-28T23:59:59Z', true],
    ['2026-11-28t23:59:59.123456789z', true],
    ['2026-11-28T00:00:00+23:59', true],
    ['2026-11-28T00:00:00-00:00', true],
    ['2026-11-28T24:00:00Z', false],
    ['2026-11-28T00:60:00Z', false],
    ['2026-11-28T00:00:61Z', false],
    ['2026-11-28T00:00:00+24:00', false],
    ['2026-11-28T00:00:00+00:60', false],
    ['2026-11-28T00:00:00', false],
    ['2026-11-28 00:00:00Z', false],
    // A leap second is the last of a day in UTC.
    ['2016-12-31T23:59:60Z', true],
    ['2016-12-31T23:58:60Z', false],
    ['2016-12-31T22:59:60Z', false],
    ['2017-01-01T00:59:60+01:00', true],
    ['2017-01-01T05:29:60+05:30', true],
    ['2016-12-31T15:59:60-08:00', true],
    ['2016-12-31T18:29:60-05:30', true],
    ['2016-12-31T18:29:60+05:30', false],
    ['2016-12-31T23:59:60+01:00', false],
  ])('%s exists: %s', (text, exists) => {
    expect(isRfc3339(text)).toBe(exists)
  })
})
