import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { connectGraphql } from '../../support/frames/graphql-frames.ts'
import { listen, publish } from '../back-end/graphql-caller.ts'
import { openTwoReplicas, type TwoReplicas } from './two-replicas.ts'

let replicas: TwoReplicas
beforeAll(async () => {
  replicas = await openTwoReplicas('operator')
})
afterAll(async () => replicas[Symbol.asyncDispose]())

interface Account {
  readonly matched: number
  readonly delivered: number
  readonly filtered: number
  readonly dropped: number
  readonly pending: number
  readonly difference: number
}
const account = 'matched delivered filtered dropped pending difference'

describe('the replicas of a deployment', () => {
  test('each report their load, their lag and what they hold, and an observer may read it', async () => {
    const { a, b, observer } = replicas
    const { replicas: found } = await observer<{ replicas: Record<string, unknown>[] }>(`{
      replicas { name answered state version startedAt uptimeMs sessions subscriptions lagMs position
        load { cpu loopDelayMs } memory { rssBytes heapBytes } hotWindow { bytes firstOffset since spanMs }
        outbox { bytes bufferedBytes waitingSessions } }
    }`)
    expect(new Set(found.map(({ name }) => name))).toEqual(new Set([a.gateway.replica, b.gateway.replica]))
    for (const replica of found) {
      expect(replica).toMatchObject({
        answered: true,
        state: 'SERVING',
        version: expect.stringMatching(/^\d+\.\d+/),
        uptimeMs: expect.any(Number),
        position: expect.any(Number),
        memory: { rssBytes: expect.any(Number), heapBytes: expect.any(Number) },
        hotWindow: { bytes: expect.any(Number), firstOffset: expect.any(Number), since: expect.any(String) },
      })
    }
    // The measurement of the lag is a mark through RabbitMQ, so it may come with the next question.
    await eventually('the lag of both', async () => {
      const { replicas: again } = await observer<{ replicas: { lagMs: number | null }[] }>('{ replicas { lagMs } }')
      return again.every(({ lagMs }) => lagMs !== null && lagMs < 1_000)
    })
  })

  test('rates and accounts are of both, and what is matched is accounted for', async () => {
    const { a, b, onA, observerToken } = replicas
    await using client = await connectGraphql(a.graphqlSocketUrl, { connectionParams: { token: observerToken } })
    const stats = client.subscribe(`subscription { gatewayStats(every: 250) {
      spanMs receivedPerSecond deliveredPerSecond unanswered sessions
      bySource { source exchange receivedPerSecond } byTransport { transport deliveredPerSecond }
      byOutcome { outcome total } deliveryTimes { p99Ms } accounts { total { ${account} } byReplica { replica } }
      replicas { name }
    } }`)
    const first = (await stats.next()).data?.['gatewayStats']
    expect(first).toMatchObject({ spanMs: 0, receivedPerSecond: null, unanswered: [] })
    await using onTheOther = await listen(b.graphqlSocketUrl, await b.clientToken('rita'), { clientId: 'rita' })
    await eventually('the subscription', () => b.gateway.hub.countOf('rita') === 1)
    for (let n = 0; n < 20; n += 1) await onA(publish, { input: { clientId: 'rita', data: n } })
    await onTheOther.take(20)
    const moving = await stats.nextMatching(({ data }) => {
      const event = data?.['gatewayStats'] as { deliveredPerSecond: number | null } | undefined
      return (event?.deliveredPerSecond ?? 0) > 0
    })
    expect(moving.data?.['gatewayStats']).toMatchObject({
      receivedPerSecond: expect.any(Number),
      bySource: expect.arrayContaining([expect.objectContaining({ exchange: 'warren.events' })]),
      byTransport: expect.arrayContaining([expect.objectContaining({ transport: 'graphql-ws' })]),
      deliveryTimes: { p99Ms: expect.any(Number) },
    })
    const { accounts } = await onA<{ accounts: { total: Account; byReplica: unknown[]; unanswered: string[] } }>(
      `{ accounts { total { ${account} } byReplica { replica account { delivered } } unanswered } }`,
    )
    expect(accounts.byReplica).toHaveLength(2)
    expect(accounts.unanswered).toEqual([])
    const { matched, delivered, filtered, dropped, pending, difference } = accounts.total
    expect(delivered).toBeGreaterThanOrEqual(20)
    expect(matched).toBe(delivered + filtered + dropped + pending)
    expect(difference).toBe(0)
  })

  test('a subscription to the rates over server-sent events ends with its response', async () => {
    const { a, observerToken } = replicas
    const before = a.gateway.sessions.size
    const aborting = new AbortController()
    const response = await fetch(a.graphqlUrl, {
      method: 'POST',
      headers: {
        accept: 'text/event-stream',
        'content-type': 'application/json',
        authorization: `Bearer ${observerToken}`,
      },
      body: JSON.stringify({ query: 'subscription { gatewayStats { spanMs } }' }),
      signal: aborting.signal,
    })
    let text = ''
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    while (!text.includes('"spanMs"')) text += (await reader.read()).value ?? ''
    expect(a.gateway.sessions.size).toBe(before + 1)
    aborting.abort()
    await eventually('the end of its session', () => a.gateway.sessions.size === before)
  })
})
