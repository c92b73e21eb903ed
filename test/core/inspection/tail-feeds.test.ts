import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import type { Gateway } from '../../../src/core/gateway.ts'
import type { ReplicaOutcomes } from '../../../src/core/inspection/replica-outcomes.ts'
import { type TailBatch, TailFeeds, tailEveryMs } from '../../../src/core/inspection/tail-feeds.ts'
import { Feed } from '../../../src/core/sessions/feeds/feed.ts'
import { type ControlledJournal, controlledGateway, passed } from '../controlled-gateway.ts'

let gateway: Gateway
let journal: ControlledJournal
let tail: TailFeeds
/** How many messages were compared with the filter, and how often replicas were asked. */
let compared: number
let asked: number

beforeEach(async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate'] })
  const world = await controlledGateway()
  ;({ gateway, journal } = world)
  await world.open()
  journal.begin()
  await passed()
  compared = 0
  asked = 0
  const outcomes = {
    at: async () => {
      asked += 1
      return { byOffset: new Map(), unanswered: [] }
    },
  } as unknown as ReplicaOutcomes
  tail = new TailFeeds({ gateway, outcomes })
})
afterEach(async () => {
  await gateway.close()
  jest.useRealTimers()
})

/** `maxPerSecond` 50: as Live asks, 12 messages of an event. */
function begin(): Feed<TailBatch> {
  const feed = new Feed<TailBatch>()
  const matches = (): boolean => {
    compared += 1
    return true
  }
  tail.begin(feed, { matches, outcomes: [], maxPerSecond: 50 })
  return feed
}

function add(messages: number): void {
  for (let n = 0; n < messages; n += 1) journal.add()
}

test('does nothing for a message while no feed is open, neither before nor after one', async () => {
  const watch = jest.spyOn(gateway, 'watchTail')
  const timers = jest.getTimerCount()
  add(10)
  expect(watch).not.toHaveBeenCalled()
  const feed = begin()
  expect(jest.getTimerCount()).toBe(timers + 1)
  await feed.return()
  expect(watch).toHaveBeenLastCalledWith(undefined)
  add(10)
  await passed(60_000)
  expect({ compared, asked }).toEqual({ compared: 0, asked: 0 })
  expect(jest.getTimerCount()).toBe(timers)
})

test('holds at most 4 MiB of bodies, or one message, for a browser that takes nothing', async () => {
  const feed = begin()
  for (let n = 0; n < 40; n += 1) journal.add({ body: Buffer.alloc(1024 * 1024) })
  await passed(tailEveryMs)
  const small: TailBatch = (await feed.next()).value
  expect({ shown: small.entries.length, oneIn: small.sampledOneIn }).toEqual({ shown: 4, oneIn: 10 })
  for (let n = 0; n < 3; n += 1) journal.add({ body: Buffer.alloc(5 * 1024 * 1024) })
  await passed(tailEveryMs)
  const large: TailBatch = (await feed.next()).value
  expect(large.entries).toHaveLength(1)
  await feed.return()
})

test('compares and shows a sample, whatever the rate', async () => {
  const feed = begin()
  add(20_000)
  await passed(tailEveryMs)
  const { value } = await feed.next()
  const { entries, seen, sampledOneIn, outcomes }: TailBatch = value
  expect(compared).toBe(500)
  expect({ shown: entries.length, seen }).toEqual({ shown: 12, seen: 500 })
  expect(Math.round(sampledOneIn * entries.length)).toBe(20_000)
  expect(outcomes).toEqual([{ outcome: 'no_subscriber', count: 20_000 }])
  expect(asked).toBe(1)
  await feed.return()
})

test('makes no event for a consumer that has not taken the last one, such as a sleeping laptop', async () => {
  const feed = begin()
  add(1)
  await passed(tailEveryMs)
  expect({ compared, asked }).toEqual({ compared: 1, asked: 1 })
  // A minute of 500 messages a second.
  for (let second = 0; second < 60; second += 1) {
    add(500)
    await passed(1_000)
  }
  expect({ compared, asked }).toEqual({ compared: 501, asked: 1 })
  // It wakes up: the event that waits, and one for all that came meanwhile.
  expect((await feed.next()).value).toMatchObject({ seen: 1 })
  await passed(tailEveryMs)
  expect((await feed.next()).value).toMatchObject({ outcomes: [{ outcome: 'no_subscriber', count: 30_000 }] })
  await feed.return()
})
