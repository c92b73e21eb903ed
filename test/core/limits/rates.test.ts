import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { BoundedSet } from '../../../src/core/limits/bounded-set.ts'
import { KeyedLimit } from '../../../src/core/limits/keyed-limit.ts'
import { RateLimit } from '../../../src/core/limits/rate-limit.ts'
import { Throttle } from '../../../src/core/limits/throttle.ts'

describe('a rate limit', () => {
  test('lets each caller make so many calls within a second, and names the time until the next', () => {
    const rate = new RateLimit()
    expect([1, 2, 3].map(() => rate.exceeds('a', 2, 5_000))).toEqual([undefined, undefined, 1_000])
    expect(rate.exceeds('a', 2, 5_999)).toBe(1)
    expect(rate.exceeds('b', 2, 5_999)).toBeUndefined()
    expect(rate.exceeds('a', 2, 6_000)).toBeUndefined()
  })

  test('begins a new second if the clock was set back', () => {
    const rate = new RateLimit()
    rate.exceeds('a', 1, 50_000)
    expect(rate.exceeds('a', 1, 49_999)).toBeUndefined()
    expect(rate.exceeds('a', 1, 50_100)).toBe(899)
  })

  test('counts the callers beyond a hundred thousand as one', () => {
    const rate = new RateLimit()
    for (let caller = 0; caller < 100_000; caller += 1) rate.exceeds(`c${caller}`, 1, 1_000)
    expect(rate.exceeds('x', 1, 1_000)).toBeUndefined()
    expect(rate.exceeds('y', 1, 1_000)).toBe(1_000)
    expect(rate.exceeds('c7', 2, 1_000)).toBeUndefined()
  })
})

describe('a limit by key', () => {
  test('counts items of each key until they are released, once', () => {
    const limit = new KeyedLimit(() => 2, 'WARREN_X', 'connections of one address')
    const item = limit.take('a')
    limit.take('a')
    limit.take('b')
    expect(limit.size).toBe(2)
    expect(() => limit.take('a')).toThrow('at most 2 connections of one address')
    expect(() => limit.take('a')).toThrow(expect.objectContaining({ code: 'LIMIT_EXCEEDED', limit: 'WARREN_X' }))
    item.release()
    item.release()
    limit.take('a')
    expect(() => limit.take('a')).toThrow('at most 2')
    expect(() => limit.take('a', 1).release()).not.toThrow()
  })

  test('forgets a key without items, and does not count items without a key', () => {
    const limit = new KeyedLimit(() => 1, 'l', 'items')
    limit.take(undefined).release()
    limit.take(undefined)
    limit.take(undefined)
    expect(limit.size).toBe(0)
    const items = [limit.take('a'), limit.take('a', 1)]
    items[0]?.release()
    expect(limit.size).toBe(1)
    items[1]?.release()
    expect(limit.size).toBe(0)
  })
})

test('a bounded set keeps the last values, in the order in which they were first added', () => {
  const set = new BoundedSet<string>(3)
  for (const value of ['a', 'b', 'a', 'c']) set.add(value)
  expect([...set]).toEqual(['a', 'b', 'c'])
  set.add('b')
  expect([...set]).toEqual(['a', 'b', 'c'])
  set.add('d')
  expect([...set]).toEqual(['b', 'c', 'd'])
  expect([set.has('a'), set.has('d')]).toEqual([false, true])
  set.delete('c')
  set.add('e')
  expect([...set]).toEqual(['b', 'd', 'e'])
  set.clear()
  expect([...set]).toEqual([])
})

describe('a throttle', () => {
  beforeEach(() => void jest.useFakeTimers())
  afterEach(() => void jest.useRealTimers())

  test('runs at once, then at most once an interval while it is called', () => {
    let runs = 0
    const throttle = new Throttle(() => (runs += 1), 100)
    throttle.call()
    throttle.call()
    throttle.call()
    expect(runs).toBe(1)
    jest.advanceTimersByTime(99)
    expect(runs).toBe(1)
    jest.advanceTimersByTime(1)
    expect(runs).toBe(2)
    jest.advanceTimersByTime(500)
    expect(runs).toBe(2)
    throttle.call()
    expect(runs).toBe(3)
  })

  test('runs nothing more when it is closed', () => {
    let runs = 0
    const throttle = new Throttle(() => (runs += 1), 100)
    throttle.call()
    throttle.call()
    throttle.close()
    jest.advanceTimersByTime(1_000)
    expect(runs).toBe(1)
  })
})
