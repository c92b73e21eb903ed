import { describe, expect, test } from '@jest/globals'
import { JsonNumber } from '../../../src/core/json/json-number.ts'
import { allow, requestField } from '../access/build-schema.ts'
import { callerWith, noToken } from '../access/callers.ts'
import { alice, bodyOf, errorOf, now, render, send, sendArguments } from './message-fields.ts'

describe('headers and properties', () => {
  test('are those of the author and of Warren', () => {
    const field = send({ type: 'order.place', headers: { tenant: '{claim:/tenant}', note: 'n-{text}', left: '{id}' } })
    const { properties, headers, exchange, mandatory } = render(field, { text: 'a.b' }, alice, '00-1-2-01')
    expect([exchange, mandatory]).toEqual(['commands', true])
    expect({ ...headers }).toEqual({
      tenant: 'acme',
      note: 'n-a.b',
      'x-warren-client-id': 'alice',
      traceparent: '00-1-2-01',
    })
    expect(properties).toEqual({
      contentType: 'application/json',
      messageId: expect.any(String),
      timestamp: now,
      type: 'order.place',
      headers,
    })
  })

  test('of Warren cannot be replaced by the author', () => {
    const field = send({ headers: { 'x-warren-client-id': 'bob', traceparent: 'x' } })
    expect(render(field, {}, alice, '00-1-2-01').headers).toMatchObject({
      'x-warren-client-id': 'alice',
      traceparent: '00-1-2-01',
    })
    expect(render(field, {}, noToken).headers).not.toHaveProperty('x-warren-client-id')
  })

  test('of an anonymous caller have no client id', () => {
    expect(Object.keys(render(send(), {}, noToken).headers)).toEqual([])
  })

  test('state whether a key without a queue is an error', () => {
    expect(render(send({ mandatory: false }), {}).mandatory).toBe(false)
    const quote = requestField('quote', 'Query', {
      arguments: { sku: [], quantity: [] },
      allow: [allow()],
      routingKey: 'pricing.quote',
    })
    expect(render(quote, { sku: 'a', quantity: 2 })).toMatchObject({
      exchange: '',
      routingKey: 'pricing.quote',
      mandatory: true,
    })
  })
})

describe('a message id', () => {
  const idOf = (args: Record<string, unknown>, caller = alice, field = send()) =>
    render(field, args, caller).properties.messageId

  test('is new without an idempotency key', () => {
    expect(idOf({})).not.toBe(idOf({}))
    expect(idOf({ idempotencyKey: null })).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/)
  })

  test('is the same for the same key and caller only', () => {
    expect(idOf({ idempotencyKey: 'k' })).toBe(idOf({ idempotencyKey: 'k', text: 'other' }))
    expect(idOf({ idempotencyKey: 'k' })).not.toBe(idOf({ idempotencyKey: 'l' }))
    expect(idOf({ idempotencyKey: 'k' })).not.toBe(idOf({ idempotencyKey: 'k' }, callerWith({ sub: 'bob' })))
    expect(idOf({ idempotencyKey: 'k' })).not.toBe(idOf({ idempotencyKey: 'k' }, noToken))
    expect(render(send(), { idempotencyKey: 'k' }).headers['x-warren-idempotency-key']).toBe('alice send k')
  })

  test.each(['', 'k'.repeat(256)])('is refused for the key "%s"', (idempotencyKey) => {
    expect(errorOf(() => idOf({ idempotencyKey }))).toEqual({ code: 'BAD_USER_INPUT', field: 'idempotencyKey' })
  })

  test('is not taken from an argument that the author declared', () => {
    const field = send({ idempotencyKey: undefined, arguments: { ...sendArguments, idempotencyKey: [] } })
    expect(idOf({ idempotencyKey: 'k' }, alice, field)).not.toBe(idOf({ idempotencyKey: 'k' }, alice, field))
    expect(bodyOf(field, { idempotencyKey: 'k' })).toBe('{"idempotencyKey":"k"}')
  })
})

test('wrap puts body, message id and time where their strings are', () => {
  const wrap = {
    specversion: '1.0',
    id: '{messageId}',
    at: ['{now}', '{now} '],
    '{body}': null,
    data: { payload: '{body}' },
    n: new JsonNumber('1.10'),
  }
  const message = render(send({ wrap }), { id: '7', idempotencyKey: 'k' })
  expect(message.body.toString()).toBe(
    `{"specversion":"1.0","id":"${message.properties.messageId}","at":["2026-11-28T12:00:00.000Z","{now} "],"{body}":null,"data":{"payload":{"id":"7"}},"n":1.10}`,
  )
})

test('the argument of a body is not searched for the strings of wrap', () => {
  expect(bodyOf(send({ wrap: ['{body}'] }), { text: '{messageId}' })).toBe('[{"text":"{messageId}"}]')
})
