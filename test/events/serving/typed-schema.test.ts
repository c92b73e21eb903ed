import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type ExecutionResult, parse } from 'graphql'
import type { SessionSubscribeOptions } from '../../../src/core/sessions/session.ts'
import type { GatewayError } from '../../../src/errors.ts'
import { ServedSchema } from '../../../src/events/serving/served-schema.ts'
import { subscribeToField } from '../../../src/events/serving/subscribe.ts'
import { SubscriptionAccess } from '../../../src/events/serving/subscription-access.ts'
import { eventually } from '../../support/eventually.ts'
import { eventFieldOf } from '../schema-builder.ts'
import { alice, entryOf, identityOf, operator, type TypedWorld, typedWorld } from './typed-world.ts'

const sdl = `
type Query { quote(sku: ID!): Quote @request(routingKey: "quotes") @allow(anonymous: true) }
type Mutation { place(id: ID!): Published! @publish(exchange: "orders") @allow }
type Subscription {
  order(customer: ID @owner, status: Status): Order! @events(exchange: "orders", history: true)
  named: Named @events(exchange: "names", history: true, invalid: DELIVER) @allow(anonymous: true)
  later: Person! @events(exchange: "names", gap: NEXT) @allow(anonymous: true)
  own(after: String, since: Cursor): Person @events(exchange: "names") @allow
  board(owner: ID): Item @events(exchange: "items", invalid: NULL) @state(key: "/id", deleteOn: ["gone"]) @allow(anonymous: true)
  seats(row: ID): Seat @events(exchange: "seats") @state(key: "/id", deleteOn: ["free"]) @allow(anonymous: true)
}
type Order { id: ID!  status: Status  note: String  secret: String @allow(scopes: ["secrets"]) }
enum Status { NEW PAID }
interface Named { name: String }
type Person implements Named @eventType(name: "person") { name: String @allow(scopes: ["names"])  age: Int! }
type Item { id: ID!  owner: ID  size: Int! }
type Seat { id: ID!  row: ID! }
type Quote { sku: ID!  price: Int  margin: Int @allow(scopes: ["margins"]) }
`
let world: TypedWorld
beforeAll(async () => {
  world = await typedWorld(sdl, { answer: async () => ({ body: Buffer.from('{"sku":1,"price":2,"margin":3}') }) })
})
afterAll(() => world?.[Symbol.asyncDispose]())

const person = (data: unknown) => world.publish(data, { exchange: 'names', type: 'person' })
const insider = identityOf({ sub: 'insider', scope: 'names secrets margins' })
const codes = ({ errors = [] }: ExecutionResult) =>
  errors.map(({ originalError }) => (originalError as GatewayError).code)
const folded = (field: string, count: number) =>
  eventually(`${count} messages of ${field} to be folded`, () =>
    world.gateway.states?.counts.some((one) => one.field === field && one.folded === count),
  )

describe('a field of an interface', () => {
  test('may be selected only where each type that implements it allows it', async () => {
    await person({ name: 'Ann', age: 7 })
    const history = '{ namedHistory { events { name } } }'
    expect(await world.run(history, insider)).toEqual({ data: { namedHistory: { events: [{ name: 'Ann' }] } } })
    expect(codes(await world.run(history))).toEqual(['FORBIDDEN'])
    expect(codes(await world.run(history, identityOf({})))).toEqual(['UNAUTHENTICATED'])
    const other = '{ namedHistory { events { __typename ... on Person { age } } } }'
    expect(await world.run(other)).toEqual({ data: { namedHistory: { events: [{ __typename: 'Person', age: 7 }] } } })
    // An operation that graphql-js executes.
    const executed = 'subscription ($no: Boolean = false) { named(last: 1) { name @skip(if: $no) } }'
    await expect(world.listen(executed, alice, { no: null })).rejects.toThrow('this token does not allow you')
  })
})

