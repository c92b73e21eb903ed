import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { encode } from '@msgpack/msgpack'
import type { Channel, ChannelModel, Options } from 'amqplib'
import { SignJWT } from 'jose'
import { plainConnection } from '../../brokers/rabbitmq/connections.ts'
import { eventually } from '../../support/eventually.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { testSecret } from '../../support/gateway/gateway-process.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'
import { clientWith } from './event-client.ts'

/** The exchanges that back ends of these kinds use; each field is one case. */
const sdl = `
type Subscription {
  "Telemetry: the device is a word of the routing key, bodies are MessagePack."
  reading(deviceId: ID!, site: ID): Reading @events(exchange: "telemetry", routingKey: "site.{site}.device.{deviceId}.#") @allow

  "Chat rooms: the token lists the rooms of its owner."
  message(room: ID @owner(claim: "/rooms")): ChatMessage @events(exchange: "chat", exchangeType: FANOUT)

  "CloudEvents in binary mode, as the RabbitMQ broker of Knative sends them."
  imageResized: ImageResized
    @events(exchange: "broker.default", exchangeType: HEADERS, typeFrom: {header: "type"}) @allow

  "Envelopes of MassTransit."
  orderEvent: OrderEvent
    @events(exchange: "Shop.Contracts:OrderEvent", exchangeType: FANOUT, body: "/message", typeFrom: {envelope: "/messageType"})
    @allow
}
type Reading {
  deviceId: ID! @from(word: "deviceId")
  celsius: Float!
  counter: BigInt!
  at: DateTime!
  raw: String
}
type ChatMessage { room: ID!  author: String!  text: String! }
type ImageResized @eventType(name: "dev.example.image.resized") {
  imageId: UUID!
  width: Int!
  source: String! @from(header: "source")
}
union OrderEvent = OrderPaid | OrderShipped | EventGap
type OrderPaid @eventType(name: "urn:message:Shop.Contracts:OrderPaid") {
  orderId: UUID!
  amount: Decimal!
  sentTime: DateTime! @from(envelope: "/sentTime")
}
type OrderShipped @eventType(name: "urn:message:Shop.Contracts:OrderShipped") { orderId: UUID! }
`

const folder = newFolder()
let vhost: TestVhost
let backEnd: ChannelModel & AsyncDisposable
let channel: Channel
let gateway: InProcessGateway

beforeAll(async () => {
  vhost = await testVhost('real-cases')
  backEnd = await plainConnection(vhost.url)
  channel = await backEnd.createChannel()
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

const live = (count: number) => eventually(`${count} subscriptions`, () => gateway.gateway.hub.size === count)

function send(exchange: string, routingKey: string, body: unknown, options: Options.Publish = {}): void {
  const bytes = body instanceof Uint8Array ? Buffer.from(body) : Buffer.from(JSON.stringify(body))
  channel.publish(exchange, routingKey, bytes, { contentType: 'application/json', ...options })
}

function client(claims: Record<string, unknown> = {}) {
  return clientWith(
    gateway,
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject('alice')
      .setExpirationTime('1h')
      .sign(new TextEncoder().encode(testSecret)),
  )
}

test('telemetry', async () => {
  await live(0)
  await using alice = await client()
  const events = alice.listen('subscription { reading(deviceId: "d.7") { deviceId } }')
  const seven = alice.listen('subscription { reading(deviceId: 7, site: "b") { deviceId celsius counter at raw } }')
  await live(2)
  const body = (celsius: number) =>
    encode(
      { celsius, counter: 18_446_744_073_709_551_615n, at: '2026-11-28T10:00:00Z', raw: new Uint8Array([1, 2, 255]) },
      { useBigInt64: true },
    )
  const options = { contentType: 'application/msgpack' }
  send('telemetry', 'site.a.device.7.temperature', body(1), options)
  send('telemetry', 'site.b.device.7', body(21.5), options)
  expect(await seven.next()).toMatchObject({
    data: {
      reading: {
        deviceId: '7',
        celsius: 21.5,
        counter: '18446744073709551615',
        at: '2026-11-28T10:00:00Z',
        raw: 'AQL/',
      },
    },
  })
  expect(events.waiting).toEqual([])
})

test('chat rooms', async () => {
  await live(0)
  await using alice = await client({ rooms: ['garden', 'kitchen', 7] })
  const all = alice.listen('subscription { message { room author text } }')
  const kitchen = alice.listen('subscription { message(room: "kitchen") { text } }')
  await live(2)
  const refused = alice.listen('subscription { message(room: "cellar") { text } }')
  expect(await refused.next()).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] })
  for (const room of ['cellar', 'garden', 'kitchen', 7]) send('chat', '', { room, author: 'bob', text: `in ${room}` })
  const texts = [await all.next(), await all.next(), await all.next()]
  expect(texts).toMatchObject(['in garden', 'in kitchen', 'in 7'].map((text) => ({ data: { message: { text } } })))
  expect(await kitchen.next()).toMatchObject({ data: { message: { text: 'in kitchen' } } })
})

test('CloudEvents of Knative', async () => {
  await live(0)
  await using alice = await client()
  const events = alice.listen('subscription { imageResized { imageId width source } }')
  await live(1)
  const imageId = '3c1f51b3-6b1c-3ce5-23c8-b27e9d1cf41a'
  const headers = { 'content-type': 'application/json', specversion: '1.0', id: '1', source: '/images' }
  const type = 'dev.example.image.resized'
  send('broker.default', '', { imageId, width: 1 }, { headers: { ...headers, type: 'dev.example.image.deleted' } })
  send('broker.default', '', { imageId, width: 640 }, { headers: { ...headers, type } })
  expect(await events.next()).toMatchObject({ data: { imageResized: { imageId, width: 640, source: '/images' } } })
})

test('envelopes of MassTransit', async () => {
  await live(0)
  await using alice = await client()
  const events = alice.listen(
    'subscription { orderEvent { __typename ... on OrderPaid { orderId amount sentTime } ... on OrderShipped { orderId } } }',
  )
  await live(1)
  const orderId = '3821c484-ac43-3ab4-7ba8-99611e56a903'
  const envelope = (name: string, message: object) => ({
    messageId: orderId,
    messageType: [`urn:message:Shop.Contracts:${name}`, 'urn:message:Shop.Contracts:OrderEvent'],
    message,
    sentTime: '2026-11-01T00:00:00.0004321Z',
  })
  const options = { contentType: 'application/vnd.masstransit+json' }
  send('Shop.Contracts:OrderEvent', '', envelope('OrderRefused', { orderId }), options)
  send('Shop.Contracts:OrderEvent', '', envelope('OrderPaid', { orderId, amount: 12.5 }), options)
  send('Shop.Contracts:OrderEvent', '', envelope('OrderShipped', { orderId, carrier: 'DHL' }), options)
  expect(await events.next()).toMatchObject({
    data: {
      orderEvent: { __typename: 'OrderPaid', orderId, amount: '12.5', sentTime: '2026-11-01T00:00:00.0004321Z' },
    },
  })
  expect(await events.next()).toMatchObject({ data: { orderEvent: { __typename: 'OrderShipped', orderId } } })
})
