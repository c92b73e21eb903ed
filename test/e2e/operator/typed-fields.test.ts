import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import amqp, { type ChannelModel, type ConfirmChannel } from 'amqplib'
import { eventually } from '../../support/eventually.ts'
import { connectGraphql } from '../../support/frames/graphql-frames.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { Refused } from '../back-end/graphql-caller.ts'
import { openTwoReplicas, type TwoReplicas } from './two-replicas.ts'

const sdl = `# Events of the shop.
"""What the shop publishes."""
type Subscription {
  "Orders of one customer."
  orderChanged(customer: ID! @owner, state: OrderState): Order
    @events(exchange: "orders", routingKey: "orders.{customer}.#")
  stockChanged: Stock! @events(exchange: "stock", exchangeType: FANOUT) @allow(anonymous: true)
}

type Order {
  id: ID!
  total: Decimal! # with tax
  state: OrderState
}

enum OrderState { CREATED PAID }

type Stock { sku: ID! left: Int! }
`

let replicas: TwoReplicas
let connection: ChannelModel
let channel: ConfirmChannel
const folder = newFolder()
const file = join(folder, 'shop.graphql')

beforeAll(async () => {
  writeFileSync(file, sdl)
  replicas = await openTwoReplicas('typed-fields', { WARREN_SCHEMA: file })
  connection = await amqp.connect(replicas.vhost.url)
  channel = await connection.createConfirmChannel()
})
afterAll(async () => {
  await connection?.close()
  await replicas?.[Symbol.asyncDispose]()
  removeFolder(folder)
})

async function send(exchange: string, key: string, body: unknown): Promise<void> {
  channel.publish(exchange, key, Buffer.from(JSON.stringify(body)), { contentType: 'application/json' })
  await channel.waitForConfirms()
}

interface Answer<Fields = Record<string, unknown>> {
  readonly typedFields: Record<string, unknown> & { readonly fields: readonly Fields[] }
}

