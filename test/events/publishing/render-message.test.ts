import { describe, expect, test } from '@jest/globals'
import { JsonNumber } from '../../../src/core/json/json-number.ts'
import { GatewayError } from '../../../src/errors.ts'
import type { EventCaller } from '../../../src/events/access/event-caller.ts'
import type { PublishField, RequestField } from '../../../src/events/model/event-schema.ts'
import { messageRendererOf } from '../../../src/events/publishing/render-message.ts'
import {
  allow,
  allowAnonymous,
  claim,
  clientId,
  enumMapping,
  eventSchema,
  publishField,
  requestField,
} from '../access/build-schema.ts'
import { callerWith, noToken } from '../access/callers.ts'

const schema = eventSchema(
  `type Query { quote(sku: ID!, quantity: Int!): Int }
  type Mutation { place(input: PlaceOrder!, idempotencyKey: String): Int
    send(id: ID, text: String, count: Int, open: Boolean, state: State, ids: [ID!], big: BigInt, total: Decimal, any: JSON, idempotencyKey: String): Int }
  input PlaceOrder { customerID: ID region: String state: State! total: Decimal big: [BigInt!] weight: Float note: String at: DateTime any: JSON lines: [Line!] parent: PlaceOrder }
  input Line { sku: ID! price: Decimal owner: ID }
  enum State { OPEN DONE }`,
  {
    enums: { State: enumMapping({ OPEN: 'open', DONE: '2' }) },
    inputs: {
      PlaceOrder: {
        customerID: { member: 'customer_id', owners: [clientId] },
        region: [],
        state: { member: 'order_state' },
        total: [],
        big: [],
        weight: [],
        note: [],
        at: [],
        any: [],
        lines: [],
        parent: { member: '__proto__' },
      },
      Line: { sku: [], price: [], owner: [claim('tenant')] },
    },
  },
)
const place = (options: Partial<Parameters<typeof publishField>[1]> = {}) =>
  publishField('place', { arguments: { input: [] }, bodyArgument: 'input', owned: true, ...options })
const sendArguments = { id: [], text: [], count: [], open: [], state: [], ids: [], big: [], total: [], any: [] }
const send = (options: Partial<Parameters<typeof publishField>[1]> = {}) =>
  publishField('send', { arguments: sendArguments, allow: [allowAnonymous], ...options })
const alice = callerWith({ sub: 'alice', tenant: 'acme', tenants: ['a', 'b'], level: 7, scope: 'x' })
const now = Date.UTC(2026, 10, 28, 12)

function render(
  field: PublishField | RequestField,
  args: Record<string, unknown>,
  caller: EventCaller = alice,
  traceparent?: string,
) {
  return messageRendererOf(schema, field)({ args, caller, now, traceparent })
}

function bodyOf(field: PublishField, args: Record<string, unknown>, caller?: EventCaller): string {
  return render(field, args, caller).body.toString()
}

function errorOf(act: () => unknown): Partial<GatewayError> {
  try {
    act()
  } catch (error) {
    if (error instanceof GatewayError)
      return { code: error.code, ...(error.field === undefined ? {} : { field: error.field }) }
    throw error
  }
  throw new Error('expected an error')
}

