import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib'
import { hmacSigner } from '../../../src/auth/tokens/jwt.ts'
import { plainConnection } from '../../brokers/rabbitmq/connections.ts'
import { connectApollo } from '../../graphql/clients/apollo.ts'
import { connectApollo3 } from '../../graphql/clients/apollo-3.ts'
import type { Connect } from '../../graphql/clients/client.ts'
import { connectGraphqlSse } from '../../graphql/clients/graphql-sse.ts'
import { connectGraphqlWs } from '../../graphql/clients/graphql-ws.ts'
import { connectRelay } from '../../graphql/clients/relay.ts'
import { connectUrql } from '../../graphql/clients/urql.ts'
import { eventually } from '../../support/eventually.ts'
import { Inbox } from '../../support/frames/inbox.ts'
import { runCommand } from '../../support/gateway/command-in-process.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { testSecret } from '../../support/gateway/gateway-process.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'
import { pikaPublish } from '../../support/rabbitmq/third-party.ts'
import { OrderChangedDocument, PlaceOrderDocument, QuoteDocument, ShipmentDocument } from './generated/graphql.ts'

/** The SDL of the specification, without a change. */
const sdl = 'test/events/sdl/specification.sdl.txt'

let vhost: TestVhost
let backEnd: ChannelModel & AsyncDisposable
let channel: Channel
let gateway: InProcessGateway
const commands = new Inbox<ConsumeMessage>('commands of clients')

beforeAll(async () => {
  vhost = await testVhost('specification')
  backEnd = await plainConnection(vhost.url)
  channel = await backEnd.createChannel()
  await channel.assertExchange('commands', 'topic', { durable: true })
  await channel.assertQueue('place-orders', { durable: true })
  await channel.bindQueue('place-orders', 'commands', 'order.place.*')
  await channel.consume('place-orders', (message) => message && commands.push(message), { noAck: true })
  await channel.assertQueue('pricing.quote', { durable: true })
  await channel.consume('pricing.quote', answerWithPrice, { noAck: true })
  gateway = await openGateway({ WARREN_BROKER_URL: vhost.url, WARREN_SCHEMA: sdl })
  await eventually('a gateway that is up', () => gateway.gateway.up)
})
afterAll(async () => {
  await gateway?.close()
  await backEnd?.[Symbol.asyncDispose]()
  await vhost?.close()
})

function answerWithPrice(message: ConsumeMessage | null): void {
  if (message === null) return
  const { sku, quantity } = JSON.parse(message.content.toString()) as { sku: string; quantity: number }
  const reply = `{"sku": "${sku}", "price": ${quantity}2.50}`
  const { replyTo, correlationId } = message.properties as { replyTo: string; correlationId: string }
  channel.sendToQueue(replyTo, Buffer.from(reply), { contentType: 'application/json', correlationId })
}

const signer = hmacSigner({ secret: testSecret })
const tokenOf = async (clientId: string, scope: readonly string[]) =>
  (await signer.sign({ clientId, scope, ttlSeconds: 3_600 })).token

const live = (count: number) => eventually(`${count} subscriptions`, () => gateway.gateway.hub.size === count)

const clients: [name: string, clientId: string, Connect][] = [
  ['Apollo Client 4', 'apollo-4', connectApollo],
  ['Apollo Client 3', 'apollo-3', connectApollo3],
  ['urql', 'urql', connectUrql],
  ['Relay', 'relay', connectRelay],
  ['graphql-ws', 'graphql-ws', connectGraphqlWs],
  ['graphql-sse', 'graphql-sse', connectGraphqlSse],
]

