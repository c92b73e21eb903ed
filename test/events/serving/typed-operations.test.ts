import { beforeEach, describe, expect, test } from '@jest/globals'
import { parse } from 'graphql'
import type { EventFields } from '../../../src/events/serving/event-fields.ts'
import { ServedEvents } from '../../../src/events/serving/served-events.ts'
import { fieldsNamedIn, TypedOperations } from '../../../src/events/serving/typed-operations.ts'
import { fieldsOf } from './typed-world.ts'

const sdl = `
type Query { ping: Order @request(routingKey: "ping") @allow }
type Subscription {
  order(id: ID!, count: Int = 3): Order @events(exchange: "orders") @allow
  event: Event! @events(exchange: "events") @allow
  named: Named! @events(exchange: "names") @allow
}
interface Named { name: String }
type Order implements Named @eventType(name: "*") { id: ID!  name: String  count: Int  next: Order }
type Note { text: String }
union Event = Packed | Sent
type Packed implements Named @eventType(name: "packed") { id: ID!  name: String }
type Sent @eventType(name: "sent") { id: ID! }
`
let fields: EventFields
let events: ServedEvents
let operations: TypedOperations
beforeEach(() => {
  fields = fieldsOf(sdl).fields
  events = new ServedEvents(fields)
  operations = new TypedOperations(events, fields)
})
const operationIn = (text: string, name?: string | null) => operations.of(parse(text), name)

describe('an operation', () => {
  test('on a typed field is found once for its document and name', () => {
    const document = parse('subscription A { order(id: 1) { id } } subscription B { event { __typename } }')
    const found = operations.of(document, 'A')
    expect(found).toMatchObject({ field: fields.schema.events.get('order'), fields, document, operationName: 'A' })
    expect(operations.of(document, 'A')).toBe(found)
    expect(operations.of(document, 'B')?.field.name).toBe('event')
    // Which of two is not known.
    expect(operations.of(document, undefined)).toBeUndefined()
    const single = parse('subscription { order(id: 1) { id } }')
    expect(operations.of(single, undefined)).toBe(operations.of(single, null))
    expect(operations.of(single, undefined)?.operationName).toBeUndefined()
  })

  test.each([
    ['an alias', 'subscription { o: order(id: 1) { id } }'],
    ['a fragment', 'subscription { ...F } fragment F on Subscription { order(id: 1) { id } }'],
    [
      'a fragment in a fragment behind an empty one',
      `subscription { ...E ...F } fragment F on Subscription { ... { ...G } }
        fragment E on Subscription { ...E } fragment G on Subscription { order(id: 1) { id } }`,
    ],
    ['an inline fragment', 'subscription { ... on Subscription { ... { order(id: 1) { id } } } }'],
    ['an inline fragment behind an unknown one', 'subscription { ... { ...Missing } ...Missing order(id: 1) { id } }'],
  ])('is found by its root field through %s', (_what, text) => {
    expect(operationIn(text)?.field.name).toBe('order')
  })

  test.each([
    ['is a query', '{ ping { id } }'],
    ['is a query with the name of an event', 'query { order(id: 1) { id } }'],
    ['has an unknown field', 'subscription { missing }'],
    ['has only the type name', 'subscription { __typename }'],
    ['has no field', 'subscription { ...F } fragment F on Subscription { ...F }'],
  ])('is not on a typed field if it %s', (_what, text) => {
    expect(operationIn(text)).toBeUndefined()
  })

  test('is not on a typed field if another field has its name', () => {
    const others = new TypedOperations(events, fields, (name) => name === 'order')
    expect(others.of(parse('subscription { order(id: 1) { id } }'), undefined)).toBeUndefined()
    expect(others.of(parse('subscription { event { __typename } }'), undefined)).toBeDefined()
  })

  test('has its arguments coerced, with defaults and variables', () => {
    const found = operationIn('subscription ($id: ID!, $no: Boolean = false) { order(id: $id) @skip(if: $no) { id } }')
    expect(found?.argumentsOf({ id: 7 })).toEqual({ id: '7', count: 3 })
    // graphql-js reports these.
    for (const variables of [{}, null, undefined, { id: {} }, { id: '7', no: true }])
      expect(found?.argumentsOf(variables)).toBeUndefined()
    expect(operationIn('subscription { order(id: 1, count: "x") { id } }')?.argumentsOf(null)).toBeUndefined()
    expect(operationIn('subscription { order(id: 1, count: 5) { id } }')?.argumentsOf(undefined)).toEqual({
      id: '1',
      count: 5,
    })
  })

  test('has the fields below the root that it selects with these variables', () => {
    const found = operationIn('subscription ($all: Boolean!) { order(id: 1) { id name @include(if: $all) } }')
    expect([...(found?.selectedFields({ all: false }) ?? [])]).toEqual(['Order.id'])
    expect(found?.projectionOf({ all: false })).toBe(found?.projectionOf({ all: false }))
    expect([...(found?.selectedFields({ all: true }) ?? [])].sort()).toEqual(['Named.name', 'Order.id', 'Order.name'])
    // graphql-js executes it, so every field that it names counts.
    expect(found?.projectionOf({})).toBeUndefined()
    expect([...(found?.selectedFields({}) ?? [])].sort()).toEqual([
      'Named.name',
      'Order.id',
      'Order.name',
      'Subscription.order',
    ])
  })
})

test.each([
  ['objects', 'subscription { order(id: 1) { next { id } } }', ['Order.id', 'Order.next', 'Subscription.order']],
  ['what is skipped', 'subscription { order(id: 1) { count @skip(if: true) } }', ['Order.count', 'Subscription.order']],
  [
    'interfaces, for each type that implements them',
    'subscription { named { name } }',
    ['Order.name', 'Packed.name', 'Named.name', 'Subscription.named'],
  ],
  ['members of unions', 'subscription { event { __typename ... on Sent { id } } }', ['Sent.id', 'Subscription.event']],
  [
    'fragments, used or not',
    'subscription { order(id: 1) { id } } fragment F on Note { text } fragment U on Unknown { name }',
    ['Note.text', 'Order.id', 'Subscription.order'],
  ],
])('the fields that a document names are those of %s', (_what, text, expected) => {
  expect([...fieldsNamedIn(fields.schema.schema, parse(text))].sort()).toEqual(expected.toSorted())
})