describe('a typed field', () => {
  test('is described with its arguments, bindings, access, and SDL as it was written', async () => {
    const { typedFields } = await replicas.observer<Answer>(`{ typedFields { hash since served files { path text }
      fields { name type description file line invalid gap history access conditions sdl
        arguments { name type meaning } bindings { exchange exchangeType routingKey bindingKey source body } } } }`)
    expect(typedFields).toMatchObject({
      hash: expect.stringMatching(/^[0-9a-f]{16}$/),
      files: [{ path: file, text: sdl }],
      served: expect.stringContaining('orderChanged('),
    })
    const [order, stock] = typedFields.fields
    expect(order).toMatchObject({
      name: 'orderChanged',
      type: 'Order',
      description: 'Orders of one customer.',
      file,
      line: 5,
      invalid: 'QUARANTINE',
      gap: 'null without an error',
      arguments: expect.arrayContaining([
        {
          name: 'customer',
          type: expect.stringMatching(/^ID/),
          meaning: "is {customer} of the routing key, and the caller's client id",
        },
        { name: 'state', type: 'OrderState', meaning: 'is "/state" of the payload' },
        { name: 'after', type: 'Cursor', meaning: 'continues behind this cursor' },
      ]),
      bindings: [
        {
          exchange: 'orders',
          exchangeType: 'TOPIC',
          routingKey: 'orders.{customer}.#',
          bindingKey: 'orders.*.#',
          source: expect.any(String),
          body: '',
        },
      ],
      access: [
        'operators, and tokens with the scope event:orderChanged',
        'every caller with a valid token, for events where their client id is the argument customer',
      ],
    })
    expect(order?.['sdl']).toContain('@events(exchange: "orders", routingKey: "orders.{customer}.#")')
    expect(order?.['sdl']).toContain('total: Decimal! # with tax')
    expect(order?.['sdl']).toContain('enum OrderState { CREATED PAID }')
    expect(order?.['sdl']).not.toContain('Stock')
    expect(stock).toMatchObject({
      name: 'stockChanged',
      access: ['operators, and tokens with the scope event:stockChanged', 'every caller, also without a token'],
    })
    const { sources } = await replicas.observer<{ sources: { id: string }[] }>('{ sources { id } }')
    expect(sources.map(({ id }) => id)).toContain((order as { bindings: { source: string }[] }).bindings[0]?.source)
  })

  test('names its subscribers on all replicas, what it delivered, and what does not fit', async () => {
    const { a, b, onA, onB } = replicas
    await using alice = await connectGraphql(a.graphqlSocketUrl, {
      connectionParams: { token: await a.clientToken('alice') },
    })
    await using bob = await connectGraphql(b.graphqlSocketUrl, {
      connectionParams: { token: await b.clientToken('bob') },
    })
    await using operator = await connectGraphql(b.graphqlSocketUrl, { connectionParams: { token: b.operatorToken } })
    const query = 'subscription ($c: ID!) { orderChanged(customer: $c) { id total } }'
    const ofAlice = alice.subscribe(query, { c: 'alice' })
    alice.subscribe(`${query} #2`, { c: 'alice' })
    bob.subscribe(query, { c: 'bob' })
    operator.subscribe(query, { c: 'alice' })
    const counts = `{ typedFields(name: "orderChanged") { unanswered fields { name
      counts { subscriptions matched delivered invalid filtered }
      replicas { replica counts { subscriptions delivered } }
      subscribers { hasMore endCursor withoutClient unanswered nodes { clientId subscriptions sessions transports replicas delivered } }
      recent { receivedPerSecond lastMessageAt messages checked fitting excluded mismatched
        mismatches { reason count sample { routingKey } } } } } }`
    interface Field {
      counts: { subscriptions: number; delivered: number; invalid: number }
      replicas: { replica: string; counts: { subscriptions: number } }[]
      subscribers: { nodes: { clientId: string; delivered: number }[] }
      recent: { checked: number; lastMessageAt: string | null }
    }
    await eventually('the subscriptions', async () => {
      const { typedFields } = await onA<Answer<Field>>(counts)
      return typedFields.fields[0]?.counts.subscriptions === 4
    })
    await send('orders', 'orders.alice.created', { id: '1', total: 17.5, state: 'CREATED' })
    expect(await ofAlice.next()).toMatchObject({ data: { orderChanged: { id: '1', total: '17.5' } } })
    for (const id of ['2', '3']) await send('orders', 'orders.alice.paid', { id, total: 'much' })
    for (const call of [onA, onB]) {
      const field = await eventually('the messages', async () => {
        const { typedFields } = await call<Answer<Field>>(counts)
        const [found] = typedFields.fields
        return found && found.recent.checked === 3 && found.counts.delivered === 3 && found
      })
      expect(field).toMatchObject({
        name: 'orderChanged',
        counts: { subscriptions: 4, delivered: 3, matched: 1, invalid: 2, filtered: 0 },
        subscribers: {
          hasMore: false,
          endCursor: 'bob',
          withoutClient: 1,
          unanswered: [],
          nodes: [
            { clientId: 'alice', subscriptions: 2, sessions: 1, delivered: 2, replicas: [a.gateway.replica] },
            { clientId: 'bob', subscriptions: 1, sessions: 1, delivered: 0, replicas: [b.gateway.replica] },
          ],
        },
        recent: {
          messages: 3,
          fitting: 1,
          excluded: 0,
          mismatched: 2,
          lastMessageAt: expect.any(String),
          mismatches: [
            {
              reason: expect.stringMatching(/^\/total: expected .*Decimal/),
              count: 2,
              sample: { routingKey: 'orders.alice.paid' },
            },
          ],
        },
      })
      expect(field.replicas).toHaveLength(2)
    }
    const { typedFields } = await onA<Answer<Field>>(
      '{ typedFields(name: "orderChanged") { fields { subscribers(first: 1, after: "alice") { hasMore nodes { clientId } } } } }',
    )
    expect(typedFields.fields[0]?.subscribers).toEqual({ hasMore: false, nodes: [{ clientId: 'bob' }] })
  })
})

const replicaQuery = '{ typedFields { hash replicas { replica hash isSame failure { message } } fields { name } } }'

describe('a reload', () => {
  test('that has not reached a replica is visible, and one that was refused names the mistake', async () => {
    const { a, b, onA } = replicas
    const { typedFields: before } = await onA<Answer>(replicaQuery)
    writeFileSync(
      file,
      `${sdl}\nextend type Subscription { refund: Order @events(exchange: "orders", routingKey: "refunds") }\n`,
    )
    a.reload()
    const { typedFields: half } = await eventually('the new schema', async () => {
      const answer = await onA<Answer>(replicaQuery)
      return (
        answer.typedFields.fields.length === 3 && (answer.typedFields['replicas'] as object[]).length === 2 && answer
      )
    })
    expect(half['replicas']).toEqual([
      { replica: a.gateway.replica, hash: half['hash'], isSame: true, failure: null },
      { replica: b.gateway.replica, hash: before['hash'], isSame: false, failure: null },
    ])
    b.reload()
    await eventually('the same schema', async () => {
      const { typedFields } = await onA<Answer>(replicaQuery)
      return (typedFields['replicas'] as { isSame: boolean }[]).every(({ isSame }) => isSame)
    })
    writeFileSync(file, 'type Subscription { orderChanged: Nothing }')
    b.reload()
    const refused = await eventually('the refusal', async () => {
      const { typedFields } = await onA<Answer>(replicaQuery)
      const [, other] = typedFields['replicas'] as { isSame: boolean; failure: { message: string } | null }[]
      return other?.failure ? other : undefined
    })
    expect(refused).toMatchObject({ isSame: true, failure: { message: expect.stringContaining('Nothing') } })
  })
})

