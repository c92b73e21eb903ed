import { beforeEach, describe, expect, test } from '@jest/globals'
import type { GatewayError } from '../../../src/errors.ts'
import { fieldForCaller } from '../../../src/events/describing/field-for-caller.ts'
import type { EventFields } from '../../../src/events/serving/event-fields.ts'
import { NamedEvents } from '../../../src/events/serving/named-events.ts'
import { ServedEvents } from '../../../src/events/serving/served-events.ts'
import { alice, entryOf, eventOf, fieldsOf, identityOf, operator } from './typed-world.ts'

const sdl = `
type Subscription {
  order(id: ID, amount: Int = 3, weight: Float, open: Boolean): Order
    @events(exchange: "orders", invalid: NULL) @allow(anonymous: true)
  mine(customer: ID! @owner): Order @events(exchange: "mine", invalid: DELIVER)
  other(status: [Status!], ids: [Int!], note: String): Order @events(exchange: "orders") @allow
  plain: Plain! @events(exchange: "plain", gap: ERROR) @state(key: "/id", deleteOn: ["gone"]) @allow(anonymous: true)
}
type Order { id: ID!  note: String @allow(scopes: ["notes"])  total: Int @filterable  next: Plain }
type Plain @eventType(name: "*") { id: ID  text: String @allow(scopes: ["texts"])  removed: Boolean @from(property: REMOVED) }
enum Status { NEW PAID }
`
let fields: EventFields
let named: NamedEvents
beforeEach(() => {
  fields = fieldsOf(sdl).fields
  named = new NamedEvents(new ServedEvents(fields), fields)
})

/** The arguments of a name, as the conditions have them. */
function argumentsOf(name: string): Record<string, unknown> | undefined {
  return named.open(name)?.wanted.args
}

function errorOf(name: string, input?: string): GatewayError {
  try {
    named.open(name, input)?.topicFor(alice)
  } catch (error) {
    return error as GatewayError
  }
  throw new Error(`${name} is accepted`)
}

describe('a name', () => {
  test.each(['order', 'missing?id=1', '?', ''])('"%s" is that of a channel', (name) => {
    expect(named.open(name)).toBeUndefined()
  })

  test.each<[query: string, args: Record<string, unknown>]>([
    ['', {}],
    ['id=7', { id: '7' }],
    ['id=', { id: '' }],
    ['id=a%20b+c%26', { id: 'a b c&' }],
    ['amount=-7', { amount: -7 }],
    ['weight=1.5e3', { weight: 1500 }],
    ['open=true', { open: true }],
    ['open=false', { open: false }],
    ['filter=%7B%22total%22%3A%7B%22gt%22%3A1%7D%7D', { filter: { total: { gt: 1 } } }],
  ])('with the query "%s" has its values by their types, and defaults', (query, args) => {
    expect(argumentsOf(`order?${query}`)).toEqual({ amount: 3, ...args })
  })

  test.each<[query: string, args: Record<string, unknown>]>([
    ['status=PAID&status=NEW', { status: ['PAID', 'NEW'] }],
    ['status=PAID', { status: ['PAID'] }],
    ['ids=1&ids=2', { ids: [1, 2] }],
    ['note=12', { note: '12' }],
  ])('with the query "%s" has lists and texts', (query, args) => {
    expect(argumentsOf(`other?${query}`)).toEqual(args)
  })

  test.each<[query: string, message: string]>([
    ['colour=1', 'order has no argument "colour": expected id, amount, weight, open, filter'],
    ['after=x', 'order has no argument "after": expected id, amount, weight, open, filter'],
    ['id=1&id=2', 'id: expected one value'],
    ['amount=x7', 'amount: Int cannot represent non-integer value: "x7"'],
    ['amount=1.5', 'amount: Int cannot represent non-integer value: 1.5'],
    ['weight=heavy', 'weight: Float cannot represent non numeric value: "heavy"'],
    ['open=1', 'open: Boolean cannot represent a non boolean value: "1"'],
    ['filter=x', 'expected JSON for OrderFilter, got "x"'],
    ['filter=%7B%22x%22%3A1%7D', 'filter: Field "x" is not defined by type "OrderFilter".'],
  ])('with the query "%s" is refused', (query, message) => {
    expect(errorOf(`order?${query}`)).toMatchObject({
      code: 'BAD_USER_INPUT',
      field: 'channel',
      message: `channel: ${message}`,
    })
  })

  test('with a value that its enum does not have is refused', () => {
    expect(errorOf('other?status=LOST').message).toBe('channel: status: Value "LOST" does not exist in "Status" enum.')
    expect(errorOf('other?ids=1&ids=x').message).toContain('channel: ids: Int cannot represent')
  })

  test('is refused with the place where it was given', () => {
    expect(errorOf('mine?', 'name').message).toBe('name: expected the argument customer')
    expect(errorOf('plain?id=1', 'name').message).toBe('name: plain has no argument "id": expected no arguments')
    expect(errorOf('mine?customer=bob').code).toBe('FORBIDDEN')
    expect(errorOf('mine?customer=bob').message).toContain('Subscription.mine')
  })

  test('has at most 1,024 bytes', () => {
    const begin = 'order?id='
    expect(argumentsOf(`${begin}${'x'.repeat(1_024 - begin.length)}`)).toBeDefined()
    const long = `${begin}${'x'.repeat(1_021 - begin.length)}€€`
    expect(errorOf(long).message).toBe('channel: expected at most 1024 bytes, got 1027')
  })

  test('is the name of its topic', () => {
    const subscription = named.open('mine?customer=alice')
    const topic = subscription?.topicFor(alice)
    expect(topic).toMatchObject({ kind: 'event', field: 'mine', name: 'mine?customer=alice' })
    expect(subscription?.reload()).toBe(true)
    expect(fields.isInUse).toBe(true)
    subscription?.release()
    expect(fields.isInUse).toBe(false)
  })
})

