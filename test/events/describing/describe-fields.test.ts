import { beforeAll, describe, expect, test } from '@jest/globals'
import { describeFields } from '../../../src/events/describing/describe-fields.ts'
import { schemaOf } from '../sdl/reading.ts'

const sdl = `
type Subscription {
  "Orders, as they change."
  order(
    "Whose orders." customer: ID! @match(body: "/customer/id") @owner
    status: [Status!] = [NEW] @match(body: "/status")
    region: String
    after: Cursor
    kind: String @match(header: "kind") @owner(claim: "/tenant/kind")
    kept: String @match(property: MESSAGE_ID)
  ): Order
    @events(exchange: "orders", routingKey: "order.{region}.#", body: "/data", history: true)
    @events(exchange: "old", routingKey: "{region}", declare: false, body: "/data", history: true)
    @only(envelope: "/kind", in: ["a", "b", "c"]) @only(header: "env", in: ["live"])
    @allow(scopes: ["orders:read", "shop"]) @allow
  mine: Order @events(exchange: "mine", invalid: DELIVER, gap: ERROR) @owner(envelope: "") @owner(claim: "/rooms", body: "/room")
    @state(key: "/id", deleteOn: ["gone"], keep: "1h")
  later: Order! @events(exchange: "later", invalid: NULL, gap: NEXT) @state(key: "header:id") @allow(anonymous: true)
  marked: Marked! @events(exchange: "marked", exchangeType: FANOUT)
  member: Parcel! @events(exchange: "parcels") @owner(body: "")
}
type Order { id: ID!  total: Int @filterable }
type Marked { id: ID  gap: EventGap @from(property: GAP) }
union Parcel = Packed | EventGap
type Packed @eventType(name: "packed") { id: ID! }
enum Status { NEW PAID }
`
let described: ReadonlyMap<string, ReturnType<typeof describeFields>[number]>
beforeAll(() => {
  described = new Map(describeFields(schemaOf(sdl, { core: false }).schema).map((field) => [field.name, field]))
})
const fieldOf = (name: string) => {
  const field = described.get(name)
  if (!field) throw new Error(`${name} is not described`)
  return field
}

test('a field is described in the words of operators', () => {
  expect([...described.keys()]).toEqual(['order', 'mine', 'later', 'marked', 'member'])
  expect(fieldOf('order')).toMatchObject({
    name: 'order',
    type: 'Order',
    description: 'Orders, as they change.',
    conditions: ['"/kind" of the body is a, b or c', 'the header "env" is live'],
    invalid: 'QUARANTINE',
    gap: 'null without an error',
    history: true,
    state: null,
    file: 'e.graphql',
    line: expect.any(Number),
  })
  expect(fieldOf('mine')).toMatchObject({ type: 'Order', description: null, history: false, invalid: 'DELIVER' })
})

test('its bindings name their sources', () => {
  expect(fieldOf('order').bindings).toEqual([
    {
      exchange: 'orders',
      exchangeType: 'TOPIC',
      routingKey: 'order.{region}.#',
      bindingKey: 'order.*.#',
      source: expect.any(String),
      body: '/data',
    },
    {
      exchange: 'old',
      exchangeType: 'TOPIC',
      routingKey: '{region}',
      bindingKey: '*',
      source: expect.any(String),
      body: '/data',
    },
  ])
  const [first, second] = fieldOf('order').bindings
  expect(first?.source).not.toBe(second?.source)
  expect(fieldOf('mine').bindings[0]?.body).toBe('')
})

test('its arguments have their types, their defaults, and what they mean', () => {
  const { arguments: args } = fieldOf('order')
  expect(args.map(({ name, meaning }) => [name, meaning])).toEqual([
    ['customer', 'is "/customer/id" of the payload, and the caller\'s client id'],
    ['status', 'one of them is "/status" of the payload'],
    ['region', 'is {region} of the routing key'],
    ['after', 'continues behind this cursor'],
    ['kind', 'is the header "kind", and the caller\'s claim /tenant/kind'],
    ['kept', 'is the property MESSAGE_ID'],
    ['last', 'begins with the last events'],
    ['position', 'continues at a position that the gateway keeps'],
    ['autoAck', 'when the position moves without an ack'],
    ['every', 'the least time between two events'],
    ['overflow', 'what happens while the client is slow'],
    ['checkpoints', 'sends positions while nothing else is sent'],
    ['filter', 'conditions on the fields of the event'],
  ])
  expect(args.slice(0, 3)).toMatchObject([
    { type: 'ID!', description: 'Whose orders.', defaultValue: null },
    { type: '[Status!]', description: null, defaultValue: '[NEW]' },
    { type: 'String', description: null, defaultValue: null },
  ])
})

describe('who may subscribe', () => {
  const owned =
    ', for events where their client id is the argument customer and their claim /tenant/kind is the argument kind'

  test.each([
    ['order', [`tokens with the scope orders:read and shop${owned}`, `every caller with a valid token${owned}`]],
    [
      'mine',
      [
        'every caller with a valid token, for events where their client id is the body and their claim /rooms is "/room" of the payload',
      ],
    ],
    ['later', ['every caller, also without a token']],
    ['marked', []],
    ['member', ['every caller with a valid token, for events where their client id is the payload']],
  ])('to %s', (name, access) => {
    expect(fieldOf(name).access).toEqual([`operators, and tokens with the scope event:${name}`, ...access])
  })
})

test('the form of a gap is one sentence', () => {
  expect(Object.fromEntries([...described].map(([name, { gap }]) => [name, gap]))).toEqual({
    order: 'null without an error',
    mine: 'an error with the code GAP',
    later: 'in the extensions of the next event',
    marked: 'the field gap of the event',
    member: 'a member EventGap of the union',
  })
})

test('keyed state has its key and how long keys stay', () => {
  expect(fieldOf('mine').state).toEqual({ key: '"/id" of the payload', deleteOn: ['gone'], keepMs: 3_600_000 })
  expect(fieldOf('later').state).toEqual({ key: 'the header "id"', deleteOn: [], keepMs: null })
})
