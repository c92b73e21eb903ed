import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { authorize } from '../../../src/events/access/authorize.ts'
import { callerOf } from '../../../src/events/access/event-caller.ts'
import type { EventFields } from '../../../src/events/serving/event-fields.ts'
import { eventFieldOf } from '../schema-builder.ts'
import { entryOf, eventOf, fieldsOf, operator } from '../serving/typed-world.ts'

const sdl = `
type Subscription {
  order(customer: ID, status: Status): Order
    @events(exchange: "orders", routingKey: "order.*.#") @events(exchange: "old", routingKey: "*")
    @only(header: "env", in: ["live", "old"])
    @state(key: "/id", deleteOn: ["gone", "lost"], keep: "1h") @allow
  courier: Courier! @events(exchange: "couriers", gap: ERROR) @state(key: "/id", deleteOn: ["courier.gone"]) @allow
  device: Device! @events(exchange: "devices", gap: ERROR, body: "/data") @state(key: "header:device", deleteOn: ["gone"]) @allow
  room: Room @events(exchange: "rooms", body: "/data") @owner(claim: "/rooms", header: "room") @state(key: "header:room") @allow
  desk: Room @events(exchange: "desks", invalid: NULL) @state(key: "/id") @allow
}
type Order { id: ID!  customer: ID!  total: Int!  cursor: Cursor! @from(property: CURSOR) }
enum Status { NEW PAID }
union Courier = Moved | Gone
type Moved @eventType(name: "courier.moved") { id: ID!  x: Int! }
type Gone @eventType(name: "courier.gone") { id: ID!  at: Int }
type Device @eventType(name: "device.changed") { name: String  size: Int  off: Boolean! @from(property: REMOVED) }
type Room { id: ID  size: Int }
`
let fields: EventFields
beforeEach(() => {
  fields = fieldsOf(sdl).fields
})
const cursor = () => 'the-cursor'

function stateOf(name: string, of = fields) {
  const state = of.states.get(name)
  if (!state) throw new Error(`${name} has no state`)
  return state
}

const live = { env: 'live' }
type Written = Parameters<typeof entryOf>[1]
const order = (data: unknown, { headers = live, routingKey = 'order.eu.x', ...more }: NonNullable<Written> = {}) =>
  entryOf(data, { headers, routingKey, ...more })
const fold = (name: string, entry: ReturnType<typeof entryOf>) => stateOf(name).fold(entry, cursor)
const hashOf = (text: string) => createHash('sha256').update(text).digest('base64url')

