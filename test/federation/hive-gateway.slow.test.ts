import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { composeServices } from '@theguild/federation-composition'
import type { ChannelModel, ConfirmChannel } from 'amqplib'
import { parse } from 'graphql'
import { createClient } from 'graphql-sse'
import { plainConnection } from '../brokers/rabbitmq/connections.ts'
import { eventually } from '../support/eventually.ts'
import { Inbox } from '../support/frames/inbox.ts'
import { type GatewayProcess, startGateway, testToken } from '../support/gateway/gateway-process.ts'
import { freePort } from '../support/network/ports.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'
import { type TestVhost, testVhost } from '../support/rabbitmq/broker.ts'
import { type HiveGateway, startHiveGateway } from './hive-gateway.ts'
import { customersSubgraph, eventsSdl, type Subgraph } from './subgraphs.ts'

const folder = newFolder()
let vhost: TestVhost
let backEnd: ChannelModel & AsyncDisposable
let channel: ConfirmChannel
let warren: GatewayProcess
let customers: Subgraph
let supergraph: string
let alice: string
/** Of a router that Warren may post to. */
let callbackPort: number

beforeAll(async () => {
  vhost = await testVhost('federation')
  backEnd = await plainConnection(vhost.url)
  channel = await backEnd.createConfirmChannel()
  await channel.assertQueue('products')
  await channel.consume(
    'products',
    (message) => {
      if (!message) return
      const { sku } = JSON.parse(message.content.toString()) as { sku: string }
      const { replyTo, correlationId } = message.properties as { replyTo: string; correlationId: string }
      channel.sendToQueue(replyTo, Buffer.from(JSON.stringify({ sku, price: 4.5 })), { correlationId })
    },
    { noAck: true },
  )
  const file = join(folder, 'events.graphql')
  writeFileSync(file, eventsSdl)
  callbackPort = await freePort()
  const env = {
    WARREN_BROKER_URL: vhost.url,
    WARREN_SCHEMA: file,
    WARREN_FEDERATION: 'on',
    WARREN_CALLBACK_URLS: `http://127.0.0.1:${callbackPort}/callback`,
  }
  ;[warren, customers, alice] = await Promise.all([
    startGateway({ env }),
    customersSubgraph(),
    testToken({ sub: 'alice' }),
  ])
  const { _service: service } = (await ask(warren.graphqlUrl, '{ _service { sdl } }')) as { _service: { sdl: string } }
  const composed = composeServices([
    { name: 'warren', url: warren.graphqlUrl, typeDefs: parse(service.sdl) },
    { name: 'customers', url: customers.url, typeDefs: parse(customers.sdl) },
  ])
  if (!composed.supergraphSdl) throw new Error(JSON.stringify(composed.errors))
  supergraph = composed.supergraphSdl
})
afterAll(async () => {
  await customers?.[Symbol.asyncDispose]()
  await warren?.[Symbol.asyncDispose]()
  await backEnd?.[Symbol.asyncDispose]()
  await vhost?.close()
  removeFolder(folder)
})

async function ask(url: string, query: string, token?: string, variables: object = {}): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = (await response.json()) as { data?: unknown; errors?: unknown }
  if (errors) throw new Error(JSON.stringify(errors))
  return data
}

type Order = { id: string; position: string; customer: { id: string; name: string } }
const query = `subscription ($after: Cursor) {
  orderChanged(customerId: "alice", after: $after) { id position customer { id name } }
}`

/** A client of the supergraph, as graphql-sse is published. */
function subscribe(hive: HiveGateway, after?: string) {
  const orders = new Inbox<Order>('an order')
  const client = createClient({
    url: hive.url,
    headers: { authorization: `Bearer ${alice}` },
    retryAttempts: 0,
  })
  client.subscribe<{ orderChanged: Order }>(
    { query, variables: { after } },
    {
      next: ({ data, errors }) => {
        if (data?.orderChanged) orders.push(data.orderChanged)
        else orders.end(new Error(JSON.stringify(errors)))
      },
      error: (error) => orders.end(error as Error),
      complete: () => orders.end(new Error('complete')),
    },
  )
  return { orders, [Symbol.dispose]: () => client.dispose() }
}

async function publish(id: number, customer = 'alice'): Promise<void> {
  channel.publish('orders', 'orders.x', Buffer.from(JSON.stringify({ id, customer: { id: customer } })), {
    contentType: 'application/json',
  })
  await channel.waitForConfirms()
}

/** Waits until Warren has so many subscriptions over a transport, by its metrics. */
async function subscribed(count: number, transport: 'sse' | 'graphql-ws' | 'callback' = 'sse'): Promise<void> {
  const line = `warren_subscriptions{transport="${transport}"} ${count}\n`
  await eventually(`${count} subscriptions over ${transport}`, async () => (await warren.metrics()).includes(line))
}

describe('Hive Gateway before Warren', () => {
  test('completes the result of a request, and an entity that a request resolves, in one query', async () => {
    await using hive = await startHiveGateway({ supergraph })
    expect(await ask(hive.url, '{ product(sku: "x") { sku price } bestseller { sku price } me { name } }')).toEqual({
      product: { sku: 'x', price: '4.5' },
      bestseller: { sku: 'tea', price: '4.5' },
      me: { name: 'Name of alice' },
    })
  })

  test.each([
    ['sse', 'sse'],
    ['ws', 'graphql-ws'],
    ['http-callback', 'callback'],
  ] as const)(
    'over %s: delivers events with the fields of another subgraph, to their owner only, and resumes at a mapped cursor',
    async (subscribesOver, transport) => {
      await using hive = await startHiveGateway({ supergraph, subscribesOver, port: callbackPort })
      let last: string
      {
        using client = subscribe(hive)
        await subscribed(1, transport)
        await publish(1)
        await publish(2, 'bob')
        const place = 'mutation ($input: PlaceOrder!) { placeOrder(input: $input) { messageId } }'
        await ask(hive.url, place, alice, { input: { id: 3, customer: { id: 'alice' } } })
        const orders = [await client.orders.next(), await client.orders.next()]
        expect(orders).toMatchObject([
          { id: '1', customer: { id: 'alice', name: 'Name of alice' } },
          { id: '3', customer: { id: 'alice', name: 'Name of alice' } },
        ])
        await expect(ask(hive.url, place, alice, { input: { id: 4, customer: { id: 'bob' } } })).rejects.toThrow(
          'FORBIDDEN',
        )
        last = orders[1]?.position ?? ''
      }
      await subscribed(0, transport)
      await publish(5)
      using again = subscribe(hive, last)
      expect(await again.orders.next()).toMatchObject({ id: '5' })
    },
  )

  test.each([
    ['sse', 'sse'],
    ['http-callback', 'callback'],
  ] as const)('over %s: a client misses nothing when Warren and the router are restarted', async (over, transport) => {
    const started = { supergraph, subscribesOver: over, port: callbackPort }
    const seen: string[] = []
    let last: string | undefined
    {
      await using hive = await startHiveGateway(started)
      using client = subscribe(hive)
      await subscribed(1, transport)
      await publish(10)
      const order = await client.orders.next()
      seen.push(order.id)
      last = order.position
      await warren.kill()
      await expect(client.orders.next()).rejects.toThrow()
    }
    await publish(11)
    warren = await warren.again()
    await publish(12)
    await using hive = await startHiveGateway(started)
    using client = subscribe(hive, last)
    while (seen.length < 3) seen.push((await client.orders.next()).id)
    expect(seen).toEqual(['10', '11', '12'])
  })
})