describe('the body', () => {
  test('is the only argument if that is an input object, with the names and texts of bodies', () => {
    const input = {
      customerID: 'alice',
      region: 'eu',
      state: 'OPEN',
      note: null,
      at: '2026-11-28T12:00:00+01:00',
      weight: 1.5,
    }
    expect(bodyOf(place(), { input, idempotencyKey: 'k' })).toBe(
      '{"customer_id":"alice","region":"eu","order_state":"open","weight":1.5,"note":null,"at":"2026-11-28T12:00:00+01:00"}',
    )
  })

  test('is an object of all arguments otherwise, without those that are left out or built in', () => {
    const args = { id: '7', text: 'a"b', count: 3, open: false, state: 'DONE', ids: ['1', '2'], idempotencyKey: 'k' }
    expect(bodyOf(send(), args)).toBe('{"id":"7","text":"a\\"b","count":3,"open":false,"state":"2","ids":["1","2"]}')
    expect(bodyOf(send(), {})).toBe('{}')
  })

  test('has BigInt and Decimal as numbers with every digit', () => {
    const input = {
      customerID: 'alice',
      state: 'OPEN',
      total: '12345678901234567890.10',
      big: ['9007199254740993', '-0'],
    }
    expect(bodyOf(place(), { input })).toContain('"total":12345678901234567890.10,"big":[9007199254740993,-0]')
    expect(bodyOf(send(), { total: '1e400' })).toBe('{"total":1e400}')
  })

  test('has the digits of JSON values', () => {
    expect(bodyOf(send(), { any: { a: [new JsonNumber('1.10')] } })).toBe('{"any":{"a":[1.10]}}')
  })

  test('can have a member of any name', () => {
    const input = { customerID: 'alice', state: 'OPEN', parent: { customerID: 'alice', state: 'DONE' } }
    expect(bodyOf(place(), { input })).toBe(
      '{"customer_id":"alice","order_state":"open","__proto__":{"customer_id":"alice","order_state":"2"}}',
    )
  })

  test('is refused with the path of a value that JSON cannot hold', () => {
    const lines = [{ sku: 'a' }, { sku: 'b', price: '01' }]
    expect(errorOf(() => bodyOf(place(), { input: { state: 'OPEN', lines } }))).toEqual({
      code: 'BAD_USER_INPUT',
      field: 'input.lines.1.price',
    })
    let deep: unknown = null
    for (let level = 0; level < 1_001; level += 1) deep = [deep]
    expect(errorOf(() => bodyOf(send(), { any: deep })).code).toBe('BAD_USER_INPUT')
  })
})

describe('an absent @owner value', () => {
  const filled = '{"customer_id":"alice","order_state":"open"'
  test.each<[what: string, input: Record<string, unknown>, body: string]>([
    ['is filled in', { state: 'OPEN' }, `${filled}}`],
    ['is filled in for null', { customerID: null, state: 'OPEN' }, `${filled}}`],
    [
      'is filled in inside lists',
      { state: 'OPEN', lines: [{ sku: 'a' }, { sku: 'b', owner: 'acme' }] },
      `${filled},"lines":[{"sku":"a","owner":"acme"},{"sku":"b","owner":"acme"}]}`,
    ],
    ['is filled in at every level', { state: 'OPEN', parent: { state: 'OPEN' } }, `${filled},"__proto__":${filled}}}`],
  ])('%s', (_what, input, body) => {
    expect(bodyOf(place(), { input })).toBe(body)
  })

  test('is asked for if the claim has several', () => {
    const field = send({ arguments: { id: [claim('tenants')] }, allow: [], owned: true })
    expect(errorOf(() => render(field, {}))).toEqual({ code: 'BAD_USER_INPUT', field: 'id' })
    expect(bodyOf(field, { id: 'b' })).toBe('{"id":"b"}')
    const list = send({ arguments: { ids: [claim('tenants')] }, allow: [], owned: true })
    expect(bodyOf(list, {})).toBe('{"ids":["a","b"]}')
    expect(errorOf(() => render(list, { ids: [] }))).toEqual({ code: 'BAD_USER_INPUT', field: 'ids' })
    expect(errorOf(() => render(list, { ids: ['a', 'c'] }))).toEqual({ code: 'FORBIDDEN' })
  })

  test('has the type of the argument', () => {
    const owned = (name: string) => send({ arguments: { [name]: [claim('level')] }, allow: [], owned: true })
    expect([bodyOf(owned('count'), {}), bodyOf(owned('id'), {}), bodyOf(owned('big'), {})]).toEqual([
      '{"count":7}',
      '{"id":"7"}',
      '{"big":7}',
    ])
    expect(errorOf(() => render(owned('text'), {}))).toEqual({ code: 'FORBIDDEN' })
  })

  test('is not filled in for a caller above @owner', () => {
    expect(bodyOf(place(), { input: { state: 'OPEN' } }, callerWith({ sub: 'root', scope: 'operator' }))).toBe(
      '{"order_state":"open"}',
    )
  })

  test('reaches the routing key', () => {
    expect(render(place({ routingKey: 'order.{input.customerID}' }), { input: { state: 'OPEN' } }).routingKey).toBe(
      'order.alice',
    )
  })

  test('is of the caller, and no other value is accepted', () => {
    expect(errorOf(() => render(place(), { input: { state: 'OPEN', lines: [{ sku: 'a', owner: 'other' }] } }))).toEqual(
      { code: 'FORBIDDEN' },
    )
    expect(errorOf(() => render(place(), { input: { state: 'OPEN' } }, noToken))).toEqual({ code: 'UNAUTHENTICATED' })
  })
})

