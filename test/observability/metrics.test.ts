import perfHooks from 'node:perf_hooks'
import { describe, expect, jest, test } from '@jest/globals'
import type { WindowEntry } from '../../src/core/ports/hot-window.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { observerOf } from '../../src/observability/observer-of.ts'
import { eventually } from '../support/eventually.ts'

const silent = createLogger({ level: 'error', format: 'json', sink: { write: () => undefined } })

let offset = 0
const messageOf = (receivedAt: number): WindowEntry => ({
  offset: offset++,
  mark: false,
  exchange: 'warren.events',
  routingKey: 'client.a',
  body: Buffer.alloc(0),
  properties: {},
  redelivered: false,
  receivedAt,
})

describe('metrics', () => {
  test('have the names and labels of the contract from the start', async () => {
    const text = await createMetrics().print()
    for (const series of [
      'warren_connections{transport="graphql-ws"} 0',
      'warren_subscriptions{transport="sse"} 0',
      'warren_messages_quarantined_total{reason="broken-json"} 0',
      'warren_deliveries_total{transport="tcp"} 0',
      'warren_resumes_total{result="resumed"} 0',
      'warren_resumes_total{result="gap"} 0',
      'warren_sessions_ended_total{transport="socketcluster",reason="slow-consumer"} 0',
      'warren_delivery_seconds_count 0',
      'warren_outbox_bytes 0',
      'warren_broker_up 0',
      'warren_executions_total 0',
    ]) {
      expect(text).toContain(`${series}\n`)
    }
    expect(text).toContain('# TYPE warren_messages_received_total counter')
    expect(text).toContain('nodejs_eventloop_lag_seconds')
  })

  test('of Node.js are measured once in a process, however many gateways it opens', async () => {
    await createMetrics().print()
    using measured = jest.spyOn(perfHooks, 'monitorEventLoopDelay')
    using observed = jest.spyOn(perfHooks.PerformanceObserver.prototype, 'observe')
    const [one, two] = [createMetrics(), createMetrics()]
    one.close()
    expect(await two.print()).toContain('# TYPE nodejs_gc_duration_seconds histogram')
    expect([...measured.mock.calls, ...observed.mock.calls]).toEqual([])
  })

  test('the lag of the event loop is how late it was, without the interval of its measurement', async () => {
    const metrics = createMetrics()
    const lagOf = async (which: string) =>
      Number(new RegExp(`^nodejs_eventloop_lag_${which}_seconds (.*)$`, 'm').exec(await metrics.print())?.[1])
    // A scrape ends a measurement, and the next one begins up to 100 ms later.
    const everyMs = 300
    const block = () => {
      const begin = performance.now()
      while (performance.now() - begin < 400);
      return new Promise((resolve) => setTimeout(resolve))
    }
    const longest = async () => {
      await block()
      const seconds = await lagOf('max')
      return seconds >= 0.25 && seconds
    }
    expect(await eventually('a blocked event loop to be measured', longest, { everyMs })).toBeLessThan(10)
    await eventually('a free one', async () => (await lagOf('p50')) < 0.05, { everyMs })
    // A scrape right after another one, with no measurement between them.
    await metrics.print()
    expect(await lagOf('min')).toBeLessThan(10)
  })

  test('report what the observer was called with, however often they are read', async () => {
    const metrics = createMetrics()
    const observer = observerOf(silent, metrics)
    observer.sessionStarted('graphql-ws')
    observer.sessionStarted('graphql-ws')
    observer.sessionEnded('graphql-ws', 'lost')
    observer.subscriptionStarted('sse')
    observer.messageReceived('f00d')
    observer.messageReceived('f00d')
    const now = Date.now()
    const account = observer.eventsOf('sse')
    account.deliver(messageOf(now - 30))
    account.deliver(messageOf(now + 60_000))
    account.match(messageOf(now))
    account.drop(messageOf(now), 'ended')
    observer.messageRouted('no_subscriber')
    observer.resumed('gap')
    observer.brokerUp(true)
    observer.executed()
    observer.outboxBytes(() => 300)
    await metrics.print()
    const text = await metrics.print()
    for (const series of [
      'warren_connections{transport="graphql-ws"} 1',
      'warren_sessions_ended_total{transport="graphql-ws",reason="lost"} 1',
      'warren_subscriptions{transport="sse"} 1',
      'warren_messages_received_total{source="f00d"} 2',
      'warren_sessions_started_total{transport="graphql-ws"} 2',
      'warren_message_outcomes_total{outcome="no_subscriber"} 1',
      'warren_messages_routed_total{fate="unheard"} 1',
      'warren_deliveries_total{transport="sse"} 2',
      'warren_events_matched_total{transport="sse"} 1',
      'warren_events_dropped_total{transport="sse",reason="ended"} 1',
      // A negative latency, after the clock was set back, goes into no bucket.
      'warren_delivery_seconds_bucket{le="0.025"} 0',
      'warren_delivery_seconds_bucket{le="10"} 1',
      'warren_delivery_seconds_count 1',
      'warren_resumes_total{result="gap"} 1',
      'warren_broker_up 1',
      'warren_executions_total 1',
      'warren_outbox_bytes 300',
    ]) {
      expect(text).toContain(`${series}\n`)
    }
  })

  test('of two gateways in one process are separate', async () => {
    const [one, other] = [createMetrics(), createMetrics()]
    one.executed()
    expect(await other.print()).toContain('warren_executions_total 0\n')
  })
})
