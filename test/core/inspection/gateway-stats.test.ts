import { expect, test } from '@jest/globals'
import { type GatheredReports, statsOf } from '../../../src/core/inspection/replicas/gateway-stats.ts'
import { type ReplicaReport, readReplicaReport } from '../../../src/core/inspection/replicas/replica-report.ts'

function report(outcomes: Record<string, number>): ReplicaReport {
  const read = readReplicaReport({ version: '1', startedAt: 1, state: 'serving', outcomes: Object.entries(outcomes) })
  if (!read) throw new Error('expected a report')
  return read
}

const gathered = (at: number, ...reports: ReplicaReport[]): GatheredReports => ({
  answers: reports.map((value, index) => ({ replica: `r${index}`, value })),
  unanswered: [],
  at,
})

const perSecond = (before: GatheredReports, now: GatheredReports) =>
  statsOf(now, before).byOutcome.find(({ name }) => name === 'no_subscriber')?.perSecond

test('a message with its client on another replica is not without a subscriber', () => {
  const before = gathered(0, report({}), report({}))
  // Ten messages: seven for clients of the first replica, two for the second, one for neither.
  const one = report({ delivered: 7, no_subscriber: 3 })
  const two = report({ delivered: 2, no_subscriber: 8 })
  expect(perSecond(before, gathered(1_000, one, two))).toBe(1)
  // The second replica has not read the last message yet.
  expect(perSecond(before, gathered(1_000, one, report({ delivered: 2, no_subscriber: 7 })))).toBe(0)
  expect(perSecond(gathered(0, report({})), gathered(2_000, report({ no_subscriber: 4 })))).toBe(2)
})