describe.each(clients)('%s, with the SDL of the specification and a back end in Python', (_name, clientId, connect) => {
  test('receives the changes of its own orders in the regions and states that it asks for', async () => {
    await live(0)
    await using client = connect(gateway, await tokenOf(clientId, []))
    const status = ['PAID', 'OTHER'] as const
    const orders = client.subscribe(OrderChangedDocument, { customerId: clientId, region: 'eu', status: [...status] })
    await live(1)
    const order = (id: number, state: string, customer = clientId) =>
      `{"id": ${id}, "customer": {"id": "${customer}"}, "status": "${state}", "total": 12.50, "placedAt": "2026-11-28T10:00:00Z"}`
    const send = (routingKey: string, body: string) =>
      pikaPublish(vhost.url, {
        exchange: 'orders',
        routingKey,
        body,
        contentType: 'application/json',
        headers: { 'x-trace-id': 't1' },
      })
    await send('orders.us.changed', order(1, 'PAID'))
    await send('orders.eu.changed', order(2, 'PAID', 'another'))
    await send('orders.eu.changed', order(3, 'PAID'))
    await send('orders.eu.changed', order(4, 'RETURNED'))
    const { orderChanged: first } = await orders.next()
    expect(first).toMatchObject({
      id: '3',
      customerId: clientId,
      status: 'PAID',
      total: '12.50',
      placedAt: '2026-11-28T10:00:00Z',
      traceId: 't1',
      cursor: expect.any(String),
    })
    expect((await orders.next()).orderChanged).toMatchObject({ id: '4', status: 'OTHER' })
    orders.stop()
    await live(0)

    const after = client.subscribe(OrderChangedDocument, { customerId: clientId, after: first?.cursor })
    expect((await after.next()).orderChanged).toMatchObject({ id: '4', status: 'OTHER' })
    after.stop()
  })

  test('receives several kinds of event on one field', async () => {
    await live(0)
    await using client = connect(gateway, await tokenOf(clientId, ['shipping:read']))
    const shipments = client.subscribe(ShipmentDocument, { id: clientId })
    await live(1)
    const send = (kind: string, body: object) =>
      pikaPublish(vhost.url, {
        exchange: 'shipping',
        routingKey: `shipment.${clientId}.${kind}`,
        type: `shipment.${kind}`,
        body: JSON.stringify(body),
        contentType: 'application/json',
      })
    await send('packed', { id: 7, weight: 1.5 })
    await send('delivered', { id: 7, signedBy: 'Ann' })
    expect((await shipments.next()).shipment).toEqual({ __typename: 'ShipmentPacked', id: '7', weight: 1.5 })
    expect((await shipments.next()).shipment).toEqual({ __typename: 'ShipmentDelivered', id: '7', signedBy: 'Ann' })
    shipments.stop()
  })

  test('publishes a command, and asks for a quote without a token', async () => {
    await using client = connect(gateway, await tokenOf(clientId, ['orders:write']))
    const input = { customerId: clientId, region: 'eu', lines: [{ sku: 'tea', quantity: 2 }] }
    const { placeOrder } = await client.run(PlaceOrderDocument, { input })
    const { content, fields, properties } = await commands.next()
    expect(JSON.parse(content.toString())).toEqual(input)
    expect(fields.routingKey).toBe('order.place.eu')
    expect(properties).toMatchObject({ type: 'order.place', messageId: placeOrder.messageId })
    expect(properties.headers).toMatchObject({ 'x-warren-client-id': clientId })

    await using anonymous = connect(gateway)
    const { quote } = await anonymous.run(QuoteDocument, { sku: 'tea', quantity: 4 })
    expect(quote).toMatchObject({ sku: 'tea', price: '42.50' })
    const refused = anonymous.run(PlaceOrderDocument, { input })
    await expect(refused).rejects.toMatchObject({ codes: ['UNAUTHENTICATED'] })
  })
})

describe('graphql-codegen, with its client preset', () => {
  test('types each field of the specification without any', () => {
    const lines = readFileSync('test/events/clients/generated/graphql.ts', 'utf8').split('\n')
    // What the preset writes into each file has some.
    const typed = lines.filter((line) => !/^ *\/\*\*|__meta__|^type Exact|as unknown as/.test(line))
    expect(typed.length).toBeGreaterThan(50)
    expect(typed.filter((line) => /\b(any|unknown)\b/.test(line))).toEqual([])
  })

  test('reads the schema that is served', async () => {
    const { stdout } = await runCommand(['schema', 'print', '--core', 'off', sdl], {})
    expect(readFileSync('test/events/clients/specification.schema.graphql', 'utf8')).toBe(stdout)
  })
})