describe('an event', () => {
  function opened(name: string, identity = alice) {
    const subscription = named.open(name)
    if (!subscription) throw new Error(`${name} is no field`)
    subscription.topicFor(identity)
    subscription.release()
    return subscription
  }
  const order = { id: 1, note: 'secret', total: 2, next: { id: 3, text: 'hidden' } }

  test('has everything that the caller may select, and equal variants print alike', () => {
    const event = eventOf(entryOf(order))
    const [plain, other, notes, all] = [
      opened('order?'),
      opened('order?amount=1', identityOf({ sub: 'bob' })),
      opened('order?', identityOf({ scope: 'notes' })),
      opened('order?', operator),
    ]
    expect(plain.resultOf(event)).toEqual({
      kind: 'value',
      json: '{"id":"1","total":2,"next":{"id":"3","removed":false}}',
      invalid: undefined,
      state: undefined,
    })
    expect(notes.resultOf(event)).toMatchObject({
      json: '{"id":"1","note":"secret","total":2,"next":{"id":"3","removed":false}}',
    })
    expect(all.resultOf(event)).toMatchObject({ json: expect.stringContaining('"text":"hidden"') })
    expect(other.variant).toBe(plain.variant)
    expect(new Set([plain, notes, all].map(({ variant }) => variant)).size).toBe(3)
    expect(plain.variant).toBeGreaterThan(0)
    expect(named.open('order?')?.variant).toBe(0)
  })

  test('names what became null, is an error, or is nothing', () => {
    expect(opened('order?').resultOf(eventOf(entryOf({ ...order, total: 'x' })))).toMatchObject({
      json: expect.stringContaining('"total":null'),
      invalid: ['/total'],
    })
    expect(opened('mine?customer=alice').resultOf(eventOf(entryOf({}, { exchange: 'mine' })))).toEqual({
      kind: 'error',
      error: {
        message: expect.stringMatching(/^this event does not fit the schema at "\/id": expected /),
        extensions: { code: 'INVALID_EVENT', pointer: '/id' },
      },
    })
    expect(opened('mine?customer=alice').resultOf(eventOf(entryOf({})))).toBeUndefined()
  })

  test('of keyed state names the key that it removes', () => {
    const removed = eventOf(entryOf({ id: 7 }, { exchange: 'plain', type: 'gone' }))
    expect(opened('plain?').resultOf(removed)).toEqual({
      kind: 'value',
      json: '{"id":"7","removed":true}',
      invalid: undefined,
      state: { state: undefined, reset: undefined, removed: '7' },
    })
  })
})

describe('a field as a caller has it', () => {
  test('has the access and the values of the caller', () => {
    const field = fieldForCaller(named, alice, 'mine?customer=alice')
    const { access } = field
    const topic = access.topicFor(operator)
    expect(topic).toMatchObject({ field: 'mine', name: 'mine?customer=alice' })
    expect(access.wanted).toEqual({ field: 'mine', args: { customer: 'alice' } })
    expect(access.reload()).toBe(true)
    expect(fields.isInUse).toBe(true)
    access.release()
    expect(fields.isInUse).toBe(false)
    expect(field.resultOf(eventOf(entryOf({ id: 1, note: 'n' }, { exchange: 'mine' })))).toEqual({
      kind: 'value',
      json: '{"id":"1","total":null,"next":null}',
      removedKey: undefined,
    })
    expect(field.resultOf(eventOf(entryOf({}, { exchange: 'mine' })))).toEqual({
      kind: 'error',
      message: expect.stringContaining('does not fit the schema'),
    })
    expect(field.resultOf(eventOf(entryOf({})))).toBeUndefined()
  })

  test('may be named without arguments, and keeps the rights of the caller', () => {
    const field = fieldForCaller(named, alice, 'plain')
    const { access } = field
    expect(access.topicFor(operator).name).toBe('plain?')
    access.release()
    const removed = eventOf(entryOf({ id: 7 }, { exchange: 'plain', type: 'gone' }))
    expect(field.resultOf(removed)).toEqual({ kind: 'value', json: '{"id":"7","removed":true}', removedKey: '7' })
    const other = fieldForCaller(named, alice, 'mine?customer=bob')
    // The session is that of an operator.
    expect(() => other.access.topicFor(operator)).toThrow('this token does not allow you')
    // Each subscription has conditions of its own.
    expect(other.access).not.toBe(other.access)
  })

  test('is refused by its name', () => {
    expect(() => fieldForCaller(named, alice, 'missing?x=1')).toThrow('field: the schema has no typed field "missing"')
    expect(() => fieldForCaller(undefined, alice, 'mine')).toThrow('field: the schema has no typed field "mine"')
    expect(() => fieldForCaller(named, alice, 'mine')).toThrow('field: expected the argument customer')
  })
})