describe('a message is folded', () => {
  const full = { id: 'a', customer: 'alice', total: 1 }
  const invalid = (field: string, pointer: string) => ({
    invalid: {
      reason: 'schema',
      field,
      pointer,
      text: expect.stringMatching(/^expected /),
      schema: fields.schema.hash,
    },
  })

  test.each<[what: string, body: string, key: string]>([
    ['a text', '"a"', 'a'],
    ['an integer of any length', '123456789012345678901234567890', '123456789012345678901234567890'],
    ['512 bytes', JSON.stringify('ä'.repeat(256)), 'ä'.repeat(256)],
    ['half of a character only', '"\\ud800"', '\ufffd'],
    ['half of a character', '"a\\ud800b"', 'a\ufffdb'],
    ['a whole character of two halves', '"\\ud83d\\ude00"', '😀'],
  ])('by its key: %s', (_what, id, key) => {
    const body = Buffer.from(`{"id":${id},"customer":"alice","total":1}`)
    expect(fold('order', order(body))).toEqual({ key, index: 'alice', removed: false })
  })

  test.each<[what: string, body: string]>([
    ['none', '{"customer":"alice","total":1}'],
    ['null', '{"id":null,"customer":"alice","total":1}'],
    ['a fraction', '{"id":1.5,"customer":"alice","total":1}'],
    ['an empty text', '{"id":"","customer":"alice","total":1}'],
    ['a NUL', '{"id":"a\\u0000","customer":"alice","total":1}'],
    ['an object', '{"id":{},"customer":"alice","total":1}'],
    ['513 bytes', `{"id":"${'ä'.repeat(256)}x","customer":"alice","total":1}`],
  ])('unless its key is %s', (_what, body) => {
    expect(fold('order', order(Buffer.from(body)))).toEqual(invalid('order', '/id'))
    // A message that removes needs a key, too.
    const removing = order(Buffer.from(body), { type: 'gone' })
    expect(fold('order', removing)).toEqual(invalid('order', '/id'))
  })

  test('with a message of its own for a key that is no key', () => {
    expect(fold('desk', entryOf({ size: 1 }, { exchange: 'desks' }))).toEqual({
      invalid: {
        reason: 'schema',
        field: 'desk',
        pointer: '/id',
        text: 'expected the key of @state: a string or an integer of at most 512 bytes, got another value',
        schema: fields.schema.hash,
      },
    })
    const unnamed = entryOf({ data: { name: 'x' } }, { exchange: 'devices', type: 'device.changed' })
    expect(fold('device', unnamed)).toEqual(invalid('device', 'header:device'))
  })

  test('if it is for the field and fits it', () => {
    expect(fold('order', order({ ...full, total: 'x' }))).toEqual(invalid('order', '/total'))
    expect(fold('order', order(full, { headers: { env: 'test' } }))).toBeUndefined()
    expect(fold('order', order(full, { headers: { env: 'test' }, type: 'gone' }))).toBeUndefined()
    expect(fold('order', order({ customer: 'a' }, { headers: { env: 'test' } }))).toBeUndefined()
    expect(fold('order', order(full, { routingKey: 'parcel' }))).toBeUndefined()
    expect(fold('order', order(Buffer.from('{')))).toBeUndefined()
    expect(fold('order', order(full, { exchange: 'old', routingKey: 'eu' }))).toMatchObject({ key: 'a' })
    expect(fold('courier', entryOf({ id: 1 }, { exchange: 'couriers', type: 'courier.lost' }))).toBeUndefined()
  })

  test('and removed by its event type, though it lacks the rest', () => {
    for (const type of ['gone', 'lost'])
      expect(fold('order', order({ id: 'a', customer: 'bob' }, { type }))).toEqual({
        key: 'a',
        index: 'bob',
        removed: true,
      })
    expect(fold('order', order(full, { type: 'changed' }))).toMatchObject({ removed: false })
    expect(fold('courier', entryOf({ id: 1 }, { exchange: 'couriers', type: 'courier.gone' }))).toMatchObject({
      key: '1',
      removed: true,
    })
  })

  test.each<[what: string, body: unknown]>([
    ['an empty body', Buffer.alloc(0)],
    ['null', null],
    ['an envelope without payload', { meta: 1 }],
    ['an envelope with null as payload', { data: null, meta: 1 }],
    ['an empty payload', { data: {} }],
  ])('and removed by its event type with %s, if the key is elsewhere and a field shows it', (_what, body) => {
    const gone = { exchange: 'devices', headers: { device: 'd' }, type: 'gone' }
    expect(fold('device', entryOf(body, gone))).toEqual({ key: 'd', index: '', removed: true })
  })

  test('and removed by null in place of the payload, if the key is elsewhere and the field can be null', () => {
    const room = { exchange: 'rooms', headers: { room: 'r1' } }
    expect(fold('room', entryOf({ data: null }, room))).toEqual({ key: 'r1', index: 'r1', removed: true })
    expect(fold('room', entryOf({ data: { id: 1 } }, room))).toEqual({ key: 'r1', index: 'r1', removed: false })
    expect(fold('room', entryOf({ other: null }, room))).not.toMatchObject({ removed: true })
    expect(
      fold('device', entryOf({ data: null }, { exchange: 'devices', headers: { device: 'd' } })),
    ).not.toMatchObject({
      removed: true,
    })
    expect(fold('desk', entryOf(null, { exchange: 'desks' }))).not.toMatchObject({ removed: true })
  })

  test('by the text of its first condition, or by a hash of a text that no index takes', () => {
    const index = (customer: string) => (fold('order', order({ ...full, customer })) as { index: string }).index
    const long = 'x'.repeat(200)
    expect(index(long)).toBe(long)
    expect(index(`${long}x`)).toBe(hashOf(`${long}x`))
    expect(index('a\0b')).toBe(hashOf('a\0b'))
    expect(fold('courier', entryOf({ id: 1, x: 2 }, { exchange: 'couriers', type: 'courier.moved' }))).toMatchObject({
      index: '',
    })
  })
})

