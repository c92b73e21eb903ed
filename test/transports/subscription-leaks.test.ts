import { unsubscribe as ignore, subscribe as observe } from 'node:diagnostics_channel'
import type { EventEmitter } from 'node:events'
import { connect as connectSocket, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from '@jest/globals'
import { eventually } from '../support/eventually.ts'
import { connectGraphql, type GraphqlClient } from '../support/frames/graphql-frames.ts'
import { type InProcessGateway, openGateway } from '../support/gateway/gateway-in-process.ts'
import { watchHub } from '../support/gateway/hub-watch.ts'
import { rabbit, testVhost } from '../support/rabbitmq/broker.ts'
import { repetitions } from '../support/repetitions.ts'

/** About 120 µs of CPU each, both sides together. */
const overWebSocket = repetitions(15_000, 100_000)
const overSse = repetitions(450, 2_000)
const overRabbit = repetitions(250, 2_000)
const sockets = 4
/** Subscribed and completed in one batch without an await, on one socket. */
const batch = 250
/**
 * The most that may be left in the heap, in bytes: in a long run, far below one small object for
 * each subscription.
 */
const heapSlack = 4 * 1024 * 1024

const listen =
  'subscription Listen($clientId: ID!, $after: Cursor) { channel(clientId: $clientId, after: $after) { data } }'
const manyOperations = { WARREN_MAX_SUBSCRIBE_RATE: '1000000', WARREN_MAX_SUBSCRIPTIONS: '10000' }

const connect = ({ graphqlSocketUrl, operatorToken }: InProcessGateway) =>
  connectGraphql(graphqlSocketUrl, { connectionParams: { token: operatorToken } })

/** Resolves when the gateway has read everything sent before on this socket. */
async function read(client: GraphqlClient): Promise<void> {
  client.frames.send({ type: 'ping' })
  await client.frames.nextMatching((frame) => frame.includes('"pong"'), 60_000)
}

/**
 * Opens `count` subscriptions and closes each right after its request. Every other one resumes, so
 * that it begins in the catch-up.
 */
async function openAndClose(client: GraphqlClient, count: number, after: string): Promise<void> {
  for (let done = 0; done < count; done += batch) {
    for (let number = 0; number < batch; number += 1) {
      const variables = { clientId: `client-${number}`, after: number % 2 === 0 ? after : null }
      client.frames.send({ id: `${number}`, type: 'subscribe', payload: { query: listen, variables } })
      client.frames.send({ id: `${number}`, type: 'complete' })
    }
    await read(client)
  }
}

async function cursorOfNow(gateway: InProcessGateway): Promise<string> {
  const query = '{ history(clientId: "unused") { cursor } }'
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${gateway.operatorToken}` }
  const response = await fetch(gateway.graphqlUrl, { method: 'POST', headers, body: JSON.stringify({ query }) })
  return ((await response.json()) as { data: { history: { cursor: string } } }).data.history.cursor
}

/** Expects no subscriber and no catch-up, and only the sessions of open sockets. */
async function expectNothingLeft({ gateway }: InProcessGateway, openSockets: number): Promise<void> {
  const left = () => ({
    subscribers: gateway.hub.size,
    catchingUp: gateway.catchingUp,
    sessions: gateway.sessions.size,
  })
  const wanted = { subscribers: 0, catchingUp: 0, sessions: openSockets }
  // The session of an aborted response ends when the event loop has seen the abort. No event
  // reports that.
  await eventually('everything to be released', () => JSON.stringify(left()) === JSON.stringify(wanted)).catch(() => {})
  expect(left()).toEqual(wanted)
  for (const session of gateway.sessions) expect(session.subscriptions).toBe(0)
}

describe('subscribed and closed at once', () => {
  test(`${overWebSocket} times over WebSocket: no subscriber, session, listener or memory is left`, async () => {
    using accepted = acceptedSockets()
    await using gateway = await openGateway(manyOperations)
    const clients = await Promise.all(Array.from({ length: sockets }, () => connect(gateway)))
    const cursor = await cursorOfNow(gateway)
    const everyone = async (total: number) => {
      await Promise.all(clients.map((client) => openAndClose(client, total / sockets, cursor)))
      await expectNothingLeft(gateway, sockets)
      collectGarbage()
      return { heap: process.memoryUsage().heapUsed, listeners: accepted.listeners() }
    }
    const before = await everyone(overWebSocket / 10)
    const after = await everyone(overWebSocket - overWebSocket / 10)
    expect(before.listeners).toHaveLength(sockets)
    expect(after.listeners).toEqual(before.listeners)
    expect(after.heap - before.heap).toBeLessThan(heapSlack)
    await Promise.all(clients.map((client) => client.frames.close()))
    await expectNothingLeft(gateway, 0)
  })

  test(`${overSse} times over server-sent events, at every stage of the response: nothing is left`, async () => {
    await using gateway = await openGateway(manyOperations)
    const request = requestText(gateway)
    const endings: ((socket: Socket) => void)[] = [
      (socket) => socket.destroy(),
      ...[0, 1, 2, 4, 8].map((ms) => (socket: Socket) => void setTimeout(() => socket.destroy(), ms)),
      (socket) => void socket.once('data', () => socket.destroy()),
      (socket) => void socket.once('data', () => socket.end()),
      (socket) => void socket.once('data', () => socket.resetAndDestroy()),
    ]
    const openAndClose = (end: (socket: Socket) => void) =>
      new Promise<void>((resolve) => {
        const socket = connectSocket(Number(new URL(gateway.url).port), '127.0.0.1')
        socket.on('error', () => {}).once('close', () => resolve())
        socket.write(request, () => end(socket))
        socket.resume()
      })
    const everyone = async (total: number) => {
      for (let done = 0; done < total; done += endings.length) await Promise.all(endings.map(openAndClose))
      await expectNothingLeft(gateway, 0)
      collectGarbage()
      return process.memoryUsage().heapUsed
    }
    const before = await everyone(overSse / 5)
    expect((await everyone(overSse - overSse / 5)) - before).toBeLessThan(heapSlack)
  })

  test(`${overRabbit} times on RabbitMQ: it has the same connections, channels, queues, bindings and consumers as before`, async () => {
    await using vhost = await testVhost('leave-nothing')
    await using gateway = await openGateway({ ...manyOperations, WARREN_BROKER_URL: vhost.url })
    await eventually('the journal to be up', () => gateway.gateway.up)
    await using client = await connect(gateway)
    const cursor = await cursorOfNow(gateway)
    await openAndClose(client, batch, cursor)
    const before = await atRest(vhost.name)
    await openAndClose(client, overRabbit - batch, cursor)
    const hub = watchHub(gateway.gateway.hub)
    for (let number = 0; number < 200; number += 1) client.subscribe(listen, { clientId: `idle-${number}` })
    await hub.until(200)
    expect(await atRest(vhost.name)).toEqual(before)
    for (let number = 1; number <= 200; number += 1) client.frames.send({ id: `op-${number}`, type: 'complete' })
    await hub.until(0)
    const isAsBefore = async () => (await whatRabbitHas(vhost.name)).join('\n') === before.join('\n')
    await eventually('RabbitMQ to have the same as before', isAsBefore).catch(() => {})
    expect(await whatRabbitHas(vhost.name)).toEqual(before)
    await expectNothingLeft(gateway, 1)
  })
})

describe('an idle subscription is gone as soon as it is closed', () => {
  test('over WebSocket: by complete, by a close, and by a reset', async () => {
    await using gateway = await openGateway()
    const hub = watchHub(gateway.gateway.hub)
    const endings: ((client: GraphqlClient, id: string) => void)[] = [
      ({ frames }, id) => frames.send({ id, type: 'complete' }),
      ({ frames }) => frames.socket.close(),
      ({ frames }) => frames.socket.terminate(),
    ]
    for (const end of endings) {
      await using client = await connect(gateway)
      const { id } = client.subscribe(listen, { clientId: 'alice' })
      await hub.until(1)
      end(client, id)
      await hub.until(0)
    }
    await expectNothingLeft(gateway, 0)
  })

  test('over server-sent events: by an abort', async () => {
    await using gateway = await openGateway()
    const hub = watchHub(gateway.gateway.hub)
    const url = new URL(gateway.graphqlUrl)
    url.searchParams.set('query', listen)
    url.searchParams.set('variables', '{"clientId":"alice"}')
    const abort = new AbortController()
    const headers = { accept: 'text/event-stream', authorization: `Bearer ${gateway.operatorToken}` }
    const response = await fetch(url, { headers, signal: abort.signal })
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    await hub.until(1)
    abort.abort()
    await hub.until(0)
    await expectNothingLeft(gateway, 0)
  })
})

function requestText({ operatorToken }: InProcessGateway): string {
  const body = JSON.stringify({ query: listen, variables: { clientId: 'alice' } })
  return [
    'POST /graphql HTTP/1.1',
    'host: 127.0.0.1',
    'content-type: application/json',
    'accept: text/event-stream',
    `authorization: Bearer ${operatorToken}`,
    `content-length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
}

/**
 * Counts the sockets that servers of this process accept from here on, and the listeners of those
 * that are WebSockets.
 */
function acceptedSockets() {
  const open = new Set<Socket>()
  const note = (message: unknown) => {
    const { socket } = message as { socket: Socket }
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  }
  observe('net.server.socket', note)
  const count = (emitter: EventEmitter) =>
    emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0)
  return {
    listeners: () =>
      [...open].flatMap((socket) => {
        const carries = Object.getOwnPropertySymbols(socket).some(({ description }) => description === 'websocket')
        // The kept-alive connections of fetch open and close at any time.
        return carries ? [count(socket)] : []
      }),
    [Symbol.dispose]: () => void ignore('net.server.socket', note),
  }
}

