import { expect, test } from '@jest/globals'
import type { Gathering } from '../../../src/core/cluster/gathering.ts'
import { LoadHistory } from '../../../src/core/inspection/replicas/load-history.ts'

/** Histories of these replicas, which answer each other. */
function historiesOf(count: number): LoadHistory[] {
  const answerers: ((args: unknown) => unknown)[] = []
  const gathering = {
    answer: (_topic: string, answerer: (args: unknown) => unknown) => answerers.push(answerer),
    ask: async (_topic: string, args: unknown, read: (value: unknown) => unknown) => ({
      answers: answerers.map((answerer) => ({ value: read(JSON.parse(JSON.stringify(answerer(args)))) })),
      unanswered: [],
    }),
  } as unknown as Gathering
  return Array.from({ length: count }, () => new LoadHistory(gathering))
}

const now = Math.floor(Date.now() / 240_000) * 240_000

test('rates are of the time between two points, and replicas are added up', async () => {
  const [one, other] = historiesOf(2)
  for (let seconds = 0; seconds <= 40; seconds += 2) {
    const at = now - 60_000 + seconds * 1_000
    one!.add({ received: seconds * 10, delivered: seconds * 3, dropped: 0, sessions: 5 }, at)
    if (seconds >= 20) other!.add({ received: seconds * 10, delivered: seconds, dropped: seconds, sessions: 2 }, at)
  }
  const { stepMs, points } = await one!.read('hour')
  expect(stepMs).toBe(10_000)
  const alone = { received: 10, delivered: 3, dropped: 0, sessions: 5, replicas: 1 }
  const both = { received: 10, delivered: 4, dropped: 1, sessions: 7, replicas: 2 }
  expect(points).toEqual([
    { at: now - 60_000, ...alone },
    { at: now - 50_000, ...alone },
    { at: now - 40_000, ...both },
    { at: now - 30_000, ...both },
  ])
  // Only what is new, for a console that has the rest.
  expect((await one!.read('hour', now - 40_000)).points).toEqual(points.slice(2))
  expect((await one!.read('hour', now)).points).toEqual([])
})

test('a day is kept in points of four minutes, and what is older is forgotten', async () => {
  const [history] = historiesOf(1)
  const dayMs = 24 * 60 * 60_000
  for (let at = now - 2 * dayMs; at <= now; at += 60_000)
    history!.add({ received: (at - now) / 1_000, delivered: 0, dropped: 0, sessions: 1 }, at)
  const { points } = await history!.read('day')
  expect(points).toHaveLength(359)
  expect(points[0]!.at).toBeGreaterThan(now - dayMs)
  expect(new Set(points.map(({ received }) => received))).toEqual(new Set([1]))
  expect((await history!.read('hour')).points.length).toBeLessThanOrEqual(60)
})
