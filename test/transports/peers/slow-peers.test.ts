import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import amqp, { type ConfirmChannel } from 'amqplib'
import { WebSocket } from 'ws'
import { type OverflowPolicy, overflowPolicies } from '../../../src/core/model/overflow-policy.ts'
import { eventually } from '../../support/eventually.ts'
import { textOf } from '../../support/frames/frames.ts'
import { openGateway } from '../../support/gateway/gateway-in-process.ts'
import { type GatewayProcess, startGateway, testToken } from '../../support/gateway/gateway-process.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'
import { repetitions } from '../../support/repetitions.ts'

const query = `subscription Slow($clientId: ID!, $after: Cursor, $overflow: OverflowPolicy) {
  channel(clientId: $clientId, after: $after, overflow: $overflow) { kind cursor data gap { reason dropped } }
}`

interface ReceivedEvent {
  readonly kind: string
  readonly cursor: string
  readonly data: { readonly n: number } | null
  readonly gap: { readonly reason: string; readonly dropped: number | null } | null
}

/** For each socket more than the buffers of the system hold for a client that does not read. */
const messages = 4_000
const padding = 'x'.repeat(4_000)
const healthyPeers = repetitions(3, 30)
/**
 * The memory for the queues of the four stalled clients, the hot window, and V8's uncollected
 * garbage.
 */
const growthBytes = 160 * 1024 * 1024

let vhost: TestVhost
let gateway: GatewayProcess
let connection: Awaited<ReturnType<typeof amqp.connect>>
let channel: ConfirmChannel
let token: string

beforeAll(async () => {
  vhost = await testVhost('slow-peers')
  gateway = await startGateway({
    env: {
      WARREN_BROKER_URL: vhost.url,
      WARREN_HOT_WINDOW: '1m,4MiB',
      WARREN_MAX_BUFFERED_BYTES: '256KiB',
      WARREN_KEEP_ALIVE: '2m',
    },
  })
  token = await testToken({ scope: 'channel:#' })
  connection = await amqp.connect(vhost.url)
  channel = await connection.createConfirmChannel()
})

afterAll(async () => {
  await connection?.close()
  await gateway?.[Symbol.asyncDispose]()
  await vhost?.close()
})

/** A subscription to one channel on its own socket, which can stop reading. */
class Peer {
  readonly socket: WebSocket
  readonly received: ReceivedEvent[] = []
  readonly closed: Promise<number>
  #onEvent: () => void = () => {}

  constructor(variables: { clientId: string; after?: string; overflow?: OverflowPolicy }) {
    this.socket = new WebSocket(gateway.graphqlSocketUrl, 'graphql-transport-ws', { perMessageDeflate: false })
    this.closed = once(this.socket, 'close').then(([code]) => code as number)
    this.socket.on('open', () => this.socket.send(JSON.stringify({ type: 'connection_init', payload: { token } })))
    this.socket.on('message', (data) => {
      const frame = JSON.parse(textOf(data)) as { type: string; payload?: { data: { channel: ReceivedEvent } } }
      if (frame.type === 'connection_ack') {
        this.socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables } }))
      } else if (frame.payload) {
        this.received.push(frame.payload.data.channel)
        this.#onEvent()
      }
    })
  }

  get numbers(): number[] {
    return this.received.flatMap(({ data }) => (data ? [data.n] : []))
  }

  /** Resolves when the message with this number was received. */
  async until(n: number): Promise<void> {
    const lost = this.closed.then((code) => {
      throw new Error(`closed with ${code} after ${this.received.length} events`)
    })
    lost.catch(() => {})
    while (this.received.at(-1)?.data?.n !== n) {
      await Promise.race([new Promise<void>((resolve) => (this.#onEvent = resolve)), lost])
    }
  }
}

async function publish(clientId: string, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n += 1) {
    const body = Buffer.from(JSON.stringify({ n, padding }))
    channel.publish('warren.events', `client.${clientId}`, body, { contentType: 'application/json' })
    if (n % 500 === 0) await channel.waitForConfirms()
  }
  await channel.waitForConfirms()
}

async function metric(pattern: RegExp, of = gateway): Promise<number> {
  return Number(pattern.exec(await of.metrics())?.[1])
}

function slowSessionsEnded(): Promise<number> {
  return metric(/^warren_sessions_ended_total\{transport="graphql-ws",reason="slow-consumer"\} (\d+)$/m)
}

function residentBytes(): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1]) * 1024
}

async function subscribed(count: number): Promise<void> {
  await eventually('all clients to be subscribed', async () =>
    (await gateway.metrics()).includes(`warren_subscriptions{transport="graphql-ws"} ${count}\n`),
  )
}

const upTo = (n: number) => Array.from({ length: n }, (_, index) => index + 1)

