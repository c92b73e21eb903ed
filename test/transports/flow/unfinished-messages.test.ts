import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { UnfinishedMessages, type UnfinishedRefusal } from '../../../src/transports/flow/unfinished-messages.ts'

beforeEach(() => void jest.useFakeTimers({ doNotFake: ['nextTick'] }))
afterEach(() => void jest.useRealTimers())

const requestTimeoutMs = 4_000

function held(isPaused: () => boolean) {
  const refusals: UnfinishedRefusal[] = []
  const unfinished = new UnfinishedMessages({
    limits: { maxUnfinishedBytes: 1_000 },
    authTimeoutMs: requestTimeoutMs,
    requestTimeoutMs,
  })
  const receiver = {
    address: '192.0.2.1',
    isKnown: true,
    get isPaused() {
      return isPaused()
    },
    refuseUnfinished: (why: UnfinishedRefusal) => refusals.push(why),
  }
  return { refusals, hold: (bytes: number) => unfinished.hold(receiver, bytes) }
}

/** How long until the message is refused, in milliseconds, while it grows all the time. */
async function refusedAfter(isPaused: (atMs: number) => boolean): Promise<number> {
  let ms = 0
  const { refusals, hold } = held(() => isPaused(ms))
  for (; refusals.length === 0 && ms < 60_000; ms += 100) {
    hold(1 + ms / 100)
    await jest.advanceTimersByTimeAsync(100)
  }
  return ms
}

test('a message that grows without an end is refused when its time is over', async () => {
  expect(await refusedAfter(() => false)).toBeLessThanOrEqual(requestTimeoutMs + 1_000)
})

test('the time in which the gateway does not read does not count', async () => {
  const pausedMs = 10_000
  const ms = await refusedAfter((at) => at < pausedMs)
  expect(ms).toBeGreaterThan(pausedMs + requestTimeoutMs - 1_100)
  expect(ms).toBeLessThanOrEqual(pausedMs + requestTimeoutMs + 1_000)
})

test('a client that causes a pause again and again gains the pauses only', async () => {
  expect(await refusedAfter((at) => at % 3_000 < 1_100)).toBeLessThan(3 * requestTimeoutMs)
})