describe('the value of a message that removes its key', () => {
  const verdict = (name: string, entry: ReturnType<typeof entryOf>) =>
    fields.verdicts(entry, cursor).find(([field]) => field === name)?.[1]

  test('is null, a member, or has the field for it', () => {
    expect(verdict('order', order({ id: 'a' }, { type: 'gone' }))).toEqual({
      kind: 'valid',
      value: null,
      invalid: [],
      removed: 'a',
    })
    const gone = entryOf({ id: 7 }, { exchange: 'couriers', type: 'courier.gone' })
    expect(verdict('courier', gone)).toMatchObject({
      kind: 'valid',
      value: { typeName: 'Gone', fields: { id: '7', at: null } },
      removed: '7',
    })
    const device = { exchange: 'devices', headers: { device: 'd1' }, type: 'device.changed' }
    expect(verdict('device', entryOf({ data: { size: 'x' } }, { ...device, type: 'gone' }))).toEqual({
      kind: 'valid',
      value: expect.objectContaining({ typeName: 'Device', fields: { name: null, size: null, off: true } }),
      invalid: [],
      removed: 'd1',
    })
    expect(verdict('device', entryOf({ data: { name: 'n' } }, device))).toMatchObject({
      kind: 'valid',
      value: { fields: { name: 'n', size: null, off: false } },
    })
    expect(verdict('device', entryOf({ data: { name: 'n' } }, device))).not.toHaveProperty('removed')
    expect(verdict('device', entryOf({ data: { size: 'x' } }, device))).toMatchObject({
      kind: 'invalid',
      pointer: '/data/size',
    })
  })

  test('is none if the author excludes it, or if a member does not fit', () => {
    expect(verdict('order', order({ id: 'a' }, { type: 'gone', headers: { env: 'test' } }))).toEqual({
      kind: 'filtered',
    })
    // Its key is there, and what a client gets for it is not.
    const gone = entryOf({ id: 7, at: 'x' }, { exchange: 'couriers', type: 'courier.gone' })
    expect(verdict('courier', gone)).toEqual({ kind: 'invalid', pointer: '/at', expected: expect.any(String) })
  })
})

describe('the state of a topic', () => {
  const conditions = (name: string, args: Record<string, unknown>) =>
    authorize(fields.schema, eventFieldOf(fields.schema, name), args, callerOf(operator))
  const matches = () => true

  test('has the rows of the first condition, or all', () => {
    const topicOf = (args: Record<string, unknown>) => stateOf('order').topicOf(conditions('order', args), { matches })
    expect(topicOf({ customer: 'alice' })).toMatchObject({ id: stateOf('order').id, indexes: ['alice'], matches })
    expect(topicOf({ customer: 'x'.repeat(201) }).indexes).toEqual([hashOf('x'.repeat(201))])
    expect(topicOf({ status: 'PAID' }).indexes).toBeUndefined()
    expect(stateOf('courier').topicOf(conditions('courier', {}), { matches }).indexes).toBeUndefined()
  })

  test('knows the key of an event, and an event without one is a key of its own', () => {
    const topic = stateOf('order').topicOf(conditions('order', {}), { matches })
    const [first, second] = [
      eventOf(order({ id: 'a', customer: 'c', total: 1 })),
      eventOf(order({ id: 'b', total: 1 })),
    ]
    expect([topic.keyOf(first), topic.keyOf(first), topic.keyOf(second), topic.keyOf(first)]).toEqual([
      'a',
      'a',
      second,
      'a',
    ])
    const removing = eventOf(order({ id: 'a' }, { type: 'gone' }))
    expect(topic.keyOf(removing)).toBe('a')
    const other = eventOf(order({}, { exchange: 'none' }))
    expect(topic.keyOf(other)).toBe(other)
    // It is read once for all subscriptions that receive it one after another.
    const event = eventOf(order({ id: 'k', customer: 'c', total: 1 }))
    expect(topic.keyOf(event)).toBe('k')
    event.message = order({ id: 'changed', customer: 'c', total: 1 })
    expect(topic.keyOf(event)).toBe('k')
  })
})

