import { describe, expect, test } from '@jest/globals'
import type { MessagePropertyName } from '../../../src/events/model/place.ts'
import { captureReader } from '../../../src/events/values/captures.ts'
import { placeReader, placeText } from '../../../src/events/values/place-reader.ts'
import { eventInput, keyPattern, placeOf } from '../schema-builder.ts'

describe('a capture', () => {
  test.each([
    ['orders.{region}.*', 'region', 'orders.eu.created', 'eu'],
    ['{a}.{b}', 'b', 'x.y', 'y'],
    ['{a}', 'a', 'x', 'x'],
    ['shipment.{id}.#', 'id', 'shipment.7', '7'],
    ['shipment.{id}.#', 'id', 'shipment.7.a.b', '7'],
    ['#.{id}', 'id', '7', '7'],
    ['#.{id}.x', 'id', 'a.b.7.x', '7'],
    ['{a}.#.{b}', 'b', 'x.y', 'y'],
    ['client.{id#}', 'id', 'client.alice@example.com', 'alice@example.com'],
    ['{id#}', 'id', 'a.b', 'a.b'],
    ['client.{id#}', 'id', 'client', undefined],
    ['client.{id#}', 'id', 'client.', undefined],
    ['a.{id}.b', 'id', 'a..b', undefined],
    ['#.{id}', 'id', 'a.', undefined],
    ['{id}.x', 'other', 'a.x', undefined],
  ])('of %s: {%s} of %s is %s', (pattern, name, key, expected) => {
    expect(captureReader(keyPattern(pattern), name)(key)).toBe(expected)
  })
})

describe('a place', () => {
  const body = { data: { id: 7, 'a/b': [{ 'm~n': 1 }] }, constructor: 1 }

  test.each([
    [{ body: '' }, body.data],
    [{ body: '/id' }, 7],
    [{ body: '/a~1b/0/m~0n' }, 1],
    [{ body: '/a~1b/01' }, undefined],
    [{ body: '/toString' }, undefined],
    [{ envelope: '' }, body],
    [{ envelope: '/constructor' }, 1],
    [{ envelope: '/data/id' }, 7],
    [{ header: 'X' }, undefined],
    [{ header: 'x' }, 'y'],
    [{ header: 'constructor' }, undefined],
    [{ word: 'region' }, 'eu'],
  ])('%p is read', (written, expected) => {
    const input = eventInput({ json: body, routingKey: 'orders.eu', properties: { headers: { x: 'y' } } })
    expect(placeReader(placeOf(written), keyPattern('orders.{region}'))(input, body.data)).toEqual(expected)
  })

  test('has no captured words in a reply', () => {
    expect(
      placeReader({ kind: 'word', name: 'a' }, undefined)(eventInput({ routingKey: 'a' }), undefined),
    ).toBeUndefined()
  })

  test.each<[MessagePropertyName, string | undefined]>([
    ['CURSOR', 'the-cursor'],
    ['GAP', undefined],
    ['MESSAGE_ID', 'm'],
    ['TYPE', 't'],
    ['TIMESTAMP', '2023-11-14T22:13:20.000Z'],
    ['RECEIVED_AT', '2023-11-14T22:13:20.123Z'],
    ['EXCHANGE', 'e'],
    ['ROUTING_KEY', 'k'],
    ['CORRELATION_ID', 'c'],
    ['CONTENT_TYPE', 'application/json'],
    ['APP_ID', 'a'],
    ['REDELIVERED', 'true'],
  ])('reads the property %s as text', (property, expected) => {
    const input = eventInput({
      exchange: 'e',
      routingKey: 'k',
      redelivered: true,
      receivedAt: 1_700_000_000_123,
      properties: {
        messageId: 'm',
        type: 't',
        timestamp: 1_700_000_000_000,
        correlationId: 'c',
        contentType: 'application/json',
        appId: 'a',
      },
    })
    expect(placeReader({ kind: 'property', property }, undefined)(input, undefined)).toBe(expected)
  })

  test('omits a timestamp in another unit, and the cursor of a reply', () => {
    const input = eventInput({ cursor: '', properties: { timestamp: 1.7e18 } })
    expect(placeReader({ kind: 'property', property: 'TIMESTAMP' }, undefined)(input, undefined)).toBeUndefined()
    expect(placeReader({ kind: 'property', property: 'CURSOR' }, undefined)(input, undefined)).toBeUndefined()
  })

  test.each([
    [{ body: '/a~1b/0' }, '/a~1b/0'],
    [{ header: 'x-type' }, 'header:x-type'],
    [{ word: 'region' }, 'word:region'],
    [{ property: 'TYPE' as const }, 'property:TYPE'],
  ])('%p has a name for errors', (written, expected) => {
    expect(placeText(placeOf(written))).toBe(expected)
  })
})
