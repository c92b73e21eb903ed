import { expect, test } from '@jest/globals'
import { createMetrics } from '../../src/observability/metrics.ts'
import { ofExited, sumOf } from '../../src/observability/metrics-sum.ts'
import type { Snapshot } from '../../src/observability/snapshot.ts'

const sumBy = (snapshot: Snapshot, name: string) =>
  (snapshot.find((metric) => metric.name === name)?.values ?? []).reduce((sum, { value }) => sum + value, 0)

test('a process that exited with open sessions and pending events leaves balanced accounts', async () => {
  const killed = createMetrics()
  const serving = createMetrics()
  for (const metrics of [killed, serving]) {
    for (let n = 0; n < 3; n += 1) metrics.sessionStarted('sse')
    metrics.sessionEnded('sse', 'client')
    const account = metrics.eventsOf('sse')
    account.matched = 10
    account.delivered = 6
    account.dropped.overflow = 1
    account.pending = 3
  }
  const sum = await sumOf([ofExited(await killed.snapshot()), await serving.snapshot()])
  expect(sumBy(sum, 'warren_sessions_started_total')).toBe(6)
  expect(sumBy(sum, 'warren_sessions_ended_total') + sumBy(sum, 'warren_connections')).toBe(6)
  expect(sumBy(sum, 'warren_connections')).toBe(2)
  expect(
    sumBy(sum, 'warren_deliveries_total') +
      sumBy(sum, 'warren_events_dropped_total') +
      sumBy(sum, 'warren_events_pending'),
  ).toBe(sumBy(sum, 'warren_events_matched_total'))
  killed.close()
  serving.close()
})