describe('a state', () => {
  test('has the exchanges of its field, and how long its keys stay', () => {
    const { exchanges, keepMs, field } = stateOf('order')
    expect([[...exchanges], keepMs, field]).toEqual([['orders', 'old'], 3_600_000, 'order'])
    expect(stateOf('room').keepMs).toBeUndefined()
    expect(stateOf('order').id).toMatch(/^order\.[\w-]{16}$/)
  })

  const idAfter = (name: string, from: string, to: string) => {
    const text = sdl.replace(from, to)
    if (text === sdl) throw new Error(`the SDL has no ${from}`)
    return stateOf(name, fieldsOf(text).fields).id
  }

  test.each([
    ['order', '\n', '\n\n'],
    ['order', '["gone", "lost"]', '["lost", "gone"]'],
    ['order', 'keep: "1h"', 'keep: "2h"'],
    ['order', 'total: Int!', 'total: Int'],
    ['order', ', status: Status)', ', state: Status)'],
    ['order', 'NEW PAID', 'NEW'],
  ])('goes on if %s folds the same: %j → %j', (name, from, to) => {
    expect(idAfter(name, from, to)).toBe(stateOf(name).id)
  })

  test.each([
    ['order', '"orders"', '"sales"'],
    ['order', '"order.*.#"', '"order.*.*"'],
    ['order', '["live", "old"]', '["live"]'],
    ['order', 'key: "/id"', 'key: "/customer"'],
    ['order', '["gone", "lost"]', '["gone"]'],
    ['order', '(customer: ID,', '(customer: String,'],
    ['order', '(customer: ID,', '(customer: ID @match(header: "c"),'],
    ['order', '(customer: ID, status: Status)', '(status: Status, customer: ID)'],
    ['order', '(customer: ID, status: Status)', ''],
    ['device', 'off: Boolean!', 'gone: Boolean!'],
    ['room', '@owner(claim: "/rooms", header: "room")', '@owner(claim: "/rooms", header: "place")'],
    ['room', '@owner(claim: "/rooms", header: "room")', ''],
    ['room', 'body: "/data") @owner', 'body: "/payload") @owner'],
  ])('begins again if %s folds otherwise: %j → %j', (name, from, to) => {
    expect(idAfter(name, from, to)).not.toBe(stateOf(name).id)
  })

  test('begins again if the texts of the enum change that its rows are found by', () => {
    const idOf = (values: string, args = 'status: Status') =>
      stateOf(
        'a',
        fieldsOf(`type Subscription { a(${args}): A @events(exchange: "a") @state(key: "/id") @allow }
          type A { id: ID! } enum Status { ${values} }`).fields,
      ).id
    expect(idOf('NEW PAID')).toBe(idOf('NEW PAID'))
    expect(idOf('NEW PAID @value(is: "p")')).not.toBe(idOf('NEW PAID'))
    expect(idOf('NEW PAID @value(is: "p")', 'id: ID')).toBe(idOf('NEW PAID', 'id: ID'))
  })
})
