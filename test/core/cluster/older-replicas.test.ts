import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { OlderReplicas } from '../../../src/core/cluster/older-replicas.ts'

beforeEach(() => {
  jest.useFakeTimers()
})
afterEach(() => {
  jest.useRealTimers()
})

test('replicas of an older release may exist for a second after each connection', () => {
  const older = new OlderReplicas()
  expect(older.mayExist).toBe(false)
  for (let n = 0; n < 2; n += 1) {
    older.onConnected()
    jest.advanceTimersByTime(999)
    expect(older.mayExist).toBe(true)
    jest.advanceTimersByTime(1)
    expect(older.mayExist).toBe(false)
  }
})

test('one that was seen may exist until three questions in a row got no answer of an older one', () => {
  const older = new OlderReplicas()
  const afterQuestions = (count: number) => {
    for (let n = 0; n < count; n += 1) older.onSilence()
    return older.mayExist
  }
  older.onSeen()
  expect([afterQuestions(0), afterQuestions(2)]).toEqual([true, true])
  older.onSeen()
  expect([afterQuestions(2), afterQuestions(1), afterQuestions(1)]).toEqual([true, false, false])
})
