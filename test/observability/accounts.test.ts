import { describe, expect, test } from '@jest/globals'
import { eventually } from '../support/eventually.ts'
import { connectFrames } from '../support/frames/frames.ts'
import { connectGraphql } from '../support/frames/graphql-frames.ts'
import { type GatewayProcess, startGateway, testToken } from '../support/gateway/gateway-process.ts'

const channel =
  'subscription ($clientId: ID!, $after: Cursor) { channel(clientId: $clientId, after: $after) { cursor data } }'
const padding = 'x'.repeat(20_000)
const atOnce = 20

describe('the accounts of a gateway add up', () => {
  test('while clients are slow, cut off, reconnect and are drained: every matched event is delivered, dropped or pending', async () => {
    await using gateway = await startGateway({
      env: { WARREN_DRAIN: '500ms', WARREN_MAX_BUFFERED_BYTES: '256KiB', WARREN_LOG_FORMAT: 'json' },
    })
    const back = await publisher(gateway)
    const token = await testToken({ scope: 'channel:#' })
    const connect = () => connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token } })
    const read = await connect()
    const reader = read.subscribe(channel, { clientId: 'alice' })
    const events = await readEvents(gateway, token)
    // It subscribes, and then stops reading.
    const slow = await connectFrames(gateway.graphqlSocketUrl, { protocol: 'graphql-transport-ws' })
    slow.send({ type: 'connection_init', payload: { token } })
    await slow.next()
    slow.send({ id: '1', type: 'subscribe', payload: { query: channel, variables: { clientId: 'alice' } } })
    await eventually('three subscribers', async () => (await accounts(gateway)).subscriptions === 3)
    slow.socket.pause()

    await back.publish('alice', 400, padding)
    await back.publish('unsubscribed', 7)
    for (let number = 1; number <= 400; number += 1) await reader.next()
    await eventually('all events over SSE', () => events.count() === 400)
    const behind = await eventually('a slow client that is behind', async () => {
      const now = await accounts(gateway)
      return now.behind > 0 && now.pending > 0 ? now : undefined
    })
    expectBalance(behind)
    expect(behind.received).toBe(407)
    expect(behind.outcomes).toMatchObject({ delivered: 400, no_subscriber: 7 })

    // It is cut off with events in its queue. They count as dropped, because it may resume with its
    // cursor.
    slow.socket.terminate()
    const cut = await eventually('no pending event', async () => {
      const now = await accounts(gateway)
      return now.pending === 0 && now.connections === 2 ? now : undefined
    })
    expectBalance(cut)
    expect(cut.dropped).toBe(behind.pending + (cut.matched - behind.matched) - (cut.delivered - behind.delivered))

    // It resumes after its first event, so the others are matched and delivered a second time.
    const first = await replayed(await connect())
    const again = await connect()
    const resumed = again.subscribe(channel, { clientId: 'alice', after: first })
    for (let number = 2; number <= 400; number += 1) await resumed.next()
    const after = await accounts(gateway)
    expectBalance(after)
    expect(after.delivered - cut.delivered).toBe(399)
    expect(after.pending).toBe(0)

    // Publish until the end, so that the accounts include events in flight while sessions drain.
    const publishing = back.publish('alice', 50)
    await eventually('the first of them', async () => (await accounts(gateway)).received > after.received)
    process.kill(gateway.pid, 'SIGTERM')
    await publishing.catch(() => undefined)
    expect(await gateway.exited).toEqual({ code: 0, signal: null })
    const line = gateway
      .output()
      .split('\n')
      .find((text) => text.includes('"msg":"closed"'))
    const end = JSON.parse(line ?? '{}') as Record<string, number>
    expect(end).toMatchObject({ pending: 0, sessions: after.started, ended: after.started })
    expect(end['matched']).toBe((end['delivered'] ?? 0) + (end['dropped'] ?? 0))
    expect(end['delivered']).toBeGreaterThanOrEqual(after.delivered)

    /** The cursor of the first event, from a client that then closes properly. */
    async function replayed(client: Awaited<ReturnType<typeof connect>>): Promise<string> {
      const { data } = await client.request('query { history(clientId: "alice", first: 1) { cursor } }')
      const { cursor } = (data ?? {})['history'] as { cursor: string }
      await client.frames.close()
      await eventually('the client to be gone', async () => (await accounts(gateway)).connections === 2)
      return cursor
    }
  })
})

function expectBalance(now: Accounts): void {
  expect(now.matched).toBe(now.delivered + now.dropped + now.pending)
  expect(now.received).toBe(Object.values(now.outcomes).reduce((sum, count) => sum + count, 0))
  expect(now.started).toBe(now.ended + now.connections)
}

interface Accounts {
  readonly matched: number
  readonly delivered: number
  readonly dropped: number
  readonly pending: number
  readonly behind: number
  readonly received: number
  readonly outcomes: Readonly<Record<string, number>>
  readonly started: number
  readonly ended: number
  readonly connections: number
  readonly subscriptions: number
}

async function accounts(gateway: GatewayProcess): Promise<Accounts> {
  const text = await gateway.metrics()
  const series = (name: string) =>
    [...text.matchAll(new RegExp(`^${name}(?:\\{(.*)\\})? (\\d+)$`, 'gm'))].map(([, labels = '', value]) => ({
      labels,
      value: Number(value),
    }))
  const sum = (name: string) => series(name).reduce((total, { value }) => total + value, 0)
  return {
    matched: sum('warren_events_matched_total'),
    delivered: sum('warren_deliveries_total'),
    dropped: sum('warren_events_dropped_total'),
    pending: sum('warren_events_pending'),
    behind: sum('warren_subscriptions_behind_total'),
    received: sum('warren_messages_received_total'),
    outcomes: Object.fromEntries(
      series('warren_message_outcomes_total').map(({ labels, value }) => [/outcome="(.*)"/.exec(labels)?.[1], value]),
    ),
    started: sum('warren_sessions_started_total'),
    ended: sum('warren_sessions_ended_total'),
    connections: sum('warren_connections'),
    subscriptions: sum('warren_subscriptions'),
  }
}

async function readEvents(gateway: GatewayProcess, token: string): Promise<{ count: () => number }> {
  const url = new URL(gateway.graphqlUrl)
  url.search = new URLSearchParams({ query: 'subscription { channel(clientId: "alice") { data } }' }).toString()
  const response = await fetch(url, { headers: { accept: 'text/event-stream', authorization: `Bearer ${token}` } })
  let count = 0
  void (async () => {
    let text = ''
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      count += blocks.filter((block) => block.includes('event: next')).length
    }
  })().catch(() => undefined)
  return { count: () => count }
}

async function publisher(gateway: GatewayProcess) {
  const authorization = `Bearer ${await testToken({ scope: 'publish' })}`
  const query = 'mutation ($input: PublishInput!) { publish(input: $input) { messageId } }'
  return {
    async publish(clientId: string, count: number, data: string = ''): Promise<void> {
      const publishOne = async (): Promise<void> => {
        const response = await fetch(gateway.graphqlUrl, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization },
          body: JSON.stringify({ query, variables: { input: { clientId, data } } }),
        })
        if (!response.ok) throw new Error(`publishing was answered with ${response.status}`)
        await response.arrayBuffer()
      }
      for (let left = count; left > 0; left -= atOnce) {
        await Promise.all(Array.from({ length: Math.min(left, atOnce) }, publishOne))
      }
    },
  }
}
