import { EventEmitter, once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createClient } from 'graphql-ws'
import { WebSocket, WebSocketServer } from 'ws'
import { listen as listenWithApollo } from '../../examples/resume/apollo.ts'
import { type ChannelEvent, listen as listenWithGraphqlWs } from '../../examples/resume/graphql-ws.ts'
import { listen as listenWithUrql } from '../../examples/resume/urql.ts'
import { endWhenSilent, type ResumeOptions, type ResumeState, resumable, resuming } from '../../src/client/resume.ts'
import { closeReasons } from '../../src/close-reasons.ts'
import { Distributor } from '../../src/distributor/distributor.ts'
import { eventually } from '../support/eventually.ts'
import { Inbox } from '../support/frames/inbox.ts'
import { type InProcessGateway, openGateway, openReachable } from '../support/gateway/gateway-in-process.ts'
import { testToken } from '../support/gateway/gateway-process.ts'
import { freePort } from '../support/network/ports.ts'
import { type TcpProxy, tcpProxy } from '../support/network/tcp-proxy.ts'
import { testVhost } from '../support/rabbitmq/broker.ts'
import { repetitions } from '../support/repetitions.ts'
import { checkpoint, FedClient, resultOf } from './fed-client.ts'
import { chaos, numbers, position, publish, ReceivedNumbers, socketUrl } from './numbered-messages.ts'

let gateway: InProcessGateway
let proxy: TcpProxy
beforeAll(async () => {
  gateway = await openGateway()
  proxy = await tcpProxy(Number(new URL(gateway.url).port))
})
afterAll(async () => {
  await proxy?.close()
  await gateway?.close()
})

/** Messages that each client receives while its connection is cut again and again. */
const many = repetitions(600, 2_000)

const query = `subscription Listen($clientId: ID!, $after: Cursor) {
  channel(clientId: $clientId, after: $after, checkpoints: true) { kind cursor data gap { reason oldest } }
}`

/** Shorter than the default. */
const retry = { retryFirstMs: 20 }

type ClientOptions = Partial<Parameters<typeof createClient>[0]>

function socketClient(clientId: string, options: ClientOptions = {}) {
  return createClient({
    url: socketUrl(proxy),
    webSocketImpl: WebSocket,
    connectionParams: async () => ({ Authorization: `Bearer ${await gateway.clientToken(clientId)}` }),
    retryAttempts: 0,
    ...options,
  })
}

/** Subscribes with `resumable`. With `after`, no later message is missed. */
function listen(
  clientId: string,
  {
    after,
    client: clientOptions,
    onEvent = () => undefined,
    ...options
  }: ResumeOptions & { after?: string; client?: ClientOptions; onEvent?: (event: ChannelEvent) => unknown } = {},
) {
  const client = socketClient(clientId, clientOptions)
  const received = new ReceivedNumbers()
  const states = new Inbox<ResumeState>('a state')
  const onState = (state: ResumeState) => states.push(state)
  const stop = resumable<ChannelEvent>(client, {
    query,
    variables: { clientId, after },
    onState,
    ...retry,
    ...options,
  }).subscribe({
    async next(event) {
      await onEvent(event)
      if (event.kind === 'MESSAGE') received.add(event.data)
    },
    error: received.fail,
  })
  return {
    client,
    received,
    states,
    async [Symbol.asyncDispose]() {
      stop()
      await client.dispose()
    },
  }
}

const connections = () => proxy.accepted

const publishAll = async (clientId: string, data: readonly unknown[]) => {
  for (const one of data) await publish(gateway, clientId, one)
}

describe('the example', () => {
  test.each([
    ['graphql-ws', listenWithGraphqlWs, 1],
    ['Apollo Client', listenWithApollo, 2],
    ['urql', listenWithUrql, 3],
  ])(
    `with %s receives each of ${many} messages once and in order, wherever its connection is cut`,
    async (name, listenWith, seed) => {
      const clientId = name.replace(' ', '-')
      const received = new ReceivedNumbers()
      const stop = listenWith({
        url: socketUrl(proxy),
        clientId,
        token: () => gateway.clientToken(clientId),
        after: await position(clientId, gateway.graphqlUrl),
        onEvent: ({ data }) => received.add(data),
        onError: received.fail,
      })
      const cut = () => proxy.cut()
      await chaos({
        seed,
        count: many,
        cuts: 10,
        received,
        publish: (n) => publish(gateway, clientId, n),
        cut,
        connections,
      })
      stop()
      expect(received.data).toEqual(numbers(many))
    },
  )
})