describe('a request', () => {
  test('may select of the reply what @allow on its fields allows, else nothing is sent', async () => {
    const full = '{ quote(sku: 1) { sku margin } }'
    expect(codes(await world.run(full))).toEqual(['FORBIDDEN'])
    expect(codes(await world.run(full, identityOf({})))).toEqual(['UNAUTHENTICATED'])
    expect(world.requests).toEqual([])
    expect(await world.run(full, insider)).toEqual({ data: { quote: { sku: '1', margin: 3 } } })
    expect(await world.run('{ quote(sku: 1) { sku price } }')).toEqual({ data: { quote: { sku: '1', price: 2 } } })
  })
})

test('a mutation publishes, and counts what came of it', async () => {
  const { data } = await world.run('mutation { place(id: 5) { messageId } }')
  expect(data).toEqual({ place: { messageId: expect.any(String) } })
  expect(codes(await world.run('mutation { place(id: 5) { messageId } }', identityOf({})))).toEqual(['UNAUTHENTICATED'])
  expect(world.published).toEqual([
    ['place', 'confirmed'],
    ['place', 'failed'],
  ])
})

test('a compiled operation subscribes with its arguments, and only to what the caller may select', async () => {
  const operationIn = (text: string) => {
    const operation = world.served.operations.of(parse(text), undefined)
    if (!operation) throw new Error('no operation')
    return operation
  }
  const plain = operationIn('subscription { order(customer: "pat") { id } }')
  const context = world.contextOf(identityOf({ sub: 'pat' }))
  const subscription = plain.subscribe(plain.argumentsOf({}) ?? {}, {}, context)
  await world.publish({ id: 1, customer: 'pat' })
  expect(await world.next(subscription)).toMatchObject({ kind: 'MESSAGE' })
  await subscription.return()
  const secret = operationIn('subscription { order(customer: "pat") { secret } }')
  expect(() => secret.subscribe({ customer: 'pat' }, {}, context)).toThrow('this token does not allow you')
})

test('operators may be served another schema, also after a reload', () => {
  const of = (name: string) => ({ schema: name as never, operations: undefined, named: undefined })
  const served = new ServedSchema({ ...of('clients'), operators: of('operators') })
  const { operators } = served
  expect([served.current.schema, operators.current.schema]).toEqual(['clients', 'operators'])
  expect(served.operators).toBe(operators)
  served.replace(of('next'))
  expect([served.current.schema, operators.current.schema]).toEqual(['next', 'next'])
  served.replace({ ...of('last'), operators: of('last for operators') })
  expect(operators.current.schema).toBe('last for operators')
  const same = new ServedSchema(of('all'))
  expect(same.operators.current).toBe(same.current)
})

