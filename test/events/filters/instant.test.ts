import { describe, expect, test } from '@jest/globals'
import { instantOf } from '../../../src/events/filters/instant.ts'

/** RFC 3339 §5.6 and §5.7. */
describe('a date of RFC 3339', () => {
  test.each([
    ['2026-01-01T00:00:00Z', '2026-01-01T01:00:00+01:00'],
    ['2026-01-01T00:00:00Z', '2025-12-31T18:30:00-05:30'],
    ['2026-01-01T00:00:00Z', '2026-01-01t00:00:00z'],
    ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000Z'],
    ['2026-01-01T00:00:00.5Z', '2026-01-01T00:00:00.500Z'],
    ['2026-01-01T00:00:00.05Z', '2026-01-01T00:00:00.0500Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:59:60+01:00'],
  ])('%s is the instant %s', (one, other) => {
    expect(instantOf(one)).toBe(instantOf(other))
    expect(instantOf(one)).toBeDefined()
  })

  test('sorts in order of time', () => {
    const sorted = [
      '0000-01-01T00:00:00+23:59',
      '0000-01-01T00:00:00Z',
      '0999-12-31T23:59:59Z',
      '1969-12-31T23:59:59.999999999Z',
      '1970-01-01T00:00:00Z',
      '2016-12-31T23:59:59.9Z',
      '2016-12-31T23:59:60Z',
      '2016-12-31T23:59:60.1Z',
      '2017-01-01T00:00:00Z',
      '2026-01-01T00:00:00.0001Z',
      '2026-01-01T00:00:00.001Z',
      '2026-01-01T00:00:00.01Z',
      '2026-01-01T00:00:00.1Z',
      '2026-01-01T00:00:00.100000000000000000001Z',
      '9999-12-31T23:59:59Z',
      '9999-12-31T23:59:59-23:59',
    ]
    const instants = sorted.map((text) => instantOf(text) ?? `no instant: ${text}`)
    expect(instants.toSorted()).toEqual(instants)
    expect(new Set(instants).size).toBe(sorted.length)
  })

  test.each([
    '',
    'today',
    '2026-01-01',
    '2026-01-01T00:00:00',
    '2026-01-01T00:00Z',
    '2026-01-01 00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-01T24:01:00Z',
    '2026-01-01T00:60:00Z',
    '2026-01-01T00:00:61Z',
    '2026-01-01T00:00:00.Z',
    '2026-01-01T00:00:00+0100',
    'at 2026-01-01T00:00:00Z',
    '2026-01-01T00:00:00Z.',
  ])('%j is not an RFC 3339 date', (text) => {
    expect(instantOf(text)).toBeUndefined()
  })
})