describe('peers that stop reading', () => {
  const healthy: Peer[] = []
  const stalled = new Map<OverflowPolicy, Peer>()
  let before: number

  beforeAll(async () => {
    healthy.push(...Array.from({ length: healthyPeers }, () => new Peer({ clientId: 'busy' })))
    for (const overflow of overflowPolicies) stalled.set(overflow, new Peer({ clientId: 'busy', overflow }))
    await subscribed(healthyPeers + overflowPolicies.length)
    before = residentBytes()
    const heldBack = [...stalled.values()].map(({ socket }) => socket.pause())
    expect(heldBack).toHaveLength(overflowPolicies.length)
    const published = publish('busy', 1, messages)
    await eventually('the gateway to end the session with END', async () => (await slowSessionsEnded()) === 1)
    // The gateway waits 30 s for the client to read the close frame, then it terminates the socket.
    stalled.get('END')?.socket.resume()
    await published
    await Promise.all(healthy.map((peer) => peer.until(messages)))
  })

  afterAll(() => {
    for (const { socket } of [...healthy, ...stalled.values()]) socket.terminate()
  })

  test('cost the others nothing: each receives everything, in order, once', () => {
    for (const peer of healthy) expect(peer.numbers).toEqual(upTo(messages))
  })

  test('cost the gateway no more memory than configured', () => {
    expect(residentBytes() - before).toBeLessThan(growthBytes)
  })

  test('catch up without loss when they read again', async () => {
    const peer = stalled.get('CATCH_UP') as Peer
    peer.socket.resume()
    await peer.until(messages)
    expect(peer.numbers).toEqual(upTo(messages))
  })

  test('are closed with 4290 if they requested it, and resume at their position', async () => {
    const peer = stalled.get('END') as Peer
    expect(await peer.closed).toBe(4290)
    const received = peer.numbers
    expect(received).toEqual(upTo(received.length))
    const again = new Peer({ clientId: 'busy', after: (peer.received.at(-1) as ReceivedEvent).cursor })
    await again.until(messages)
    expect([...received, ...again.numbers]).toEqual(upTo(messages))
    again.socket.terminate()
  })

  test.each([
    ['CONFLATE', 'conflated'],
    ['DROP_OLDEST', 'overflow'],
  ] as const)('learn with %s exactly how many messages they missed, and where', async (policy, reason) => {
    const peer = stalled.get(policy) as Peer
    peer.socket.resume()
    await peer.until(messages)
    let expected = 1
    let missed = 0
    for (const { kind, data, gap } of peer.received) {
      if (kind === 'GAP') {
        expect(gap).toEqual({ reason: 'OVERFLOW', dropped: expect.any(Number) })
        missed += gap?.dropped ?? 0
        expected += gap?.dropped ?? 0
      } else {
        expect(data?.n).toBe(expected)
        expected += 1
      }
    }
    expect(missed).toBeGreaterThan(0)
    expect(peer.numbers.length + missed).toBe(messages)
    expect(
      await metric(
        new RegExp(`^warren_events_dropped_total\\{transport="graphql-ws",reason="${reason}"\\} (\\d+)$`, 'm'),
      ),
    ).toBe(missed)
  })
})

test('an overflow policy that the operator does not allow is refused, and the error names it', async () => {
  await using strict = await openGateway({ WARREN_OVERFLOW: 'CATCH_UP,END' })
  const response = await fetch(strict.graphqlUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${token}`,
    },
    body: JSON.stringify({ query, variables: { clientId: 'busy', overflow: 'CONFLATE' } }),
  })
  expect(await response.text()).toMatch(/WARREN_OVERFLOW.*"code":"BAD_USER_INPUT","field":"overflow"/)
})

test('an SSE client that does not read is ended, and resumes at its last event', async () => {
  await using impatient = await startGateway({
    env: { WARREN_BROKER_URL: vhost.url, WARREN_HOT_WINDOW: '1m,4MiB', WARREN_KEEP_ALIVE: '1s' },
  })
  const listen = async (lastEventId?: string) => {
    const parameters = { query: 'subscription { channel(clientId: "stuck") { data } }', token }
    const headers = { accept: 'text/event-stream', ...(lastEventId ? { 'last-event-id': lastEventId } : {}) }
    const outgoing = request(`${impatient.graphqlUrl}?${new URLSearchParams(parameters)}`, { headers }).end()
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    const received = { text: '', response, closed: new Promise((resolve) => response.once('close', resolve)) }
    response.on('error', () => {})
    response.setEncoding('utf8').on('data', (piece: string) => {
      received.text += piece
    })
    return received
  }
  const numbersIn = (text: string) => [...text.matchAll(/"n":(\d+)/g)].map(([, n]) => Number(n))
  const stuck = await listen()
  await publish('stuck', 1, 1)
  await eventually('the first event', () => numbersIn(stuck.text).length === 1)
  stuck.response.pause()
  await publish('stuck', 2, messages)
  const ended = /^warren_sessions_ended_total\{transport="sse",reason="slow-consumer"\} (\d+)$/m
  await eventually('the stalled response to end', async () => (await metric(ended, impatient)) === 1)
  stuck.response.resume()
  await stuck.closed
  // The complete blocks, up to the last blank line.
  const whole = stuck.text.slice(0, stuck.text.lastIndexOf('\n\n'))
  const resumed = await listen([...whole.matchAll(/^id: (.*)$/gm)].at(-1)?.[1])
  await eventually('the rest', () => resumed.text.includes(`"n":${messages},`))
  expect([...numbersIn(whole), ...numbersIn(resumed.text)]).toEqual(upTo(messages))
  resumed.response.destroy()
})