describe('the history of a field', () => {
  const query = `query ($first: Int, $after: Cursor, $customer: ID) {
    orderHistory(first: $first, after: $after, customer: $customer) {
      events { id } cursor hasMore gap { __typename reason oldest cursor }
    }
  }`
  interface History {
    readonly events: readonly { readonly id: string }[]
    readonly cursor: string
    readonly hasMore: boolean
    readonly gap: { readonly reason: string } | null
  }
  async function page(variables: Record<string, unknown> = {}, identity = alice): Promise<History> {
    const { data, errors } = await world.run(query, identity, variables)
    if (errors) throw errors[0] ?? new Error('no error')
    return data?.['orderHistory'] as History
  }
  const ids = ({ events }: History) => events.map(({ id }) => id)

  test('has pages that continue behind their cursors, with the conditions of the caller', async () => {
    for (const [id, customer] of [
      [1, 'alice'],
      [2, 'bob'],
      [3, 'alice'],
      [4, 'alice'],
    ] as const)
      await world.publish({ id, customer })
    const first = await page({ first: 2 })
    expect([ids(first), first.hasMore, first.gap]).toEqual([['1', '3'], true, null])
    const rest = await page({ first: 2, after: first.cursor })
    expect([ids(rest), rest.hasMore]).toEqual([['4'], false])
    expect(world.served.fields.isInUse).toBe(false)
    expect(ids(await page({ first: 1_000 }, operator)).slice(-4)).toEqual(['1', '2', '3', '4'])
    expect(ids(await page({ customer: 'bob' }, operator))).toEqual(['2'])
    await expect(page({ customer: 'bob' })).rejects.toThrow(
      'this token does not allow you to use Query.order in this way',
    )
  })

  test('has a gap where events are missing, and leaves out what is no value', async () => {
    const { gap, events } = await page({ after: 'nonsense' })
    expect(gap).toEqual({
      __typename: 'EventGap',
      reason: 'INVALID_CURSOR',
      oldest: expect.any(String),
      cursor: expect.any(String),
    })
    expect(events).toEqual([])
    await person({ name: 'Bob', age: 'many' })
    await person({ name: 'Cid', age: 8 })
    expect(await world.run('{ namedHistory { events { ... on Person { age } } } }')).toMatchObject({
      data: { namedHistory: { events: [{ age: 7 }, { age: 8 }] } },
    })
  })

  test.each([0, 1_001, -1])('refuses a page of %s events', async (first) => {
    await expect(page({ first })).rejects.toMatchObject({
      message: `first: expected a number from 1 to 1000, got ${first}`,
    })
  })

  test('counts the memory of its pages on the caller, and ends a page before the limit', async () => {
    for (let id = 0; id < 9; id += 1) await world.publish({ id, customer: 'carol', note: 'x'.repeat(900) })
    const carol = identityOf({ sub: 'carol' })
    const first = await page({}, carol)
    expect(first.hasMore).toBe(true)
    expect(first.events.length).toBeLessThan(9)
    const rest = await page({ after: first.cursor, first: 1 }, carol)
    expect(ids(rest)).toEqual([String(first.events.length)])
    expect(world.pages.bytes).toBeGreaterThan(900)
  })

  test('costs what its page may hold', () => {
    const { extensions } = world.served.fields.schema.schema.getQueryType()?.getFields()['orderHistory'] ?? {}
    const { complexity, pageSize } = extensions as { complexity: number; pageSize: (args: object) => number }
    expect(complexity).toBe(10)
    expect([{}, { first: 7 }, { first: 5_000 }, { first: null }].map(pageSize)).toEqual([100, 7, 1_000, 100])
  })
})

describe('the state of a field', () => {
  const query = `query ($first: Int, $after: String, $row: ID) {
    seatsState(first: $first, after: $after, row: $row) { nodes { id } endCursor hasMore cursor }
  }`
  const seat = (id: string, row: string, type = 'taken') => world.publish({ id, row }, { exchange: 'seats', type })

  test('has pages without removed keys, by the conditions of the caller', async () => {
    for (const [id, row] of [
      ['s1', 'a'],
      ['s2', 'a'],
      ['s3', 'b'],
      ['s4', 'a'],
    ] as const)
      await seat(id, row)
    await seat('s2', 'a', 'free')
    await folded('seats', 5)
    expect(await world.run(query, alice, { first: 1, row: 'a' })).toEqual({
      data: {
        seatsState: { nodes: [{ id: 's1' }], endCursor: expect.any(String), hasMore: true, cursor: expect.any(String) },
      },
    })
    const { data } = await world.run(query, alice, { first: 1, row: 'a' })
    const page = data?.['seatsState'] as { endCursor: string; cursor: string } | undefined
    const { endCursor, cursor } = page ?? {}
    expect(await world.run(query, alice, { after: endCursor, row: 'a' })).toEqual({
      data: { seatsState: { nodes: [{ id: 's4' }], endCursor: null, hasMore: false, cursor } },
    })
    expect(world.served.fields.isInUse).toBe(false)
    expect(await world.run(query, alice, { after: null })).toMatchObject({
      data: { seatsState: { nodes: [{ id: 's1' }, { id: 's3' }, { id: 's4' }], hasMore: false } },
    })
  })

  test('has what became null in a field with invalid: NULL', async () => {
    await world.publish({ id: 'i1', size: 'x' }, { exchange: 'items' })
    await world.publish({ id: 'i2', size: 1 }, { exchange: 'items' })
    await folded('board', 2)
    expect(await world.run('{ boardState { nodes { id size } } }')).toEqual({
      data: {
        boardState: {
          nodes: [null, { id: 'i2', size: 1 }],
        },
      },
    })
  })

  test.each([0, 1_001])('refuses a page of %s keys', async (first) => {
    const { errors } = await world.run(query, alice, { first })
    expect(errors?.[0]?.message).toBe(`first: expected a number from 1 to 1000, got ${first}`)
  })

  test('refuses a cursor of another page', async () => {
    const { errors } = await world.run(query, alice, { after: 'nonsense' })
    expect(errors?.[0]?.message).toContain('after: expected the endCursor of the page before')
  })

  test('costs what its page may hold', () => {
    const { extensions } = world.served.fields.schema.schema.getQueryType()?.getFields()['seatsState'] ?? {}
    const { complexity, pageSize } = extensions as { complexity: number; pageSize: (args: object) => number }
    expect(complexity).toBe(10)
    expect([{}, { first: 7 }, { first: 5_000 }].map(pageSize)).toEqual([100, 7, 1_000])
  })
})

