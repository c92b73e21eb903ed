import { describe, expect, test } from '@jest/globals'
import { parse } from 'graphql'
import { continuingField } from '../../../src/events/serving/same-meaning.ts'
import { eventFieldOf } from '../schema-builder.ts'
import { schemaOf } from '../sdl/reading.ts'

const sdl = `
type Subscription {
  order(id: ID, status: Status, note: [String!]): Order @events(exchange: "orders", routingKey: "order.#") @allow
  parcel: Parcel! @events(exchange: "parcels") @allow
  node: Node! @events(exchange: "nodes") @allow
}
type Order { id: ID!  status: Status  statuses: [Status!]  at: DateTime  note: String  customer: Customer }
type Customer { id: ID! }
enum Status { NEW PAID OTHER @value(unknown: true) }
union Parcel = Packed | Sent
type Packed @eventType(name: "packed") { id: ID!  size: Int }
type Sent @eventType(name: "sent") { id: ID! }
interface Node { id: ID! }
type Leaf implements Node @eventType(name: "leaf") { id: ID! }
`
const schemaIn = (text: string) => schemaOf(text, { core: false }).schema
const before = schemaIn(sdl)

interface Use {
  readonly field?: 'order' | 'parcel' | 'node'
  readonly args?: Record<string, unknown>
  readonly selected?: readonly string[]
  readonly document?: string
}

/** Whether the subscription continues after this text of the SDL was replaced. */
function continues(from: string, to: string, { field: name = 'order', args = {}, selected = [], document }: Use = {}) {
  const text = sdl.replaceAll(from, to)
  if (from !== '' && text === sdl) throw new Error(`the SDL has no ${from}`)
  const next = schemaIn(text)
  const field = eventFieldOf(before, name)
  const use = { field, args, selected, document: document === undefined ? undefined : parse(document) }
  const found = continuingField(before, next, use)
  if (found) expect(found).toBe(next.events.get(name))
  return found !== undefined
}

describe('after a reload a subscription continues', () => {
  test.each<[what: string, from: string, to: string, use?: Use]>([
    ['if the files mean the same', '\n', '\n\n'],
    ['if there are other fields', 'parcel: Parcel!', 'box: Order @events(exchange: "b") @allow  parcel: Parcel!'],
    ['if others may use it', '"order.#") @allow', '"order.#") @allow(scopes: ["x"])'],
    ['if it has a new argument', '(id: ID', '(id: ID, region: String'],
    ['if an argument changes that it does not give', 'status: Status,', '', { args: { id: 1 } }],
    ['if it leaves that out', 'status: Status,', '', { args: { status: undefined } }],
    ['if it gives null there', 'status: Status,', '', { args: { status: null, id: undefined } }],
    ['with a built-in argument', '(id: ID', '(id: ID, region: String', { args: { after: 'x', last: 1 } }],
    ['if a field changes that it does not select', 'note: String', 'note: Int', { selected: ['Order.id'] }],
    ['if an enum gets a value', 'PAID', 'PAID SHIPPED', { selected: ['Order.status', 'Order.statuses'] }],
    [
      'if a type gets a member',
      '= Packed | Sent',
      '= Packed | Sent | Lost type Lost @eventType(name: "lost") { id: ID! }',
      { field: 'parcel' },
    ],
    ['if a member is of another type', 'size: Int', 'size: Float', { field: 'parcel', selected: ['Packed.id'] }],
    [
      'with a document that is valid',
      'PAID',
      'PAID SHIPPED',
      { document: 'subscription { order(status: PAID) { id } }' },
    ],
    ['that selects what no schema has', '\n', '\n\n', { selected: ['Missing.id', 'Order.missing', 'Status.id', ''] }],
    ['with the type name', 'note: String', 'note: Int', { document: 'subscription { order { __typename } }' }],
    ['to an interface', '\n', '\n\n', { field: 'node', selected: ['Node.id', 'Leaf.id'] }],
  ])('%s', (_what, from, to, use = {}) => {
    expect(continues(from, to, use)).toBe(true)
  })
})