test('a client that alternates between two replicas on RabbitMQ receives each message once and in order', async () => {
  await using vhost = await testVhost('resume')
  const env = { WARREN_BROKER_URL: vhost.url }
  await using one = await openReachable(env)
  await using other = await openReachable(env)
  await using front = await tcpProxy(one.port)
  await using back = await tcpProxy(other.port)
  await using publisher = new Distributor(vhost.url)
  let connections = 0
  await using listening = listen('hopper', {
    after: await position('hopper', one.graphqlUrl),
    client: {
      url: () => socketUrl(connections++ % 2 === 0 ? front : back),
      connectionParams: async () => ({ token: await testToken({ sub: 'hopper' }) }),
    },
  })
  const cut = () => {
    front.cut()
    back.cut()
  }
  const { received } = listening
  await chaos({
    seed: 4,
    count: many,
    cuts: 12,
    received,
    publish: (n) => publisher.publish(n, 'client.hopper'),
    cut,
    connections: () => front.accepted + back.accepted,
  })
  expect(received.data).toEqual(numbers(many))
  expect(Math.min(front.accepted, back.accepted)).toBeGreaterThan(3)
})

describe('whatever the client library does by itself', () => {
  test.each<[string, ClientOptions]>([
    [
      'retries at once, and all errors',
      { retryAttempts: 100, shouldRetry: () => true, retryWait: async () => undefined },
    ],
    ['connects before the first subscription', { lazy: false, onNonLazyError: () => undefined }],
    ['keeps an idle connection for a while', { lazyCloseTimeout: 50 }],
  ])('each message is received once and in order: it %s', async (what, client) => {
    const clientId = what.replaceAll(' ', '-')
    await using listening = listen(clientId, { client, after: await position(clientId, gateway.graphqlUrl) })
    const { received } = listening
    const cut = () => proxy.cut()
    await chaos({
      seed: 5,
      count: many / 2,
      cuts: 10,
      received,
      publish: (n) => publish(gateway, clientId, n),
      cut,
      connections,
    })
    expect(received.data).toEqual(numbers(many / 2))
  })

  test('several subscriptions on one connection each resume at their own position', async () => {
    const client = resuming(socketClient('operator', { connectionParams: { token: gateway.operatorToken } }), retry)
    const all = await Promise.all(
      ['red', 'green', 'blue'].map(async (clientId) => {
        const received = new ReceivedNumbers()
        const stop = client.subscribe<{ channel: ChannelEvent }>(
          { query, variables: { clientId, after: await position(clientId, gateway.graphqlUrl) } },
          { next: ({ data }) => received.add(data?.channel.data), error: received.fail, complete: () => undefined },
        )
        return { clientId, received, stop }
      }),
    )
    await Promise.all(
      all.map(({ clientId, received }, index) =>
        chaos({
          seed: 6 + index,
          count: 500,
          cuts: 4,
          received,
          publish: (n) => publish(gateway, clientId, n),
          cut: () => proxy.cut(),
          connections: () => proxy.accepted,
        }),
      ),
    )
    for (const { received, stop } of all) {
      stop()
      expect(received.data).toEqual(numbers(500))
    }
    await client.dispose()
  })

  test('a connection with a silent peer is closed and opened again', async () => {
    await using listening = listen('half-open', {
      after: await position('half-open', gateway.graphqlUrl),
      client: { keepAlive: 100 },
    })
    const { client, received, states } = listening
    endWhenSilent(client, 100)
    await publish(gateway, 'half-open', 0)
    await received.until(1)
    proxy.pause()
    await publish(gateway, 'half-open', 1)
    await states.nextMatching(({ kind }) => kind === 'waiting')
    proxy.cut()
    proxy.resume()
    await publish(gateway, 'half-open', 2)
    await received.until(3)
    expect(received.data).toEqual([0, 1, 2])
  })
})

test('the start position is that of the first subscribe, even if the connection is lost before any event', async () => {
  const kept = new Inbox<string>('a cursor')
  await using listening = listen('early', { storage: { get: () => undefined, set: (cursor) => kept.push(cursor) } })
  const { received, states } = listening
  const checkpoint = await kept.next()
  proxy.cut()
  await publish(gateway, 'early', 'while it was away')
  await states.nextMatching((state) => state.kind === 'subscribing' && state.after === checkpoint)
  await received.until(1)
  expect(received.data).toEqual(['while it was away'])
})