const infer = `query Draft($exchange: String!, $sdl: String, $field: String, $first: Int) {
  inferSchema(exchange: $exchange, sdl: $sdl, field: $field, first: $first) {
    exists nearExchanges messages sdl note fitting excluded mismatched problems { line severity message }
    events { field event message { routingKey } } mismatches { field reason message { offset } } } }`

describe('a draft', () => {
  test('of an exchange is valid SDL, and shows the events that it would give', async () => {
    const { onA, observer } = replicas
    await onA('mutation ($input: CreateRabbitChannelInput!) { createRabbitChannel(input: $input) { id } }', {
      input: { exchange: 'couriers', exchangeType: 'TOPIC', routingKey: 'courier.{clientId}.#' },
    })
    for (const n of [1, 2, 3])
      await send('couriers', `courier.c${n}.moved`, {
        courier: `c${n}`,
        at: { lat: 52.1, lon: 21 },
      })
    const { inferSchema } = await eventually('the messages', async () => {
      const answer = await observer<{ inferSchema: { messages: number; sdl: string } }>(infer, { exchange: 'couriers' })
      return answer.inferSchema.messages === 3 && answer
    })
    expect(inferSchema).toMatchObject({
      exists: true,
      note: null,
      fitting: 3,
      excluded: 0,
      mismatched: 0,
      mismatches: [],
      sdl: expect.stringContaining('@events(exchange: "couriers"'),
    })
    const { events, problems } = inferSchema as unknown as {
      events: { event: object; message: { routingKey: string } }[]
      problems: { severity: string }[]
    }
    expect(problems.filter(({ severity }) => severity === 'ERROR')).toEqual([])
    expect(events[0]).toMatchObject({
      event: { at: { lat: 52.1, lon: 21 } },
      message: { routingKey: 'courier.c3.moved' },
    })
    // What was edited is tried on the same messages.
    const edited = inferSchema.sdl.replace(/lat: Float!/, 'lat: Boolean!')
    expect(edited).not.toBe(inferSchema.sdl)
    const { inferSchema: tried } = await observer<{ inferSchema: object }>(infer, { exchange: 'couriers', sdl: edited })
    expect(tried).toMatchObject({ sdl: edited, fitting: 0, mismatched: 3 })
    expect(JSON.stringify(tried)).toContain('/at/lat: expected')
  })

  test('of SDL with mistakes, of a field that exists, and of nothing names what is wrong', async () => {
    const { observer } = replicas
    const problemsOf = async (variables: Record<string, unknown>) =>
      (
        await observer<{ inferSchema: { problems: { message: string; line: number }[]; note: string } }>(
          infer,
          variables,
        )
      ).inferSchema
    const broken = await problemsOf({
      exchange: 'couriers',
      sdl: 'type Subscription {\n  a: Nothing @events(exchange: "x")\n}',
    })
    expect(broken).toMatchObject({ fitting: 0, problems: [{ severity: 'ERROR', line: 2 }] })
    const taken = await problemsOf({ exchange: 'couriers', field: 'stockChanged' })
    expect(taken.problems).toEqual([expect.objectContaining({ message: expect.stringContaining('is defined twice') })])
    expect(taken).toMatchObject({ fitting: 3 })
    expect(await problemsOf({ exchange: 'courier' })).toMatchObject({
      exists: false,
      nearExchanges: ['couriers'],
      messages: 0,
      sdl: null,
      note: 'There is no exchange "courier".',
    })
    await channel.assertExchange('elsewhere', 'topic')
    expect((await problemsOf({ exchange: 'elsewhere' })).note).toContain('--from live')
    const refused = await observer(infer, { exchange: 'couriers', field: 'not a name' }).catch(
      (error: unknown) => error,
    )
    expect(refused).toBeInstanceOf(Refused)
    expect(refused).toMatchObject({ code: 'BAD_USER_INPUT' })
  })
})
