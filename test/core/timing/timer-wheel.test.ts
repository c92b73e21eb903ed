import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { array, assert, asyncProperty, integer, record } from 'fast-check'
import { TimerWheel } from '../../../src/core/timing/timer-wheel.ts'

beforeEach(() => {
  jest.useFakeTimers()
})
afterEach(() => {
  jest.useRealTimers()
})

test('each item is called once, at its time or up to 10 ms later, and the wheel stops when it is empty', async () => {
  const change = record({
    item: integer({ min: 0, max: 9 }),
    delayMs: integer({ min: -50, max: 400 }),
    waitMs: integer({ min: 0, max: 120 }),
  })
  await assert(
    asyncProperty(array(change, { maxLength: 40 }), async (changes) => {
      const items = Array.from({ length: 10 }, (_, number) => ({ number }))
      const wanted = new Map<number, number>()
      const wheel = new TimerWheel<{ number: number }>(({ number }) => {
        const late = performance.now() - (wanted.get(number) ?? Number.NaN)
        expect(wanted.delete(number)).toBe(true)
        expect(late).toBeGreaterThanOrEqual(0)
        expect(late).toBeLessThanOrEqual(20)
      })
      for (const { item, delayMs, waitMs } of changes) {
        const at = performance.now() + delayMs
        if (delayMs < -40) {
          wheel.remove(items[item] as { number: number })
          wanted.delete(item)
        } else {
          wheel.add(items[item] as { number: number }, at)
          // What is due already is called at the next tick.
          wanted.set(item, Math.max(at, performance.now()))
        }
        expect(wheel.size).toBe(wanted.size)
        await jest.advanceTimersByTimeAsync(waitMs)
      }
      await jest.advanceTimersByTimeAsync(500)
      expect([wanted.size, wheel.size, jest.getTimerCount()]).toEqual([0, 0, 0])
    }),
  )
})

test('an item that is added again while it is called has its next time', async () => {
  const item = {}
  let calls = 0
  const wheel: TimerWheel<object> = new TimerWheel<object>((one) => {
    calls += 1
    if (calls < 3) wheel.add(one, performance.now() + 100)
  })
  wheel.add(item, performance.now() + 100)
  await jest.advanceTimersByTimeAsync(150)
  expect(calls).toBe(1)
  await jest.advanceTimersByTimeAsync(500)
  expect([calls, jest.getTimerCount()]).toEqual([3, 0])
  wheel.add(item, performance.now() + 100)
  wheel.close()
  expect(jest.getTimerCount()).toBe(0)
})
