import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { LoginThrottle } from '../../../src/core/limits/login-throttle.ts'

beforeEach(() => void jest.useFakeTimers())
afterEach(() => void jest.useRealTimers())

const tooMany = expect.objectContaining({ code: 'LIMIT_EXCEEDED', limit: 'WARREN_MAX_PASSWORD_FAILURES' })

function fail(throttle: LoginThrottle, clientId: string, network: string, times = 1): void {
  for (let n = 0; n < times; n += 1) throttle.begin(clientId, network).settle(false)
}

test('a network that tried too many wrong passwords for a client is refused for a minute, and others are not', () => {
  const throttle = new LoginThrottle(3)
  fail(throttle, 'alice', 'n', 2)
  expect(() => throttle.check('alice', 'n')).not.toThrow()
  jest.advanceTimersByTime(20_000)
  fail(throttle, 'alice', 'n')
  expect(() => throttle.check('alice', 'n')).toThrow(tooMany)
  expect(() => throttle.check('alice', 'n')).toThrow('too many wrong passwords; try again in 40 s')
  expect(() => throttle.begin('alice', 'n')).toThrow(tooMany)
  expect(() => throttle.check('alice', 'other')).not.toThrow()
  expect(() => throttle.check('bob', 'n')).not.toThrow()
  jest.advanceTimersByTime(39_999)
  expect(() => throttle.check('alice', 'n')).toThrow('try again in 1 s')
  jest.advanceTimersByTime(1)
  expect(() => throttle.check('alice', 'n')).not.toThrow()
  expect(throttle.hasFailed('alice', 'n')).toBe(false)
})

test('checks that run at the same time cannot pass the limit together', () => {
  const throttle = new LoginThrottle(2)
  const checks = [throttle.begin('alice', 'n'), throttle.begin('alice', 'n')]
  expect(() => throttle.begin('alice', 'n')).toThrow(tooMany)
  // Only what has failed is refused without a check.
  expect(() => throttle.check('alice', 'n')).not.toThrow()
  checks[0]?.settle(true)
  throttle.begin('alice', 'n').settle(false)
  checks[1]?.settle(false)
  expect(() => throttle.check('alice', 'n')).toThrow(tooMany)
})

test('a right password leaves no trace, a wrong one is remembered for its client and network', () => {
  const throttle = new LoginThrottle(2)
  throttle.begin('alice', 'n').settle(true)
  expect(throttle.hasFailed('alice', 'n')).toBe(false)
  throttle.begin('alice', 'n').settle(false)
  expect(throttle.hasFailed('alice', 'n')).toBe(true)
  expect(throttle.hasFailed('alice', 'm')).toBe(false)
  throttle.begin('alice', 'n').settle(true)
  expect(throttle.hasFailed('alice', 'n')).toBe(true)
})

test('a network that fails ten times as often, for any clients, is slowed and not refused', () => {
  const throttle = new LoginThrottle(2)
  for (let n = 0; n < 19; n += 1) fail(throttle, `client-${n}`, 'n')
  expect(throttle.slowed('n')).toBe(false)
  fail(throttle, 'one more', 'n')
  expect(throttle.slowed('n')).toBe(true)
  expect(throttle.slowed('m')).toBe(false)
  expect(() => throttle.begin('another', 'n').settle(true)).not.toThrow()
  jest.advanceTimersByTime(60_000)
  expect(throttle.slowed('n')).toBe(false)
})

test('a check that ends after its minute counts in no later one', () => {
  const throttle = new LoginThrottle(1)
  const late = throttle.begin('alice', 'n')
  jest.advanceTimersByTime(60_000)
  const next = throttle.begin('alice', 'n')
  late.settle(false)
  expect(throttle.hasFailed('alice', 'n')).toBe(false)
  next.settle(true)
  expect(() => throttle.check('alice', 'n')).not.toThrow()
})

test('past a hundred thousand clients and networks, the oldest is forgotten', () => {
  const throttle = new LoginThrottle(1)
  fail(throttle, 'first', 'n')
  // Each failure holds a key of its pair; the network's own key is one for all.
  for (let n = 0; n < 99_998; n += 1) fail(throttle, `c${n}`, 'n')
  expect(throttle.hasFailed('first', 'n')).toBe(true)
  fail(throttle, 'last', 'n')
  expect([throttle.hasFailed('first', 'n'), throttle.hasFailed('c0', 'n')]).toEqual([false, true])
})
