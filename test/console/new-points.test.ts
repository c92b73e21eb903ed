import { expect, test } from '@jest/globals'
import type { GatewayHistoryQuery } from '../../src/console/api/generated/graphql.ts'
import { newPoints } from '../../src/console/views/overview/new-points.ts'

const start = Date.UTC(2026, 0, 1)
const stepMs = 10_000

/** An answer with the points of these numbers. `replicas`: how many have answered. */
function answer(numbers: readonly number[], replicas = 2): GatewayHistoryQuery {
  const points = numbers.map((number) => ({
    at: new Date(start + number * stepMs).toISOString(),
    receivedPerSecond: number,
    deliveredPerSecond: 0,
    droppedPerSecond: 0,
    sessions: 0,
    replicas,
  }))
  return { gatewayHistory: { stepMs, points, unanswered: [] } }
}
const numbersOf = ({ gatewayHistory }: GatewayHistoryQuery) =>
  gatewayHistory.points.map(({ receivedPerSecond }) => receivedPerSecond)
const upTo = (last: number) => Array.from({ length: last + 1 }, (_, number) => number)

test('asks from the last but one point on, which a late replica may have changed', () => {
  const known = answer([0, 1, 2, 3], 1)
  expect(newPoints.variables(known)).toEqual({ since: new Date(start + 2 * stepMs).toISOString() })
  const merged = newPoints.merge(known, answer([2, 3, 4]))
  expect(numbersOf(merged)).toEqual([0, 1, 2, 3, 4])
  expect(merged.gatewayHistory.points.map(({ replicas }) => replicas)).toEqual([1, 1, 2, 2, 2])
})

test('forgets what is older than the span, also after a pause', () => {
  const merged = newPoints.merge(answer(upTo(359)), answer([358, 359, 360, 361]))
  expect(numbersOf(merged)).toEqual(upTo(361).slice(2))
  // The page was hidden for half an hour.
  const later = newPoints.merge(merged, answer([540, 541]))
  expect(numbersOf(later)).toEqual([...upTo(359).slice(182), 540, 541])
})

test('asks for everything while it knows fewer than two points, and keeps what is known if nothing is new', () => {
  expect(newPoints.variables(answer([]))).toEqual({ since: null })
  expect(newPoints.variables(answer([0]))).toEqual({ since: null })
  expect(numbersOf(newPoints.merge(answer([0]), answer([0, 1])))).toEqual([0, 1])
  expect(numbersOf(newPoints.merge(answer([]), answer([])))).toEqual([])
})
