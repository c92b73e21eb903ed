import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { TailLiveness } from '../../../../src/brokers/rabbitmq/stream/tail-liveness.ts'

let began: number
/** What the liveness check reported, and after how many seconds. */
let found: string[]
let confirms: boolean
/** Resolvers of unconfirmed marks. */
let waiting: (() => void)[]
let mayMove: boolean
let liveness: TailLiveness

beforeEach(() => {
  jest.useFakeTimers()
  began = Date.now()
  found = []
  confirms = true
  waiting = []
  mayMove = true
  const note = (what: string) => () => void found.push(`${what} ${(Date.now() - began) / 1000}`)
  liveness = new TailLiveness({
    mark: () => (confirms ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    onStale: note('stale'),
    onFresh: note('fresh'),
    onStuck: () => {
      note('stuck')()
      liveness.stop()
    },
    onSilent: () => {
      note('silent')()
      liveness.stop()
    },
    mayMove: () => mayMove,
  })
  liveness.start()
})
afterEach(() => {
  liveness.stop()
  jest.useRealTimers()
})

describe('a tail without entries', () => {
  test('is left after 5 s if marks are confirmed and another node exists', async () => {
    await jest.advanceTimersByTimeAsync(60_000)
    expect(found).toEqual(['stale 1.75', 'stuck 5'])
  })

  test('is left after 10 s if no other node exists', async () => {
    mayMove = false
    await jest.advanceTimersByTimeAsync(60_000)
    expect(found).toEqual(['stale 1.75', 'stuck 11'])
  })

  test('is not blamed while the publisher looks for a node, and is left 2 s after it found one', async () => {
    confirms = false
    await jest.advanceTimersByTimeAsync(6_500)
    expect(found).toEqual(['stale 1.75'])
    for (const confirm of waiting) confirm()
    await jest.advanceTimersByTimeAsync(60_000)
    expect(found).toEqual(['stale 1.75', 'stuck 8.5'])
  })

  test('is left after 12 s if no mark is confirmed, unless an alarm blocks the cluster', async () => {
    confirms = false
    mayMove = false
    await jest.advanceTimersByTimeAsync(20_000)
    expect(found).toEqual(['stale 1.75'])
    mayMove = true
    await jest.advanceTimersByTimeAsync(10_000)
    expect(found).toEqual(['stale 1.75', 'silent 24'])
  })

  test('is healthy again with the next entry', async () => {
    await jest.advanceTimersByTimeAsync(4_000)
    liveness.onEntry()
    await jest.advanceTimersByTimeAsync(1_000)
    expect(found).toEqual(['stale 1.75', 'fresh 4'])
  })
})
