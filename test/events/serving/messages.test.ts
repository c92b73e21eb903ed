import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Channel, ChannelModel } from 'amqplib'
import { SignJWT } from 'jose'
import { plainConnection } from '../../brokers/rabbitmq/connections.ts'
import { eventually } from '../../support/eventually.ts'
import { Inbox } from '../../support/frames/inbox.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { testSecret } from '../../support/gateway/gateway-process.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'
import { eventClient, operate } from './event-client.ts'

const sdl = `
type Subscription {
  order(id: ID): Order @events(exchange: "orders", routingKey: "order.#", history: true) @allow
}
type Mutation {
  placeOrder(input: PlaceOrder!): Published!
    @publish(exchange: "commands", routingKey: "order.place.{input.region}", type: "order.place",
      headers: [{name: "x-tenant", value: "{claim:/tenant}"}]) @allow(scopes: ["orders:write"])
}
type Query {
  quote(sku: ID!, quantity: Int! = 1): Quote! @request(routingKey: "quotes", timeout: "20s") @allow(anonymous: true)
  nowhere(sku: ID!): Quote @request(routingKey: "nobody-there") @allow(anonymous: true)
}
type Order { id: ID!  cursor: Cursor! @from(property: CURSOR)  tags: [String!]! }
type Quote { sku: ID!  price: Decimal! }
input PlaceOrder { customerId: ID! @owner  region: String!  total: Decimal }
`

const folder = newFolder()
let vhost: TestVhost
let gateway: InProcessGateway
let backEnd: ChannelModel & AsyncDisposable
let channel: Channel
const commands = new Inbox<{
  key: string
  body: unknown
  headers: Record<string, unknown>
  properties: Record<string, unknown>
}>('commands')

beforeAll(async () => {
  vhost = await testVhost('typed-messages')
  backEnd = await plainConnection(vhost.url)
  channel = await backEnd.createChannel()
  await channel.assertExchange('commands', 'topic')
  await channel.assertQueue('commands')
  await channel.bindQueue('commands', 'commands', 'order.place.eu')
  await channel.consume(
    'commands',
    (message) => {
      if (!message) return
      const { fields, content, properties } = message
      commands.push({
        key: fields.routingKey,
        body: JSON.parse(content.toString()) as unknown,
        headers: properties.headers ?? {},
        properties: { ...properties },
      })
    },
    { noAck: true },
  )
  await channel.assertQueue('quotes')
  await channel.consume(
    'quotes',
    (message) => {
      if (!message) return
      const { sku, quantity } = JSON.parse(message.content.toString()) as { sku: string; quantity: number }
      const { replyTo, correlationId } = message.properties
      const answer = (text: string, properties = {}) =>
        channel.sendToQueue(String(replyTo), Buffer.from(text), { correlationId: String(correlationId), ...properties })
      const reply = (body: unknown, headers = {}) => answer(JSON.stringify(body), { headers })
      if (sku === 'wrong') reply({ sku })
      else if (sku === 'broken') answer('{"sku":', { contentType: 'application/json' })
      else if (sku === 'refused') reply({}, { 'x-error': 'out of stock', 'x-error-code': 'OUT_OF_STOCK' })
      else reply({ sku, price: 2.5 * quantity })
    },
    { noAck: true },
  )
  writeFileSync(join(folder, 'events.graphql'), sdl)
  gateway = await openGateway({ WARREN_BROKER_URL: vhost.url, WARREN_SCHEMA: folder })
  await eventually('a gateway that is up', () => gateway.gateway.up)
})
afterAll(async () => {
  await gateway?.close()
  await backEnd?.[Symbol.asyncDispose]()
  await vhost?.close()
  removeFolder(folder)
})

function token(clientId: string, scope: readonly string[] = []): Promise<string> {
  return new SignJWT({ scope: scope.join(' '), tenant: 'acme' })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(clientId)
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(testSecret))
}

describe('a field with @publish', () => {
  const placeOrder = 'mutation ($input: PlaceOrder!) { placeOrder(input: $input, idempotencyKey: "k1") { messageId } }'

  test('publishes its input with the owner, and what Warren adds', async () => {
    const input = { customerId: 'alice', region: 'eu', total: '12.50' }
    const writer = await token('alice', ['orders:write'])
    const first = await operate<{ placeOrder: { messageId: string } }>(gateway, writer, {
      query: placeOrder,
      variables: { input },
    })
    const message = await commands.next()
    expect(message).toMatchObject({
      key: 'order.place.eu',
      body: { customerId: 'alice', region: 'eu', total: 12.5 },
      headers: {
        'x-warren-client-id': 'alice',
        'x-tenant': 'acme',
        traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/),
      },
      properties: { type: 'order.place', contentType: 'application/json', messageId: first.placeOrder.messageId },
    })
    const again = await operate<typeof first>(gateway, writer, { query: placeOrder, variables: { input } })
    expect(again).toEqual(first)
  })

  test.each([
    ['another owner', ['orders:write'], { customerId: 'bob', region: 'eu' }, 'FORBIDDEN'],
    ['no scope', [], { customerId: 'alice', region: 'eu' }, 'FORBIDDEN'],
    ['a word that is none', ['orders:write'], { customerId: 'alice', region: 'e.u' }, 'BAD_USER_INPUT'],
    ['a key without a queue', ['orders:write'], { customerId: 'alice', region: 'us' }, 'NO_RESPONDER'],
  ])('is refused: %s', async (_what, scope, input, code) => {
    await expect(
      operate(gateway, await token('alice', scope), { query: placeOrder, variables: { input } }),
    ).rejects.toThrow(`"code":"${code}"`)
  })
})

