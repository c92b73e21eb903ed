import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import type { GatheredReports, Stats } from '../../../src/core/inspection/replicas/gateway-stats.ts'
import { StatsFeeds } from '../../../src/core/inspection/replicas/stats-feeds.ts'
import { Feed } from '../../../src/core/sessions/feeds/feed.ts'

let reads: number
let feeds: StatsFeeds

beforeEach(() => {
  jest.useFakeTimers()
  reads = 0
  feeds = new StatsFeeds(async (): Promise<GatheredReports> => {
    reads += 1
    return { answers: [], unanswered: ['silent'], at: Date.now() }
  })
})
afterEach(() => void jest.useRealTimers())

function begin(everyMs: number): Feed<Stats> {
  const feed = new Feed<Stats>()
  feeds.begin(feed, everyMs)
  return feed
}

test('reads the replicas once for all feeds with the same interval', async () => {
  const one = begin(1_000)
  const other = begin(1_000)
  expect((await one.next()).value.reports.unanswered).toEqual(['silent'])
  await other.next()
  await jest.advanceTimersByTimeAsync(1_000)
  expect((await one.next()).value.spanMs).toBe(1_000)
  expect((await other.next()).value.spanMs).toBe(1_000)
  expect(reads).toBe(2)
})

test('reads nothing after its last feed has ended', async () => {
  const feed = begin(1_000)
  await feed.next()
  await feed.return()
  const before = reads
  await jest.advanceTimersByTimeAsync(60_000)
  expect(reads).toBe(before)
})

test('reads nothing for a consumer that has not taken the last event', async () => {
  const feed = begin(1_000)
  await jest.advanceTimersByTimeAsync(60_000)
  expect(reads).toBe(1)
  await feed.next()
  await jest.advanceTimersByTimeAsync(1_000)
  expect(reads).toBe(2)
})

test('keeps what it read last while a feed is open', async () => {
  expect(feeds.last).toBeUndefined()
  const slow = begin(5_000)
  await slow.next()
  const quick = begin(1_000)
  await quick.next()
  await jest.advanceTimersByTimeAsync(1_000)
  expect(feeds.last?.at).toBe(Date.now())
  await quick.return()
  expect(feeds.last?.at).toBe(Date.now() - 1_000)
  await slow.return()
  expect(feeds.last).toBeUndefined()
})
