import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { TailLiveness } from '../../../../src/brokers/rabbitmq/stream/tail-liveness.ts'

let began: number
/** What the pulse found, and after how many seconds. */
let found: string[]
let confirms: boolean
/** Those of marks that wait. */
let waiting: (() => void)[]
let mayMove: boolean
let pulse: TailLiveness

beforeEach(() => {
  jest.useFakeTimers()
  began = Date.now()
  found = []
  confirms = true
  waiting = []
  mayMove = true
  const note = (what: string) => () => void found.push(`${what} ${(Date.now() - began) / 1000}`)
  pulse = new TailLiveness({
    mark: () => (confirms ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    onStale: note('stale'),
    onFresh: note('fresh'),
    onStuck: () => {
      note('stuck')()
      pulse.stop()
    },
    onSilent: () => {
      note('silent')()
      pulse.stop()
    },
    mayMove: () => mayMove,
  })
  pulse.start()
})
afterEach(() => {
  pulse.stop()
  jest.useRealTimers()
})

describe('a tail that brings nothing', () => {
  test('is left after 5 s where marks are confirmed and there is another node', async () => {
    await jest.advanceTimersByTimeAsync(60_000)
    expect(found).toEqual(['stale 1.75', 'stuck 5'])
  })

  test('is left after 10 s where there is no other node', async () => {
    mayMove = false
    await jest.advanceTimersByTimeAsync(60_000)
    expect(found).toEqual(['stale 1.75', 'stuck 11'])
  })

  test('is not blamed while the publisher finds a node, and is left 2 s after it did', async () => {
    confirms = false
    await jest.advanceTimersByTimeAsync(6_500)
    expect(found).toEqual(['stale 1.75'])
    for (const confirm of waiting) confirm()
    await jest.advanceTimersByTimeAsync(60_000)
    expect(found).toEqual(['stale 1.75', 'stuck 8.5'])
  })

  test('is left after 12 s where no mark is confirmed, unless an alarm stops the cluster', async () => {
    confirms = false
    mayMove = false
    await jest.advanceTimersByTimeAsync(20_000)
    expect(found).toEqual(['stale 1.75'])
    mayMove = true
    await jest.advanceTimersByTimeAsync(10_000)
    expect(found).toEqual(['stale 1.75', 'silent 24'])
  })

  test('is fresh again with the next entry', async () => {
    await jest.advanceTimersByTimeAsync(4_000)
    pulse.beat()
    await jest.advanceTimersByTimeAsync(1_000)
    expect(found).toEqual(['stale 1.75', 'fresh 4'])
  })
})
