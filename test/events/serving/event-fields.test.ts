import { describe, expect, test } from '@jest/globals'
import { UndecodableBody } from '../../../src/core/body/undecodable-body.ts'
import { printCursor } from '../../../src/core/model/cursor.ts'
import type { Identity } from '../../../src/core/model/identity.ts'
import { authorize } from '../../../src/events/access/authorize.ts'
import { callerOf } from '../../../src/events/access/event-caller.ts'
import type { EventFields } from '../../../src/events/serving/event-fields.ts'
import { ServedEvents } from '../../../src/events/serving/served-events.ts'
import { eventFieldOf } from '../schema-builder.ts'
import { alice, entryOf, eventOf, fieldsOf, identityOf, operator } from './typed-world.ts'

const sdl = `
type Subscription {
  order(customer: ID @owner, status: String): Order @events(exchange: "orders") @only(header: "env", in: ["live"])
  paid(by: ID): Paid @events(exchange: "orders", routingKey: "order.paid", invalid: DELIVER)
  big: Order @events(exchange: "orders", routingKey: "order.#")
  parcel: Parcel @events(exchange: "parcels") @allow(anonymous: true)
}
type Order @eventType(name: "order") { customer: ID!  status: String @filterable }
type Paid { by: ID!  at: DateTime! }
type Parcel { id: ID!  cursor: Cursor! @from(property: CURSOR) }
`
const order = (data: unknown, headers: Record<string, unknown> = { env: 'live' }, routingKey = 'order.new') =>
  entryOf(data, { type: 'order', headers, routingKey })
const cursor = () => 'the-cursor'

function conditions(fields: EventFields, name: string, args: Record<string, unknown> = {}, identity = operator) {
  return authorize(fields.schema, eventFieldOf(fields.schema, name), args, callerOf(identity))
}

/** Fields with a subscription to each that is given, and the keys of these. */
function using(given: readonly (readonly [name: string, args?: Record<string, unknown>])[], maxBytes?: number) {
  const { fields, counted } = fieldsOf(sdl, maxBytes)
  const keys = given.map(([name, args]) => fields.add(name, conditions(fields, name, args)))
  return { fields, counted, keys }
}

describe('a message', () => {
  test('matches the subscriptions of each field that it is for, and is counted once a field', () => {
    const { fields, counted, keys } = using([
      ['order', { customer: 'alice' }],
      ['order', { status: 'NEW' }],
      ['order', { customer: 'bob' }],
      ['big'],
      ['parcel'],
    ])
    const message = order({ customer: 'alice', status: 'NEW' })
    const found = fields.match(message, cursor, true)
    expect(new Set(found.keys)).toEqual(new Set([keys[0], keys[1], keys[3]]))
    expect(found.keys).toHaveLength(3)
    expect(found).toMatchObject({ invalid: [], filtered: false })
    expect(counted).toEqual([
      ['order', 'matched'],
      ['big', 'matched'],
    ])
    fields.match(message, cursor, false)
    expect(counted).toHaveLength(2)
    // No subscription has its values.
    expect(fields.match(order({ customer: 'carol' }), cursor, true).keys).toEqual([keys[3]])
    expect(counted.slice(2)).toEqual([['big', 'matched']])
  })

  test('is for no field that is not in use, and for none that is not of its exchange', () => {
    const { fields, counted } = using([])
    expect(fields.isInUse).toBe(false)
    expect(fields.match(order({}), cursor, true)).toMatchObject({ keys: [], invalid: [], filtered: false })
    expect(counted).toEqual([])
    expect([fields.hasExchange('parcels'), fields.hasExchange('other')]).toEqual([true, false])
    const wanted = conditions(fields, 'parcel')
    fields.add('parcel', wanted)
    expect(fields.isInUse).toBe(true)
    fields.remove('parcel', wanted)
    expect(fields.isInUse).toBe(false)
  })

  test('that a condition of the author excludes is filtered, also if another field takes it', () => {
    const { fields, counted, keys } = using([['order'], ['big']])
    const found = fields.match(order({ customer: 'alice' }, { env: 'test' }), cursor, true)
    expect(found).toMatchObject({ keys: [keys[1]], invalid: [], filtered: true })
    expect(counted).toEqual([
      ['order', 'filtered'],
      ['big', 'matched'],
    ])
  })

  test('that does not fit is reported with the place, the field and the schema, and only in DELIVER delivered', () => {
    const { fields, counted, keys } = using([['order'], ['paid'], ['big']])
    const found = fields.match(order({ by: 7, customer: null }, undefined, 'order.paid'), cursor, true)
    const text = expect.stringMatching(/^expected /)
    expect(found.keys).toEqual([keys[1]])
    expect(found.filtered).toBe(false)
    expect(found.invalid).toEqual([
      { reason: 'schema', field: 'order', pointer: '/customer', text, schema: fields.schema.hash },
      { reason: 'schema', field: 'big', pointer: '/customer', text, schema: fields.schema.hash },
    ])
    expect(counted).toEqual([
      ['order', 'invalid'],
      ['paid', 'invalid'],
      ['big', 'invalid'],
    ])
  })

  test('with a body that does not decode is an error if a condition needs the body', () => {
    const { fields } = using([['order', { status: 'NEW' }]])
    const broken = entryOf(Buffer.from('{'), { type: 'order', headers: { env: 'live' } })
    expect(() => fields.match(broken, cursor, true)).toThrow(UndecodableBody)
    expect(fieldsOf(sdl).fields.match(broken, cursor, true).keys).toEqual([])
  })

  test('has the same value for a field while its event is read, and is read again by other fields', () => {
    const { fields } = using([['order'], ['big']])
    const message = order({ customer: 'alice' })
    const event = eventOf(message)
    event.reading = fields.match(message, cursor, false).reading
    const { schema } = fields
    const [first, big] = ['order', 'big'].map((name) => fields.verdictOf(event, eventFieldOf(schema, name)))
    expect(first).toMatchObject({ kind: 'valid', value: { fields: { customer: 'alice', status: null } } })
    expect(big).not.toBe(first)
    expect(fields.verdictOf(event, eventFieldOf(schema, 'order'))).toBe(first)
    expect(fields.verdictOf(event, eventFieldOf(schema, 'big'))).toBe(big)
    const { fields: others } = fieldsOf(sdl)
    const read = others.verdictOf(event, eventFieldOf(others.schema, 'order'))
    expect(read).toEqual(first)
    expect(read).not.toBe(first)
    expect(others.verdictOf(event, eventFieldOf(others.schema, 'order'))).toBe(read)
    // No binding of the field takes it.
    expect(fields.verdictOf(event, eventFieldOf(schema, 'paid'))).toEqual({ kind: 'filtered' })
  })
})

