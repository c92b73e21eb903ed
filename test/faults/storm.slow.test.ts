import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import amqp from 'amqplib'
import { WebSocket } from 'ws'
import { eventually } from '../support/eventually.ts'
import { textOf } from '../support/frames/frames.ts'
import { connectGraphql } from '../support/frames/graphql-frames.ts'
import { type GatewayProcess, startGateway, testToken } from '../support/gateway/gateway-process.ts'
import { privateRabbit, type RabbitNode } from '../support/rabbitmq/broker.ts'

const clients = 1_000
const behind = 100
/**
 * The promise on two quiet cores, in milliseconds; this test's clients and other tests share them.
 */
const promisedMs = 5_000
const inHand = 8
/**
 * The most stream reads for one storm: a few at a time, and later clients wait for the next read.
 */
const maxReads = 25

let rabbit: RabbitNode
let fromWindow: GatewayProcess
let fromStream: GatewayProcess
let token: string
let cursor: string
const measured: string[] = []

beforeAll(async () => {
  rabbit = await privateRabbit('storm')
  const env = { WARREN_BROKER_URL: rabbit.url() }
  fromWindow = await startGateway({ env })
  fromStream = await startGateway({ env: { ...env, WARREN_HOT_WINDOW: '1s,64KiB' } })
  token = await testToken({ sub: 'everybody', scope: 'channel:#' })
  cursor = await positionOfNow()
  await publishBacklog()
})

afterAll(async () => {
  await fromWindow?.[Symbol.asyncDispose]()
  await fromStream?.[Symbol.asyncDispose]()
  await rabbit?.remove()
  if (process.env['SHOW_MEASURED'] !== undefined) console.log(measured.join('\n'))
})

/** A cursor is a position in the journal, not in a channel, so all clients can use the same one. */
async function positionOfNow(): Promise<string> {
  await using client = await connectGraphql(fromWindow.graphqlSocketUrl, { connectionParams: { token } })
  const input = { clientId: 'somebody', name: 'Somebody', email: 'somebody@example.com', password: 'a password' }
  const query = `mutation ($input: CreateClientChannelInput!) { createClientChannel(input: $input) { channel { cursor } } }`
  const { data } = await client.request(query, { input })
  return (data as { createClientChannel: { channel: { cursor: string } } }).createClientChannel.channel.cursor
}

async function publishBacklog(): Promise<void> {
  const connection = await amqp.connect(rabbit.url())
  const channel = await connection.createConfirmChannel()
  for (let number = 1; number <= behind; number += 1) {
    for (let client = 0; client < clients; client += 1) {
      channel.publish('warren.events', `client.c${client}`, Buffer.from(String(number)), { mandatory: true })
    }
    await channel.waitForConfirms()
  }
  await connection.close()
  const all = clients * behind
  for (const gateway of [fromWindow, fromStream]) {
    const received = async () =>
      Number(/^warren_messages_received_total\{.*\} (\d+)/m.exec(await gateway.metrics())?.[1])
    await eventually(`the tail to have ${all} messages`, async () => (await received()) >= all)
  }
}

interface Listing {
  readonly connections: number
  readonly channels: number
  readonly queues: number
  readonly bindings: number
  readonly consumers: number
  readonly channelsOpened: number
  readonly queuesDeclared: number
}

/**
 * From RabbitMQ's own tables. Consumers are counted by channel, because the metrics table is
 * cleaned only now and then.
 */
async function listing(): Promise<Listing> {
  const text = await rabbit.ctl(
    'eval',
    `[{_, _, _, Opened, _, Declared, _, _}] = ets:lookup(connection_churn_metrics, node()),
     [length(rabbit_networking:local_connections()), length(rabbit_channel:list()), length(rabbit_amqqueue:list()),
      length(rabbit_binding:list(<<"/">>)), lists:sum([Count || C <- rabbit_channel:list(), {_, Count} <- case catch rabbit_channel:info(C, [consumer_count]) of {'EXIT', _} -> []; I -> I end]), Opened, Declared].`,
  )
  const [connections, channels, queues, bindings, consumers, channelsOpened, queuesDeclared] = JSON.parse(
    text,
  ) as number[]
  return { connections, channels, queues, bindings, consumers, channelsOpened, queuesDeclared } as Listing
}

/**
 * The listing before a storm. A connection that was silent for 2 s opens a channel for its probe
 * (liveness.ts), so the first listing may be too early.
 */
