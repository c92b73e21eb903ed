import { describe, expect, test } from '@jest/globals'
import { decodeBody } from '../../../src/core/body/decode-body.ts'
import { parseJson } from '../../../src/core/json/parse-json.ts'
import { bufferedExchange, bufferedHeaders, unbuffered } from '../../../src/core/publishing/buffered-message.ts'
import { testOrder } from '../../../src/core/publishing/test-data.ts'
import { type PublishRequest, publicationOf } from '../../../src/core/publishing/to-publication.ts'

function publication(request: PublishRequest, publisher = 'p', prefix?: string) {
  return publicationOf(request, { namespace: 'warren', publisher, ...(prefix === undefined ? {} : { prefix }) })
}

/** The field and the beginning of the text of a refusal. */
function refusal(request: PublishRequest, prefix?: string): unknown {
  try {
    publication(request, 'p', prefix)
  } catch (error) {
    const { code, field, message } = error as { code: string; field?: string; message: string }
    return [code, field, message]
  }
  return undefined
}

const nested = (levels: number) => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`) as unknown

describe('published data', () => {
  test('may nest as deep as the gateway can deliver it', () => {
    const { exchange = '', routingKey, body, properties } = publication({ clientId: 'alice', data: nested(1_000) })
    const message = { exchange, routingKey, body, properties, redelivered: false, receivedAt: 0 }
    expect(decodeBody(message).data).toEqual(nested(1_000))
  })

  test.each([1_001, 100_000])('is refused with a field and a reason at %d levels', (levels) => {
    expect(() => publication({ clientId: 'alice', data: nested(levels) })).toThrow(
      'data: expected JSON that nests at most 1000 levels',
    )
  })

  test('is null if it is missing; an error that it throws is passed on', () => {
    expect(publication({ clientId: 'a' }).body.toString()).toBe('null')
    expect(publication({ clientId: 'a', data: null }).body.toString()).toBe('null')
    expect(publication({ clientId: 'a', data: () => {} }).body.toString()).toBe('null')
    const odd = {
      toJSON() {
        throw new Error('odd')
      },
    }
    expect(() => publication({ clientId: 'a', data: odd })).toThrow('odd')
  })
})

test('a publication has the properties that the request gives, and no others', () => {
  const before = Date.now()
  const plain = publication({ clientId: 'alice', data: { a: 1 }, type: null, messageId: null, headers: null })
  expect(plain).toEqual({
    exchange: 'warren.events',
    routingKey: 'client.alice',
    messageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    body: Buffer.from('{"a":1}'),
    properties: { contentType: 'application/json', messageId: plain.messageId, timestamp: expect.any(Number) },
  })
  expect(plain.properties.timestamp).toBeGreaterThanOrEqual(before)
  expect(publication({ clientId: 'alice' }).messageId).not.toBe(plain.messageId)
  const full = publication({ exchange: 'e', routingKey: '', type: 't', messageId: 'm', headers: { a: true } })
  expect(full).toMatchObject({ exchange: 'e', routingKey: '', messageId: 'm' })
  const named = { exchange: 'e', routingKey: 'k.1' }
  expect(publication({ clientId: null, ...named })).toMatchObject(named)
  expect(full.properties).toMatchObject({ type: 't', messageId: 'm', headers: { a: true } })
  expect(Object.keys(full.properties.headers ?? {})).toEqual(['a'])
})

test('an idempotency key of a publisher gives the same message id everywhere', () => {
  const one = publication({ clientId: 'a', idempotencyKey: 'k', headers: { b: 1 } })
  expect(one.messageId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(one.properties.headers).toEqual({ b: 1, 'x-warren-idempotency-key': 'p k' })
  expect(publication({ clientId: 'b', idempotencyKey: 'k' }).messageId).toBe(one.messageId)
  expect(publication({ clientId: 'a', idempotencyKey: 'k' }, 'q').messageId).not.toBe(one.messageId)
  expect(publication({ clientId: 'a', idempotencyKey: 'k', messageId: 'm' })).toMatchObject({
    messageId: 'm',
    properties: { headers: { 'x-warren-idempotency-key': 'p k' } },
  })
  // The digits of the hash, around the version and the variant of the UUID.
  expect(one.messageId).toBe('06379361-89dc-81cb-a371-29c096215803')
})

const long = 'x'.repeat(256)
test.each<[PublishRequest, string, string]>([
  [{}, 'clientId', 'either clientId, or exchange and routingKey'],
  [{ routingKey: 'k' }, 'exchange', 'either clientId, or'],
  [{ exchange: null, routingKey: null }, 'clientId', 'either clientId, or'],
  [{ exchange: 'e' }, 'routingKey', 'because exchange is given'],
  [{ exchange: 'e', routingKey: null }, 'routingKey', 'because exchange is given'],
  [{ clientId: 'a', exchange: 'e' }, 'clientId', 'not both'],
  [{ clientId: 'a', routingKey: 'k' }, 'clientId', 'not both'],
  [{ clientId: '' }, 'clientId', 'non-empty'],
  [{ exchange: '', routingKey: 'k' }, 'exchange', 'the default exchange'],
  [{ exchange: long, routingKey: 'k' }, 'exchange', 'at most 255 bytes, got 256'],
  [{ exchange: 'e', routingKey: long }, 'routingKey', 'at most 255'],
  [{ clientId: 'a', type: long }, 'type', 'at most 255'],
  [{ clientId: 'a', messageId: long }, 'messageId', 'at most 255'],
  [{ clientId: 'a', idempotencyKey: long }, 'idempotencyKey', 'at most 255'],
  [{ clientId: 'a', idempotencyKey: '' }, 'idempotencyKey', 'non-empty'],
  [{ clientId: 'a', headers: 'x' }, 'headers', 'an object'],
  [{ clientId: 'a', headers: [] }, 'headers', 'an object'],
  [{ clientId: 'a', headers: parseJson('1.0') }, 'headers', 'an object'],
  [{ clientId: 'a', headers: { 'X-Warren-Reason': 'x' } }, 'headers.X-Warren-Reason', 'only gateways'],
  [{ clientId: 'a', headers: { CC: 'x' } }, 'headers.CC', 'lists of more routing keys'],
  [{ clientId: 'a', headers: { BCC: 'x' } }, 'headers.BCC', 'lists of more routing keys'],
  [{ clientId: 'a', headers: { ['ü'.repeat(65)]: 1 } }, 'headers', 'at most 128 bytes'],
  [{ clientId: 'a', headers: { a: null } }, 'headers.a', 'a string, a number or a boolean'],
  [{ clientId: 'a', headers: { a: {} } }, 'headers.a', 'a string, a number or a boolean'],
])('%j is refused for its %s', (request, field, text) => {
  expect(refusal(request)).toEqual(['BAD_USER_INPUT', field, expect.stringContaining(text)])
  expect(refusal(request, 'input.')).toEqual(['BAD_USER_INPUT', `input.${field}`, expect.stringContaining(text)])
})

test('only the exchanges of its own namespace are reserved', () => {
  expect(refusal({ exchange: 'warren.control', routingKey: 'k' })).toEqual([
    'FORBIDDEN',
    undefined,
    expect.stringContaining('reserved'),
  ])
  for (const exchange of ['other.control', 'warren.events', 'warrens.control'])
    expect(publication({ exchange, routingKey: 'k' }).exchange).toBe(exchange)
})

test('a test route publishes the same order for the same number', () => {
  expect([testOrder(7), testOrder(8), testOrder(7)]).toEqual([
    { number: 7, order: 'A-1007', status: 'placed' },
    { number: 8, order: 'A-1008', status: 'shipped' },
    { number: 7, order: 'A-1007', status: 'placed' },
  ])
})

describe('a header', () => {
  const header = (json: string) => {
    const { headers } = publication({ clientId: 'a', headers: parseJson(`{"a":${json}}`) }).properties
    return headers?.['a']
  }

  test.each<[string, unknown]>([
    ['"x"', 'x'],
    ['true', true],
    ['7', 7],
    ['-0', -0],
    ['-0.00', -0],
    ['-0.50', -0.5],
    ['5e-0', 5],
    ['0.5', 0.5],
    ['1.0', 1],
    ['1e2', 100],
    ['9007199254740991', 2 ** 53 - 1],
    ['9007199254740993', 2n ** 53n + 1n],
    ['9223372036854775807', 2n ** 63n - 1n],
    ['-9223372036854775808', -(2n ** 63n)],
  ])('%s is sent as %p', (json, value) => {
    expect(header(json)).toEqual(value)
  })

  test.each([
    '9223372036854775808',
    '-9223372036854775809',
    '1e400',
    '0.1000000000000000055511151231257827',
    '123456789012345678901234',
  ])('%s is refused, because AMQP cannot carry it exactly', (json) => {
    expect(() => header(json)).toThrow(`got ${json}`)
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 2n ** 64n])('%p of a caller in this process is refused', (value) => {
    expect(() => publication({ clientId: 'a', headers: { a: value } })).toThrow('headers.a: expected a signed 64-bit')
  })

  test('names with any prefix of its own, and quotes 40 characters at most', () => {
    expect(() => header('1'.repeat(41))).toThrow(`got ${'1'.repeat(40)}…, which`)
    expect(() => header('1'.repeat(40))).toThrow(`got ${'1'.repeat(40)}, which`)
    const names = { __proto__: null, ['a'.repeat(128)]: 1, 'my-x-warren-': 2, cc: 3 }
    expect(Object.keys(publication({ clientId: 'a', headers: names }).properties.headers ?? {})).toHaveLength(3)
  })
})

describe('a message that is moved from the queue of a buffered source', () => {
  test('comes out as it was', () => {
    expect(bufferedExchange('warren')).toBe('warren.buffered')
    const properties = { messageId: 'm', type: 't', headers: { a: 1 } }
    const moved = { ...properties, headers: bufferedHeaders(properties, 'orders', false) }
    expect(unbuffered(moved)).toEqual({ exchange: 'orders', redelivered: false, properties })
    const again = { ...properties, headers: bufferedHeaders(properties, 'orders', true) }
    expect(unbuffered(again)).toEqual({ exchange: 'orders', redelivered: true, properties })
    const repeated = { ...moved, headers: { ...moved.headers, 'x-warren-repeated': true } }
    expect(unbuffered(repeated)).toEqual({ exchange: 'orders', redelivered: true, properties })
  })

  test('has no message id if its publisher gave none, whatever the gateway added', () => {
    const headers = bufferedHeaders({ type: 't' }, 'orders', false)
    expect(unbuffered({ type: 't', messageId: 'added', headers })).toEqual({
      exchange: 'orders',
      redelivered: false,
      properties: { type: 't', headers: {} },
    })
    const forged = { 'x-warren-buffered-from': 'orders' }
    expect(unbuffered({ headers: forged })?.properties).not.toHaveProperty('messageId')
  })

  test('is one only with the name of its exchange', () => {
    expect([unbuffered({}), unbuffered({ headers: {} })]).toEqual([undefined, undefined])
    expect(unbuffered({ headers: { 'x-warren-buffered-from': 5 } })).toBeUndefined()
  })
})