describe('a subscription that graphql-js executes', () => {
  test('has the value of each event, and null where the field has none', async () => {
    const results = await world.listen('subscription { order(customer: "dan") { id status } }', operator)
    await world.publish({ id: 1, customer: 'dan', status: 'PAID' })
    expect(await results.next()).toEqual({ data: { order: { id: '1', status: 'PAID' } } })
    const gone = await world.listen('subscription { own(since: "nonsense") { age } }', insider)
    expect(await gone.next()).toEqual({ data: { own: null } })
  })

  test('has an error for a gap that the field has no form for, and for an event that does not fit', async () => {
    const lost = await world.listen('subscription { order(after: "nonsense") { id } }')
    const message = 'events are missing before this cursor (INVALID_CURSOR); read the state again'
    const cursor = expect.any(String)
    expect(await lost.next()).toMatchObject({
      data: null,
      errors: [{ message, extensions: { code: 'GAP', reason: 'INVALID_CURSOR', oldest: cursor, cursor } }],
    })
    const named = await world.listen('subscription { named { __typename } }', insider)
    await person({ name: 'Eve', age: 'x' })
    expect(await named.next()).toMatchObject({
      data: { named: null },
      errors: [{ extensions: { code: 'INVALID_EVENT', pointer: '/age' } }],
    })
  })
})

test('the built-in arguments are taken by the names that the author left them', () => {
  const { fields } = world.served
  const given: SessionSubscribeOptions[] = []
  const subscribeEvent = (options: SessionSubscribeOptions) => given.push(options) as never
  const context = { ...world.contextOf(alice), subscribeEvent }
  const subscribe = (name: string, args: Record<string, unknown>) =>
    subscribeToField(world.events, { fields, field: eventFieldOf(fields.schema, name), args, selected: [] }, context)
  const args = {
    after: 'a',
    last: 2,
    position: 'p',
    autoAck: 'NEVER',
    every: '1s',
    checkpoints: true,
    overflow: 'DROP',
  }
  subscribe('order', args)
  subscribe('own', { ...args, since: 's' })
  const access = expect.any(SubscriptionAccess)
  expect(given).toEqual([
    // A field that cannot be null has no form for a checkpoint.
    { ...args, checkpoints: undefined, access },
    { ...args, after: 's', access },
  ])
})