describe('after a reload a subscription ends', () => {
  test.each<[what: string, from: string, to: string, use?: Use]>([
    ['if the field is gone', ' order(', ' other('],
    ['if the field is of another type', '): Order @', '): Order! @'],
    ['with another exchange', 'exchange: "orders"', 'exchange: "sales"'],
    ['with another routing key', '"order.#"', '"order.*"'],
    ['with a second binding', '"order.#") @allow', '"order.#") @events(exchange: "more") @allow'],
    ['with a condition of the author', '"order.#") @allow', '"order.#") @only(header: "env", in: ["live"]) @allow'],
    ['if invalid messages arrive in another form', '"order.#")', '"order.#", invalid: NULL)'],
    ['if gaps arrive in another form', '"order.#")', '"order.#", gap: ERROR)'],
    ['if it gets keyed state', '"order.#") @allow', '"order.#") @state(key: "/id") @allow'],
    ['if an argument that it gives is gone', 'status: Status,', '', { args: { status: 'PAID' } }],
    ['of another type', 'order(id: ID', 'order(id: String', { args: { id: '1' } }],
    ['of another type behind others', 'note: [String!])', 'note: [ID!])', { args: { note: ['x'] } }],
    [
      'of another place behind others',
      'note: [String!])',
      'note: [String!] @match(header: "n"))',
      { args: { note: ['x'] } },
    ],
    ['of another place', 'order(id: ID', 'order(id: ID @match(header: "id")', { args: { id: '1' } }],
    ['if it becomes a list', 'order(id: ID', 'order(id: [ID!]', { args: { id: '1' } }],
    [
      'if the author takes a built-in name',
      '(id: ID',
      '(id: ID, last: Int @match(body: "/last")',
      { args: { last: 1 } },
    ],
    ['if the author takes a built-in name otherwise', '(id: ID', '(id: ID, after: String', { args: { after: 'x' } }],
    ['if a member has another event type', '"packed"', '"wrapped"', { field: 'parcel' }],
    ['if a member is gone', ' | Sent', '', { field: 'parcel' }],
    ['if a type of an interface has another event type', '"leaf"', '"leaves"', { field: 'node' }],
    ['if its type gets an event type', 'type Order', 'type Order @eventType(name: "o")'],
    [
      'if a field that it selects has another place',
      'note: String',
      'note: String @from(body: "/n")',
      { selected: ['Order.id', 'Order.note'] },
    ],
    ['if it is read otherwise', 'at: DateTime', 'at: DateTime @from(as: EPOCH_MILLIS)', { selected: ['Order.at'] }],
    ['if it is of another type', 'note: String', 'note: ID', { selected: ['Order.note'] }],
    ['if it is gone', 'size: Int', '', { field: 'parcel', selected: ['Packed.size'] }],
    ['if an enum value has another text', 'NEW PAID', 'NEW PAID @value(is: "p")', { selected: ['Order.status'] }],
    ['in a list, too', 'NEW PAID', 'NEW PAID @value(is: "p")', { selected: ['Order.statuses'] }],
    ['if an enum value is gone', 'NEW PAID', 'NEW', { selected: ['Order.status'] }],
    ['if an enum has no value for the rest', 'OTHER @value(unknown: true)', 'OTHER', { selected: ['Order.status'] }],
    [
      'if another value has the rest',
      'NEW PAID OTHER @value(unknown: true)',
      'NEW PAID OTHER REST @value(unknown: true)',
      { selected: ['Order.status'] },
    ],
    ['if its document is invalid', 'note: String', '', { document: 'subscription { order { note } }' }],
  ])('%s', (_what, from, to, use = {}) => {
    expect(continues(from, to, use)).toBe(false)
  })
})
