import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { notYet, PartReadiness } from '../../../src/brokers/rabbitmq/part-readiness.ts'

let changes: (string | undefined)[]
let part: PartReadiness

beforeEach(() => {
  jest.useFakeTimers()
  changes = []
  part = new PartReadiness(2_000, () => changes.push(part.reason))
})
afterEach(() => void jest.useRealTimers())

test('a part that was never up counts as down at once, with its reason', () => {
  expect(part.reason).toBe(notYet)
  part.down('no permission')
  expect(part.reason).toBe('no permission')
})

test('a part that was up counts as down after a delay, with the latest reason', async () => {
  part.up()
  part.down('the connection was lost')
  await jest.advanceTimersByTimeAsync(1_500)
  part.down('nothing listens there')
  expect(part.reason).toBeUndefined()
  await jest.advanceTimersByTimeAsync(500)
  expect(part.reason).toBe('nothing listens there')
  expect(changes.at(-1)).toBe('nothing listens there')
})

test('a part that is up again in time never counts as down', async () => {
  part.up()
  for (let turn = 0; turn < 5; turn += 1) {
    part.down('the connection was lost')
    await jest.advanceTimersByTimeAsync(1_900)
    part.up()
  }
  await jest.advanceTimersByTimeAsync(10_000)
  expect(new Set(changes)).toEqual(new Set([undefined]))
})

test('a refusal of RabbitMQ counts at once', () => {
  part.up()
  part.refused('low on memory')
  expect(part.reason).toBe('low on memory')
  part.up()
  expect(part.reason).toBeUndefined()
})