describe('the access of a subscription', () => {
  function accessTo(name: string, args: Record<string, unknown> = {}, more: Record<string, unknown> = {}) {
    const { fields } = world.served
    const request = { fields, field: eventFieldOf(fields.schema, name), args, selected: [], ...more }
    return new SubscriptionAccess(world.events, request)
  }

  test('wants the field and what selects its events', () => {
    const access = accessTo('order', { customer: 'alice', after: 'x', last: 1 })
    expect(access.wanted).toEqual({ field: 'order', args: { customer: 'alice' } })
    expect(access.reader).toEqual({
      fields: world.served.fields,
      field: world.served.fields.schema.events.get('order'),
    })
  })

  test('has the same topic while its conditions are the same, and matches until it is released', () => {
    const zoe = identityOf({ sub: 'zoe' })
    const access = accessTo('order')
    const topic = access.topicFor(zoe)
    expect(topic).toMatchObject({ kind: 'event', field: 'order', name: 'order', state: undefined })
    expect(access.topicFor(identityOf({ sub: 'zoe', scope: 'more' }))).toBe(topic)
    const other = access.topicFor(identityOf({ sub: 'yan' }))
    expect(other.key).not.toBe(topic.key)
    const keysFor = (customer: string) =>
      world.events
        .match(entryOf({ id: 1, customer }), () => '', false)
        .keys.filter((key) => [topic.key, other.key].includes(key))
    expect([keysFor('zoe'), keysFor('yan')]).toEqual([[], [other.key]])
    access.release()
    access.release()
    expect(keysFor('yan')).toEqual([])
    expect(accessTo('order', {}, { name: 'order?x=1' }).topicFor(zoe).name).toBe('order?x=1')
  })

  test('is refused in the words of the operation, for the field and for what it selects', () => {
    const secret = accessTo('order', {}, { selected: ['Order.id', 'Order.secret'] })
    expect(() => secret.topicFor(alice)).toThrow('this token does not allow you to use Subscription.order in this way')
    expect(secret.topicFor(identityOf({ sub: 'alice', scope: 'secrets' })).field).toBe('order')
    secret.release()
    const past = accessTo('order', { customer: 'bob' }, { operation: 'Query' })
    expect(() => past.topicFor(alice)).toThrow('this token does not allow you to use Query.order in this way')
  })

  test('begins with keyed state, but not with last: 0', () => {
    const topicOf = (args: Record<string, unknown>) => {
      const access = accessTo('seats', args)
      const topic = access.topicFor(alice)
      access.release()
      return topic
    }
    expect(topicOf({ row: 'a' }).state).toMatchObject({ id: expect.stringContaining('seats.'), indexes: ['a'] })
    expect(topicOf({ last: 1 }).state?.indexes).toBeUndefined()
    expect(topicOf({ last: 0 }).state).toBeUndefined()
  })
})

test('a subscription outlives a reload that leaves its meaning, and what began with the former schema is refused', async () => {
  await using reloaded = await typedWorld(sdl)
  const { fields } = reloaded.served
  const accessTo = (name: string, args: Record<string, unknown> = {}) =>
    new SubscriptionAccess(reloaded.events, { fields, field: eventFieldOf(fields.schema, name), args, selected: [] })
  const [kept, ended, begun] = [accessTo('order'), accessTo('order', { status: 'PAID' }), accessTo('seats')]
  const late = accessTo('order', { status: 'PAID' })
  const before = [kept, ended].map((access) => access.topicFor(alice))
  expect(kept.reload()).toBe(true)
  await reloaded.reload(sdl.replace('status: Status)', 'state: Status)'))
  expect([kept.reload(), ended.reload(), begun.reload()]).toEqual([true, false, true])
  const after = kept.topicFor(alice)
  expect(after).toEqual(before[0])
  expect(after).not.toBe(before[0])
  expect(kept.reader).toEqual({
    fields: reloaded.served.fields,
    field: reloaded.served.fields.schema.events.get('order'),
  })
  expect(() => late.topicFor(alice)).toThrow('the schema was replaced while this operation began: try again')
  expect(begun.topicFor(alice).field).toBe('seats')
  for (const access of [kept, ended, begun]) access.release()
  expect([fields.isInUse, reloaded.served.fields.isInUse]).toEqual([false, false])
})
