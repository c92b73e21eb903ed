import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { withDeadline, within } from '../../../src/core/timing/deadline.ts'
import { fullJitter, jitterAround } from '../../../src/core/timing/jitter.ts'
import { pause } from '../../../src/core/timing/pause.ts'

beforeEach(() => void jest.useFakeTimers())
afterEach(() => {
  jest.restoreAllMocks()
  jest.useRealTimers()
})

/** What a promise has become after all microtasks. */
async function stateOf(promise: Promise<unknown>): Promise<string> {
  let state = 'pending'
  promise.then(
    (value) => (state = `resolved ${String(value)}`),
    (error: unknown) => (state = `rejected ${String(error)}`),
  )
  await jest.advanceTimersByTimeAsync(0)
  return state
}

const never = new Promise<never>(() => {})

test('within resolves when the promise settles, however it does, and holds no timer', async () => {
  expect(await stateOf(within(50, Promise.resolve(1)))).toBe('resolved undefined')
  expect(await stateOf(within(50, Promise.reject(new Error('no'))))).toBe('resolved undefined')
  expect(jest.getTimerCount()).toBe(0)
})

test('within resolves after its time', async () => {
  const waits = within(50, never)
  await jest.advanceTimersByTimeAsync(49)
  expect(await stateOf(waits)).toBe('pending')
  await jest.advanceTimersByTimeAsync(1)
  expect(await stateOf(waits)).toBe('resolved undefined')
})

test('a deadline settles like its promise, or rejects when it is over', async () => {
  const late = () => new Error('late')
  expect(await stateOf(withDeadline(50, Promise.resolve(1), late))).toBe('resolved 1')
  expect(await stateOf(withDeadline(50, Promise.reject(new Error('no')), late))).toBe('rejected Error: no')
  expect(jest.getTimerCount()).toBe(0)
  const waits = withDeadline(50, never, late)
  const state = stateOf(waits)
  await jest.advanceTimersByTimeAsync(49)
  expect(await state).toBe('pending')
  await jest.advanceTimersByTimeAsync(1)
  expect(await stateOf(waits)).toBe('rejected Error: late')
})

test('a pause ends after its time, or when it is aborted, and leaves nothing behind', async () => {
  const abort = new AbortController()
  const pauses = [pause(50), pause(50, abort.signal), pause(50, AbortSignal.abort())]
  expect(await Promise.all(pauses.map(stateOf))).toEqual(['pending', 'pending', 'resolved undefined'])
  abort.abort()
  expect(await Promise.all(pauses.map(stateOf))).toEqual(['pending', 'resolved undefined', 'resolved undefined'])
  expect(jest.getTimerCount()).toBe(1)
  await jest.advanceTimersByTimeAsync(50)
  expect(await stateOf(pause(0, abort.signal))).toBe('resolved undefined')
  expect(await stateOf(pauses[0] ?? never)).toBe('resolved undefined')
})

test('a pause keeps the process alive unless it is asked not to', () => {
  jest.useRealTimers()
  const made: NodeJS.Timeout[] = []
  const real = globalThis.setTimeout
  jest.spyOn(globalThis, 'setTimeout').mockImplementation(((run: () => void, ms: number) => {
    const timer = real(run, ms)
    made.push(timer)
    return timer
  }) as typeof setTimeout)
  void pause(0)
  void pause(0, undefined, { ref: false })
  expect(made.map((timer) => timer.hasRef())).toEqual([true, false])
})

test('full jitter is between nothing and the doubled bound, which is capped', () => {
  const random = jest.spyOn(Math, 'random')
  const bounds = { firstRetryMs: 100, retryCapMs: 1_000 }
  random.mockReturnValue(0.5)
  expect([0, 1, 2, 3, 4, 50].map((attempt) => fullJitter(attempt, bounds))).toEqual([50, 100, 200, 400, 500, 500])
  random.mockReturnValue(0)
  expect([fullJitter(3, bounds), jitterAround(100)]).toEqual([0, 50])
  random.mockReturnValue(0.75)
  expect(jitterAround(100)).toBe(125)
})