async function listingOfIdle(): Promise<Listing> {
  let last: Listing | undefined
  const unchanged = async () => {
    const before = last
    last = await listing()
    return JSON.stringify(last) === JSON.stringify(before) && last
  }
  return eventually('a listing that stays the same for 3 s', unchanged, { everyMs: 3_000 })
}

/** Closing a scan's reader is not awaited, so wait until only the tails read the stream. */
async function listingAtRest({ consumers, channels }: Listing): Promise<Listing> {
  let last: Listing | undefined
  const atRest = async () => {
    last = await listing()
    return last.consumers === consumers && last.channels === channels
  }
  await eventually('the consumers of the storm to be gone', atRest, { everyMs: 250 }).catch(() => {})
  return last ?? listing()
}

const query =
  'subscription ($clientId: ID!, $after: Cursor) { channel(clientId: $clientId, after: $after) { kind data } }'

/** Resolves when the client has received all it missed, in order; rejects at anything else. */
function catchUp(gateway: GatewayProcess, client: number): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(gateway.graphqlSocketUrl, 'graphql-transport-ws')
    let expected = 1
    socket.on('error', reject)
    socket.on('close', (code) => reject(new Error(`closed with ${code}`)))
    socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: { token } })))
    socket.on('message', (data) => {
      const frame = JSON.parse(textOf(data)) as { type: string; payload?: { data?: { channel: { data: number } } } }
      if (frame.type === 'connection_ack') {
        const variables = { clientId: `c${client}`, after: cursor }
        socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables } }))
      } else if (frame.type === 'next') {
        if (frame.payload?.data?.channel.data !== expected)
          reject(new Error(`instead of ${expected} came ${textOf(data)}`))
        expected += 1
        if (expected > behind) resolve(socket)
      }
    })
  })
}

async function storm(gateway: GatewayProcess): Promise<{ before: Listing; after: Listing }> {
  // Presence opens its channel for the first client.
  const first = await catchUp(gateway, 0)
  first.terminate()
  const before = await listingOfIdle()
  const began = Date.now()
  const sockets = await Promise.all(Array.from({ length: clients }, (_, client) => catchUp(gateway, client)))
  const took = Date.now() - began
  const after = await listingAtRest(before)
  for (const socket of sockets) socket.terminate()
  expect(took).toBeLessThan(promisedMs * inHand)
  measured.push(
    `${expect.getState().currentTestName}: ${took} ms, ${after.channelsOpened - before.channelsOpened} channels opened`,
  )
  return { before, after }
}

test('a thousand clients reconnect at once, and the window serves them without a request to the broker', async () => {
  const { before, after } = await storm(fromWindow)
  expect(after).toEqual(before)
})

test('a thousand clients reconnect at once, and a handful of stream reads serves them', async () => {
  const { before, after } = await storm(fromStream)
  const reads = after.channelsOpened - before.channelsOpened
  expect(reads).toBeGreaterThan(0)
  expect(reads).toBeLessThanOrEqual(maxReads)
  // The connection for replays is opened for the first one, and stays open.
  expect(after.connections - before.connections).toBeLessThanOrEqual(1)
  expect(after).toMatchObject({
    queues: before.queues,
    bindings: before.bindings,
    queuesDeclared: before.queuesDeclared,
    channels: before.channels,
    consumers: before.consumers,
  })
})

test('RabbitMQ lists the same for ten clients and for ten thousand', async () => {
  const subscriptions = async () =>
    Number(/^warren_subscriptions\{transport="graphql-ws"\} (\d+)/m.exec(await fromWindow.metrics())?.[1])
  const subscribed = (count: number) =>
    eventually(`${count} subscriptions`, async () => (await subscriptions()) === count)
  const open = async (count: number) => {
    const opened: WebSocket[] = []
    // As many at once as the system queues for accept.
    while (opened.length < count) {
      const atOnce = Math.min(250, count - opened.length)
      opened.push(...(await Promise.all(Array.from({ length: atOnce }, (_, one) => listen(opened.length + one)))))
    }
    await subscribed(count)
    return opened
  }
  await subscribed(0)
  const few = await open(10)
  const ten = await listing()
  for (const socket of few) socket.terminate()
  await subscribed(0)
  const many = await open(10_000)
  expect(await listing()).toEqual(ten)
  for (const socket of many) socket.terminate()
})

async function listen(client: number): Promise<WebSocket> {
  const socket = new WebSocket(fromWindow.graphqlSocketUrl, 'graphql-transport-ws', { perMessageDeflate: false })
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'connection_init', payload: { token } }))
  await once(socket, 'message')
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables: { clientId: `t${client}` } } }))
  return socket
}