test('is live once in each attempt: from its first result, before the result is passed on', async () => {
  const client = new FedClient()
  const calls: unknown[] = []
  const subscription = 'subscription Orders($after: Cursor) { orders(after: $after, checkpoints: true) { id } }'
  const stop = resumable<{ id: string }>(client, {
    query: subscription,
    retryFirstMs: 0,
    onState: ({ kind }) => calls.push(kind),
    onCheckpoint: ({ cursor }) => calls.push(cursor),
  }).subscribe({ next: ({ id }) => calls.push(id), error: (error) => calls.push(error) })
  client.feed(checkpoint('c1'))
  client.feed(resultOf({ id: 'order 1' }, 'c2'))
  await eventually('order 1', async () => calls.includes('order 1'))
  client.lose()
  await eventually('another attempt', async () => client.operations.length === 2)
  client.feed(resultOf({ id: 'order 2' }, 'c3'))
  client.feed(checkpoint('c4'))
  await eventually('c4', async () => calls.includes('c4'))
  const first = ['subscribing', 'live', 'c1', 'order 1', 'waiting']
  const second = ['subscribing', 'live', 'order 2', 'c4']
  expect(calls).toEqual([...first, ...second])
  stop()
})

describe('a consumer', () => {
  test('that iterates receives one event after another, and asking for the next acknowledges the last', async () => {
    let stored: string | undefined = await position('iterating', gateway.graphqlUrl)
    const storage = { get: () => stored, set: (cursor: string) => void (stored = cursor) }
    await publishAll('iterating', numbers(10))
    const takeUpTo = async (last: number) => {
      const client = socketClient('iterating')
      const taken: unknown[] = []
      const events = resumable<ChannelEvent>(client, { query, variables: { clientId: 'iterating' }, storage })
      for await (const { data } of events) {
        taken.push(data)
        if (data === last) break
      }
      await client.dispose()
      return taken
    }
    expect(await takeUpTo(4)).toEqual([0, 1, 2, 3, 4])
    // The page was closed while it handled 4.
    expect(await takeUpTo(9)).toEqual([4, 5, 6, 7, 8, 9])
  })

  test('that fails on an event receives it again in the next subscription', async () => {
    let stored: string | undefined = await position('failing', gateway.graphqlUrl)
    const storage = { get: () => stored, set: (cursor: string) => void (stored = cursor) }
    await publishAll('failing', numbers(5))
    const failure = new Error('the handler failed')
    await using first = listen('failing', {
      storage,
      onEvent({ data }) {
        if (data === 3) throw failure
      },
    })
    await expect(first.received.until(5)).rejects.toBe(failure)
    expect(first.received.data).toEqual([0, 1, 2])
    await using second = listen('failing', { storage })
    await second.received.until(2)
    expect(second.received.data).toEqual([3, 4])
  })

  test('that is slow closes its subscription and resumes it at the same position', async () => {
    let free: () => void = () => undefined
    const busy = new Promise<void>((resolve) => {
      free = resolve
    })
    const after = await position('slow', gateway.graphqlUrl)
    await using listening = listen('slow', { after, maxQueued: 20, onEvent: () => busy })
    const { received, states } = listening
    await publishAll('slow', numbers(200))
    await states.nextMatching(({ kind }) => kind === 'behind')
    free()
    await received.until(200)
    expect(received.data).toEqual(numbers(200))
  })

  test('receives `onGap` before the GAP event, and then the events after it', async () => {
    const calls: unknown[] = []
    const noticed = new Inbox<string>('the cursor of the notice')
    await using listening = listen('gapped', {
      storage: { get: () => 'not a cursor', set: (cursor) => noticed.push(cursor) },
      onGap: ({ gap }) => calls.push(gap),
      onEvent: ({ kind }) => calls.push(kind),
    })
    await noticed.next()
    await publish(gateway, 'gapped', 1)
    await listening.received.until(1)
    expect(calls).toEqual([{ reason: 'INVALID_CURSOR', oldest: expect.any(String) }, 'GAP', 'MESSAGE'])
  })
})