/** Node.js' garbage collector, without a flag on the command line. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
}

/**
 * The listing of RabbitMQ when three in a row are the same. A journal reader that was just closed
 * is still listed for a moment, and the gateway opens its last channels two seconds after its
 * start.
 */
async function atRest(vhost: string): ReturnType<typeof whatRabbitHas> {
  const listings: string[][] = []
  const same = async () => {
    listings.unshift(await whatRabbitHas(vhost))
    const [last, ...before] = listings.slice(0, 3).map((listing) => listing.join('\n'))
    return before.length === 2 && before.every((listing) => listing === last)
  }
  await eventually('an unchanged listing of RabbitMQ', same, { everyMs: 1_250 })
  return listings[0] ?? []
}

/**
 * Connections, channels with their consumers, queues and bindings, from RabbitMQ's own tables. The
 * consumers of a queue are left out, because their table is cleaned only now and then. A channel of
 * another test may end while it is asked.
 */
async function whatRabbitHas(vhost: string): Promise<string[]> {
  const text = await rabbit.ctl(
    'eval',
    `V = <<"${vhost}">>,
     Here = fun(Infos) -> [I || I <- Infos, proplists:get_value(vhost, I) =:= V] end,
     Channels = [I || C <- rabbit_channel:list(), I <- [catch rabbit_channel:info(C, [vhost, name, consumer_count])], is_list(I)],
     [io:format("~w~n", [T]) || T <- lists:sort(Here(rabbit_networking:connection_info_all([vhost, name])) ++ Here(Channels)
       ++ [rabbit_amqqueue:info(Q, [name]) || Q <- rabbit_amqqueue:list(V)] ++ rabbit_binding:list(V))], done.`,
  )
  const lines = text.split('\n').filter((line) => line.startsWith('[') || line.startsWith('{'))
  if (!lines.some((line) => line.startsWith('{binding'))) throw new Error(`no listing of RabbitMQ: ${text}`)
  return lines
}
