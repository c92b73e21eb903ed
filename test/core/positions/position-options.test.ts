import { describe, expect, test } from '@jest/globals'
import { parseJson } from '../../../src/core/json/parse-json.ts'
import { anonymous, type Identity, noScope } from '../../../src/core/model/identity.ts'
import {
  checkPositionName,
  ownerOf,
  type PositionOptions,
  topicOfText,
  topicText,
  wantedPosition,
} from '../../../src/core/positions/position-options.ts'

const alice: Identity = { ...anonymous, clientId: 'alice' }

describe('the options of a subscription', () => {
  test('want a position of the caller', () => {
    expect(wantedPosition({ position: 'phone' }, alice)).toEqual({
      clientId: 'alice',
      name: 'phone',
      acksDelivered: false,
    })
    expect(wantedPosition({ position: 'phone', autoAck: 'DELIVERED', last: null }, alice)?.acksDelivered).toBe(true)
    expect(wantedPosition({ position: 'phone', autoAck: null }, alice)?.acksDelivered).toBe(false)
  })

  test('want none if it is null or left out, for any caller', () => {
    expect(wantedPosition({}, anonymous)).toBeUndefined()
    expect(wantedPosition({ position: null, autoAck: null, last: 3 }, anonymous)).toBeUndefined()
  })

  test.each<[string, PositionOptions & { last?: unknown }, string]>([
    ['an unknown autoAck', { position: 'phone', autoAck: 'SEEN' as never }, 'autoAck: expected DELIVERED, got "SEEN"'],
    ['autoAck without a position', { autoAck: 'DELIVERED' }, 'autoAck: expected position too: it names what is moved'],
    [
      'last and position',
      { position: 'phone', last: 0 },
      'last: expected last or position, got both: a position says where to begin',
    ],
  ])('refuse %s', (_, options, message) => {
    expect(() => wantedPosition(options, alice)).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT', message }))
  })

  test('have names of 1 to 64 letters, digits, ".", "_" and "-"', () => {
    const longest = 'aZ09._-'.padEnd(64, 'x')
    expect(checkPositionName(longest)).toBe(longest)
    for (const name of ['', `${longest}x`, 'a b', ' a', 'a\n', 'é', undefined, 7, ['phone']])
      expect(() => checkPositionName(name, 'name')).toThrow(
        expect.objectContaining({
          code: 'BAD_USER_INPUT',
          message: 'name: expected 1 to 64 letters, digits, ".", "_" or "-"',
        }),
      )
    expect(() => checkPositionName('')).toThrow('position: expected')
  })
})

test('a position belongs to a client that may still use its channel', () => {
  expect(ownerOf(alice)).toBe('alice')
  expect(ownerOf({ ...alice, disowned: false })).toBe('alice')
  for (const [identity, code] of [
    [anonymous, 'UNAUTHENTICATED'],
    [{ ...anonymous, scope: { ...noScope, operator: true } }, 'BAD_USER_INPUT'],
    [{ ...alice, disowned: true }, 'FORBIDDEN'],
  ] as const)
    expect(() => ownerOf(identity)).toThrow(expect.objectContaining({ code }))
})

describe('the text of a field and its arguments', () => {
  test('is the same for members in any order, and for null and left out arguments', () => {
    const text = topicText({ field: 'order', args: { id: '7', filter: { b: [{ y: 1, x: 2 }], a: null } } })
    expect(text).toBe('["order",{"filter":{"a":null,"b":[{"x":2,"y":1}]},"id":"7"}]')
    const filter = Object.assign(Object.create(null) as object, { b: [{ x: 2, y: 1 }], a: null })
    expect(topicText({ field: 'order', args: { filter, id: '7', other: null, another: undefined } })).toBe(text)
    expect(topicText({ field: 'order', args: { c: 1, a: 2, b: 3 } })).toBe('["order",{"a":2,"b":3,"c":1}]')
  })

  test('distinguishes lists in another order', () => {
    const textOf = (ids: readonly string[]) => topicText({ field: 'order', args: { ids } })
    expect(textOf(['1', '2'])).not.toBe(textOf(['2', '1']))
  })

  test('contains numbers that JavaScript would round as they are', () => {
    const args = parseJson('{"id": 12345678901234567890}') as Record<string, unknown>
    expect(topicText({ field: 'order', args })).toBe('["order",{"id":12345678901234567890}]')
  })

  test('gives the field and its arguments again', () => {
    const topic = { field: 'order', args: { id: '7', filter: { a: [1, true, null] } } }
    expect(topicOfText(topicText(topic))).toEqual(topic)
  })

  test('has at most 8 KiB, counted in bytes', () => {
    const withBytes = (bytes: number) => ({ field: 'order', args: { id: 'é'.repeat((bytes - 19) / 2) } })
    const longest = topicText(withBytes(8_191))
    expect(Buffer.byteLength(longest)).toBe(8_191)
    expect(topicText({ field: 'orders', args: withBytes(8_191).args })).toHaveLength(longest.length + 1)
    expect(() => topicText(withBytes(8_193))).toThrow(
      expect.objectContaining({
        code: 'BAD_USER_INPUT',
        message: 'position: expected at most 8192 bytes of arguments beside it, got 8193',
      }),
    )
  })
})