describe('a token', () => {
  test('that is refused at a reconnect is requested again', async () => {
    const tokens = [testToken({ sub: 'renewed' }), testToken({ sub: 'renewed' }, { ttl: '-1h' })]
    const attempts: number[] = []
    await using listening = listen('renewed', {
      after: await position('renewed', gateway.graphqlUrl),
      client: {
        connectionParams: async () => ({
          token: await (tokens[attempts.push(1) - 1] ?? testToken({ sub: 'renewed' })),
        }),
      },
    })
    const { received, states } = listening
    await publish(gateway, 'renewed', 1)
    await received.until(1)
    proxy.cut()
    await publish(gateway, 'renewed', 2)
    await states.nextMatching((state) => state.kind === 'waiting' && codeOf(state.cause) === 4403)
    await received.until(2)
    expect(received.data).toEqual([1, 2])
    expect(attempts).toHaveLength(3)
  })

  test('that is refused three times in a row ends it with an error', async () => {
    await using listening = listen('refused', { client: { connectionParams: { token: 'not a token' } } })
    const error = await listening.received.until(1).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ name: 'SubscriptionEnded', closeCode: 4403 })
  })

  test('without permission for the channel ends it with the code of the answer', async () => {
    await using listening = listen('somebody-else', {
      client: { connectionParams: async () => ({ token: await gateway.clientToken('me') }) },
    })
    const error = await listening.received.until(1).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ name: 'SubscriptionEnded', codes: ['FORBIDDEN'] })
  })
})

describe('a close', () => {
  test.each(Object.entries(closeReasons).filter(([name]) => name !== 'NORMAL'))(
    'with %s has the effect that the table of errors defines',
    async (_name, { graphqlWs: code, text, comeBack }) => {
      await using server = await closingServer(code, text)
      await using listening = listen('closed', { client: { url: server.url } })
      const { received, states } = listening
      if (comeBack) {
        expect(await states.nextMatching(({ kind }) => kind === 'waiting')).toMatchObject({ cause: { code } })
        await states.nextMatching(({ kind }) => kind === 'subscribing')
      } else {
        await expect(received.until(1)).rejects.toMatchObject({ name: 'SubscriptionEnded', closeCode: code })
      }
    },
  )
})

test('a client that is disposed of while the gateway closes its connection completes, and connects no more', async () => {
  await using server = await closingServer(closeReasons.RESTART.graphqlWs, closeReasons.RESTART.text)
  const client = createClient({ url: server.url, webSocketImpl: WebSocket, retryAttempts: 0 })
  const variables = { clientId: 'leaver', after: 'a-1' }
  const ended = new Promise<void>((complete, error) => {
    resumable(client, { query, variables, retryFirstMs: 0 }).subscribe({ next: () => undefined, error, complete })
  })
  await server.closing
  await client.dispose()
  await ended
  expect(server.connections).toBe(1)
})

test('a query that cannot resume is refused at once', async () => {
  const client = socketClient('wrong')
  expect(() => resumable(client, { query: 'subscription { channel(clientId: "a") { cursor } }' })).toThrow(/\$after/)
  const events = resumable(client, {
    query: 'subscription S($after: Cursor) { channel(clientId: "wrong", after: $after, checkpoints: true) { kind } }',
  })
  await expect(events[Symbol.asyncIterator]().next()).rejects.toThrow('expected a cursor in every event: select it')
  await client.dispose()
})

function codeOf(cause: unknown): unknown {
  return typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined
}

/**
 * A server that accepts every connection and closes it with this code at the first subscription.
 */
async function closingServer(code: number, reason: string) {
  const port = await freePort()
  const closes = new EventEmitter()
  const closing = once(closes, 'close')
  let connections = 0
  const server = new WebSocketServer({ port, host: '127.0.0.1', handleProtocols: () => 'graphql-transport-ws' })
  server.on('connection', (socket) => {
    connections += 1
    socket.on('message', (frame: Buffer) => {
      if (String(frame).includes('connection_init')) return socket.send('{"type":"connection_ack"}')
      socket.close(code, reason)
      closes.emit('close')
    })
  })
  return {
    url: `ws://127.0.0.1:${port}/graphql`,
    /** It has sent its first close frame, which the client has not read. */
    closing,
    get connections() {
      return connections
    },
    async [Symbol.asyncDispose]() {
      for (const client of server.clients) client.terminate()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