describe('a routing key', () => {
  test.each<[template: string, args: Record<string, unknown>, key: string]>([
    ['order.place', {}, 'order.place'],
    ['', {}, ''],
    ['a.{id}.z', { id: 'x y' }, 'a.x y.z'],
    ['{count}.{open}.{state}', { count: -3, open: true, state: 'DONE' }, '-3.true.2'],
    ['order-{id}', { id: 'x' }, 'order-x'],
    ['a.{id}{text}', { id: '', text: 'b' }, 'a.b'],
    ['{claim:/tenant}.{claim:/level}', {}, 'acme.7'],
  ])('%s with %j', (template, args, key) => {
    expect(render(send({ routingKey: template }), args).routingKey).toBe(key)
  })

  test.each<[template: string, args: Record<string, unknown>, field: string]>([
    ['a.{id}', { id: '' }, 'id'],
    ['{id}.a', { id: '' }, 'id'],
    ['a.{id}', { id: null }, 'id'],
    ['a.{id}', {}, 'id'],
    ['a.{id}', { id: 'x.y' }, 'id'],
    ['a.{id}', { id: '*' }, 'id'],
    ['a.{id}', { id: 'a#' }, 'id'],
    ['a.{id}', { id: 'a\n' }, 'id'],
    ['a.{id}', { id: 'a\u0085' }, 'id'],
    ['a.{id}', { id: 'x'.repeat(254) }, 'id'],
    ['a.{id}', { id: 'ü'.repeat(127) }, 'id'],
    ['a.{id}{text}', { id: '', text: '' }, 'text'],
    ['a.{text}', { text: '..' }, 'text'],
  ])('%s is refused with %j', (template, args, field) => {
    expect(errorOf(() => render(send({ routingKey: template }), args))).toEqual({ code: 'BAD_USER_INPUT', field })
  })

  test('names the path of an argument in an input object', () => {
    const field = place({ routingKey: 'order.{input.region}' })
    expect(errorOf(() => render(field, { input: { state: 'OPEN', region: 'a.b' } }))).toEqual({
      code: 'BAD_USER_INPUT',
      field: 'input.region',
    })
  })

  test('needs the claim that it names', () => {
    const field = send({ routingKey: '{claim:/nothing}' })
    expect(errorOf(() => render(field, {}))).toEqual({ code: 'FORBIDDEN' })
    expect(errorOf(() => render(field, {}, noToken))).toEqual({ code: 'UNAUTHENTICATED' })
    expect(errorOf(() => render(send({ routingKey: '{claim:/tenants}' }), {}))).toEqual({ code: 'FORBIDDEN' })
    expect(
      errorOf(() => render(send({ routingKey: '{claim:/tenant}' }), {}, callerWith({ sub: 'a', tenant: 'a.b' }))),
    ).toEqual({ code: 'BAD_USER_INPUT', field: '{claim:/tenant}' })
  })
})

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