test('a filter sees the value of the message, which has the cursor of its event', () => {
  const filter = { status: { eq: 'NEW' } }
  const { fields, keys } = using([['order', { filter }]])
  const keysFor = (status: string) => fields.match(order({ customer: 'a', status }), cursor, false).keys
  expect([keysFor('NEW'), keysFor('PAID')]).toEqual([keys, []])
  const explained = (status: string) => fields.explain(order({ customer: 'a', status }), cursor)[0]?.outcome
  expect([explained('NEW'), explained('PAID')]).toEqual(['matched', 'not_matched'])
  const topic = fields.topicTest(eventFieldOf(fields.schema, 'order'), conditions(fields, 'order', { filter }))
  const passes = (status: string) => topic.matches(order({ customer: 'a', status }), cursor)
  expect([passes('NEW'), passes('PAID')]).toEqual([true, false])
  const event = eventOf(entryOf({ id: 1 }, { exchange: 'parcels' }))
  expect(fields.verdictOf(event, eventFieldOf(fields.schema, 'parcel'))).toMatchObject({
    value: { fields: { id: '1', cursor: printCursor(event.cursor) } },
  })
})

describe('trace explains what each field makes of a message', () => {
  test('whether or not the field has subscriptions', () => {
    const { fields } = using([['order', { customer: 'bob' }], ['big']])
    const explained = (message: ReturnType<typeof order>) => fields.explain(message, cursor)
    expect(explained(order({ customer: 'alice' }))).toEqual([
      { field: 'order', outcome: 'not_matched', detail: 'customer' },
      { field: 'big', outcome: 'matched', detail: null },
    ])
    expect(explained(order({ customer: 'bob' }, {}, 'order.paid'))).toEqual([
      { field: 'order', outcome: 'filtered', detail: null },
      { field: 'paid', outcome: 'invalid', detail: expect.stringMatching(/^\/by: expected /) },
      { field: 'big', outcome: 'matched', detail: null },
    ])
    expect(explained(entryOf({ id: 1 }, { exchange: 'parcels' }))).toEqual([
      { field: 'parcel', outcome: 'unused', detail: null },
    ])
    expect(explained(entryOf(Buffer.from('{'), { exchange: 'parcels' }))).toEqual([
      { field: 'parcel', outcome: 'invalid', detail: 'the body is labelled application/json and does not parse' },
    ])
  })

  test('as verdicts, without a look at the subscriptions', () => {
    const { fields } = using([])
    const verdicts = fields.verdicts(order({ customer: 'alice' }, {}, 'order.paid'), cursor)
    expect(verdicts.map(([name, { kind }]) => [name, kind])).toEqual([
      ['order', 'filtered'],
      ['paid', 'invalid'],
      ['big', 'valid'],
    ])
    expect(() => fields.verdicts(entryOf(Buffer.from('{'), { exchange: 'parcels' }), cursor)).toThrow(UndecodableBody)
  })
})

