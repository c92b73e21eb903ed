import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import type { StateDefinition } from '../../../src/core/state/state-definition.ts'
import { StateRetention } from '../../../src/core/state/state-retention.ts'

const now = Date.UTC(2026, 0, 1)
let calls: unknown[]
/** How many rows each call deletes; then none. */
let forgotten: number[]
let swept: number[]
let closing: AbortController
let retention: StateRetention

beforeEach(() => {
  jest.useFakeTimers({ now })
  calls = []
  forgotten = []
  swept = []
  closing = new AbortController()
  retention = new StateRetention(
    {
      forget: async (options) => (calls.push(options), forgotten.shift() ?? 0),
      sweep: async () => (calls.push('sweep'), swept.shift() ?? 0),
    },
    closing.signal,
  )
})
afterEach(() => void jest.useRealTimers())

const fold = (id: string, keepMs?: number) => ({ definition: { id, keepMs } as StateDefinition, fence: 7 })

test('removed keys are forgotten after 30 days, and with keep every key after that time', async () => {
  await retention.forget([fold('a'), fold('b', 5_000)])
  expect(calls).toEqual([
    { id: 'a', fence: 7, foldedBefore: now - 30 * 86_400_000, all: false },
    { id: 'b', fence: 7, foldedBefore: now - 5_000, all: true },
    'sweep',
  ])
})

test('rows are deleted until none is left, once a minute at most', async () => {
  forgotten = [10, 3]
  swept = [2]
  await retention.forget([fold('a')])
  expect(calls.splice(0)).toHaveLength(5)
  jest.advanceTimersByTime(59_999)
  await retention.forget([fold('a')])
  expect(calls).toEqual([])
  jest.advanceTimersByTime(1)
  await retention.forget([fold('a')])
  expect(calls).toHaveLength(2)
})

test('it stops when the folder closes', async () => {
  forgotten = Array.from({ length: 5 }, () => 10)
  const forgetting = retention.forget([fold('a')])
  closing.abort()
  await forgetting
  expect(calls).toHaveLength(1)
})
