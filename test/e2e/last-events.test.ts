import { afterAll, beforeAll, expect, test } from '@jest/globals'
import amqp, { type ConfirmChannel } from 'amqplib'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { eventually } from '../support/eventually.ts'
import { Inbox } from '../support/frames/inbox.ts'
import { type InProcessGateway, openGateway } from '../support/gateway/gateway-in-process.ts'
import { type TestVhost, testVhost } from '../support/rabbitmq/broker.ts'

const query = `subscription ($clientId: ID!, $last: Int) {
  channel(clientId: $clientId, last: $last) { kind data }
}`

let vhost: TestVhost
let connection: Awaited<ReturnType<typeof amqp.connect>>
let backEnd: ConfirmChannel
const gateways: InProcessGateway[] = []

async function open(): Promise<InProcessGateway> {
  const gateway = await openGateway({ WARREN_BROKER_URL: vhost.url, WARREN_HOT_WINDOW: '5m,1MiB' })
  gateways.push(gateway)
  await eventually('the gateway to be up', () => gateway.gateway.up)
  return gateway
}

beforeAll(async () => {
  vhost = await testVhost('last-events')
  await open()
  connection = await amqp.connect(vhost.url)
  backEnd = await connection.createConfirmChannel()
})
afterAll(async () => {
  await connection?.close()
  await Promise.all(gateways.map((gateway) => gateway.close()))
  await vhost?.close()
})

function publish(clientId: string, data: unknown): void {
  const options = { contentType: 'application/json' }
  backEnd.publish('warren.events', `client.${clientId}`, Buffer.from(JSON.stringify(data)), options)
}

function listen(gateway: InProcessGateway, clientId: string, last: number) {
  const token = gateway.clientToken(clientId)
  const client = createClient({
    url: gateway.graphqlSocketUrl,
    webSocketImpl: WebSocket,
    connectionParams: async () => ({ token: await token }),
    retryAttempts: 0,
  })
  const events = new Inbox<unknown>(`events of ${clientId}`)
  client.subscribe<{ channel: { kind: string; data: unknown } }>(
    { query, variables: { clientId, last } },
    {
      next: ({ data }) => events.push(data?.channel.kind === 'MESSAGE' ? data.channel.data : data?.channel.kind),
      error: (error) => events.end(new Error(JSON.stringify(error))),
      complete: () => {},
    },
  )
  return { events, close: () => client.dispose() }
}

async function take({ events }: { events: Inbox<unknown> }, count: number): Promise<unknown[]> {
  const taken: unknown[] = []
  while (taken.length < count) taken.push(await events.next())
  return taken
}

test('last reaches behind the hot window, on the replica that was there and on one that started later', async () => {
  for (const n of [1, 2, 3]) publish('far', n)
  const padding = 'x'.repeat(1_000)
  for (let n = 0; n < 6_000; n += 1) publish('others', padding)
  for (const n of [4, 5]) publish('far', n)
  publish('recent', 1)
  await backEnd.waitForConfirms()
  const [first] = gateways as [InProcessGateway]
  for (const gateway of [first, await open()]) {
    const listeners = [listen(gateway, 'far', 4), listen(gateway, 'far', 100), listen(gateway, 'recent', 1)] as const
    expect(await take(listeners[0], 4)).toEqual([2, 3, 4, 5])
    // There never were more, so there is no gap.
    expect(await take(listeners[1], 5)).toEqual([1, 2, 3, 4, 5])
    expect(await take(listeners[2], 1)).toEqual([1])
    for (const { close } of listeners) await close()
  }
})

test('nothing is missing or doubled between the last events and the live ones, while messages come', async () => {
  let published = 0
  const over = new AbortController()
  const publishing = (async () => {
    while (!over.signal.aborted) {
      for (let n = 0; n < 5; n += 1) {
        published += 1
        publish('busy', published)
      }
      await backEnd.waitForConfirms()
      await new Promise((resolve) => setImmediate(resolve))
    }
  })()
  try {
    await eventually('messages', () => published > 100)
    for (const gateway of gateways) {
      const listeners = [1, 2, 10, 50].map((last) => [last, listen(gateway, 'busy', last)] as const)
      for (const [last, listener] of listeners) {
        const numbers = (await take(listener, last + 40)) as number[]
        expect(numbers).toEqual(Array.from(numbers, (_, index) => (numbers[0] ?? 0) + index))
        await listener.close()
      }
    }
  } finally {
    over.abort()
    await publishing
  }
})