describe('the test of a topic', () => {
  test('judges messages as for a subscription, without one', () => {
    const { fields } = using([])
    const testOf = (name: string, args: Record<string, unknown> = {}) =>
      fields.topicTest(eventFieldOf(fields.schema, name), conditions(fields, name, args))
    const topic = testOf('order', { customer: 'alice' })
    expect(topic.key).toBe(fields.add('order', conditions(fields, 'order', { customer: 'alice' })))
    expect(topic.matches(order({ customer: 'alice' }), cursor)).toBe(true)
    expect(topic.matches(order({ customer: 'alice' }, { env: 'test' }), cursor)).toBe(false)
    expect(topic.matches(order({ customer: 'bob' }), cursor)).toBe(false)
    expect(topic.matches(order({ customer: 'alice', status: {} }), cursor)).toBe(false)
    expect(topic.matches(entryOf({ id: 1 }, { exchange: 'parcels' }), cursor)).toBe(false)
    // Other subscriptions do not count.
    expect(testOf('order', { customer: 'bob' }).matches(order({ customer: 'alice' }), cursor)).toBe(false)
    expect(testOf('paid').matches(order({ by: 'x' }, {}, 'order.paid'), cursor)).toBe(true)
  })

  test('has no body that does not decode, and hides no other error', () => {
    const { fields } = using([])
    const topic = fields.topicTest(eventFieldOf(fields.schema, 'parcel'), conditions(fields, 'parcel'))
    expect(topic.matches(entryOf(Buffer.from('{'), { exchange: 'parcels' }), cursor)).toBe(false)
    const broken = { ...entryOf({}, { exchange: 'parcels' }), properties: null as never }
    expect(() => topic.matches(broken, cursor)).toThrow(TypeError)
  })
})

describe('what is served', () => {
  const other = `type Subscription { parcel(id: ID): Parcel @events(exchange: "boxes") @allow(anonymous: true) }
    type Parcel { id: ID! }`

  test('goes on with the fields of before until their last subscription has ended', () => {
    const { fields, keys } = using([['order', { customer: 'alice' }]])
    const events = new ServedEvents(fields)
    const { fields: next } = fieldsOf(other)
    events.replace(next)
    expect(events.current).toBe(next)
    expect(['orders', 'boxes', 'other'].map((exchange) => events.hasExchange(exchange))).toEqual([true, true, false])
    const message = order({ customer: 'alice' })
    expect(events.match(message, cursor, true).keys).toEqual(keys)
    fields.remove('order', conditions(fields, 'order', { customer: 'alice' }))
    expect(events.match(message, cursor, true).keys).toEqual([])
    expect(events.hasExchange('orders')).toBe(false)
  })

  test('matches a key once that both schemas have, and counts for the new one only', () => {
    const { fields, keys, counted } = using([['order', { customer: 'alice' }]])
    const next = using([['order', { customer: 'alice' }], ['big']])
    const events = new ServedEvents(fields)
    events.replace(next.fields)
    expect(next.keys[0]).toBe(keys[0])
    expect(events.match(order({ customer: 'alice' }), cursor, true).keys).toEqual(next.keys)
    expect([counted.length, next.counted.length]).toEqual([0, 2])
  })

  test('has a test for a topic if the caller may subscribe', () => {
    const events = new ServedEvents(fieldsOf(sdl).fields)
    const testFor = (field: string, args: Record<string, unknown>, identity: Identity) =>
      events.topicTest({ field, args }, identity)
    const mine = testFor('order', {}, alice)
    expect(mine?.matches(order({ customer: 'alice' }), cursor)).toBe(true)
    expect(mine?.matches(order({ customer: 'bob' }), cursor)).toBe(false)
    expect(testFor('order', { customer: 'bob' }, alice)).toBeUndefined()
    expect(testFor('missing', {}, operator)).toBeUndefined()
    expect(testFor('order', {}, identityOf({}))).toBeUndefined()
    expect(() => testFor('order', null as never, operator)).toThrow(TypeError)
    expect(events.explain(order({ customer: 'a' }), cursor)).toHaveLength(2)
    expect(events.states).toEqual([])
  })
})