describe('a field with @request', () => {
  test('returns the reply, typed, also to callers without a token', async () => {
    const query = '{ a: quote(sku: 7, quantity: 3) { sku price } b: quote(sku: "x") { price } }'
    expect(await operate(gateway, undefined, { query })).toEqual({ a: { sku: '7', price: '7.5' }, b: { price: '2.5' } })
  })

  test.each([
    ['no queue', '{ nowhere(sku: 1) { sku } }', '"code":"NO_RESPONDER"'],
    ['a reply of another type', '{ quote(sku: "wrong") { sku } }', '"code":"INVALID_EVENT"'],
    ['a reply that does not decode', '{ quote(sku: "broken") { sku } }', '"code":"INVALID_EVENT"'],
    ['an error of the responder', '{ quote(sku: "refused") { sku } }', '"message":"out of stock"'],
    ['its code', '{ quote(sku: "refused") { sku } }', '"code":"OUT_OF_STOCK"'],
  ])('reports %s', async (_what, query, text) => {
    await expect(operate(gateway, undefined, { query })).rejects.toThrow(text)
  })

  test('allows twenty in flight a caller', async () => {
    const query = `{ ${Array.from({ length: 21 }, (_, index) => `q${index}: quote(sku: ${index}) { sku }`).join(' ')} }`
    await expect(operate(gateway, undefined, { query })).rejects.toThrow('"limit":"requestsOfSession"')
  })
})

describe('an event field over RabbitMQ', () => {
  test('delivers what a back end publishes, and its history', async () => {
    await using client = await eventClient(gateway, 'alice')
    const events = client.listen('subscription { order { id tags cursor } }')
    await eventually('the subscription', () => gateway.gateway.hub.size === 1)
    for (const id of [1, 2, 3])
      channel.publish('orders', 'order.x', Buffer.from(JSON.stringify({ id, tags: ['ä', '"'] })))
    const received = [await events.next(), await events.next(), await events.next()]
    expect(received).toMatchObject([1, 2, 3].map((id) => ({ data: { order: { id: String(id), tags: ['ä', '"'] } } })))
    const page =
      'query ($after: Cursor) { orderHistory(after: $after, first: 2) { events { id cursor } hasMore cursor gap { reason } } }'
    const caller = await token('alice')
    type Page = { orderHistory: { events: { id: string }[]; hasMore: boolean; cursor: string } }
    const first = await operate<Page>(gateway, caller, { query: page })
    expect(first).toMatchObject({ orderHistory: { events: [{ id: '1' }, { id: '2' }], hasMore: true, gap: null } })
    const rest = await operate<Page>(gateway, caller, { query: page, variables: { after: first.orderHistory.cursor } })
    expect(rest).toMatchObject({ orderHistory: { events: [{ id: '3' }], hasMore: false } })
  })

  test('puts a message that does not fit into the quarantine, once', async () => {
    await using client = await eventClient(gateway, 'alice')
    await using other = await eventClient(gateway, 'bob')
    const inboxes = [
      client.listen('subscription { order { id } }'),
      other.listen('subscription { order(id: 5) { id } }'),
    ]
    await eventually('both subscriptions', () => gateway.gateway.hub.size === 2)
    channel.publish('orders', 'order.bad', Buffer.from(JSON.stringify({ id: 5, tags: [1] })))
    channel.publish('orders', 'order.good', Buffer.from(JSON.stringify({ id: 5, tags: [] })))
    for (const inbox of inboxes) expect(await inbox.next()).toMatchObject({ data: { order: { id: '5' } } })
    const copies = await eventually('the copy', () => channel.get('warren.quarantine', { noAck: true }))
    if (!copies) throw new Error('no copy')
    expect(copies.properties.headers).toMatchObject({
      'x-warren-reason': 'schema',
      'x-warren-field': 'order',
      'x-warren-pointer': '/tags/0',
      'x-warren-misfit': expect.stringMatching(/^expected /),
      'x-warren-schema': expect.stringMatching(/^[0-9a-f]{16}$/),
    })
    expect(await channel.get('warren.quarantine', { noAck: true })).toBe(false)
  })
})
