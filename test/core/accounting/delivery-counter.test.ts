import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { DeliveryCounter } from '../../../src/core/accounting/delivery-counter.ts'
import { messageOutcomes } from '../../../src/core/accounting/labels.ts'
import { type Counted, MessageOutcomes } from '../../../src/core/accounting/message-outcomes.ts'
import type { JournalMessage } from '../../../src/core/model/message.ts'

beforeEach(() => void jest.useFakeTimers({ now: 10_000 }))
afterEach(() => void jest.useRealTimers())

function message(offset: number, receivedAt = 9_000, counted: Counted = {}): Counted & JournalMessage {
  const empty = { exchange: '', routingKey: '', body: Buffer.alloc(0), properties: {}, redelivered: false, mark: false }
  return { ...empty, offset, receivedAt, ...counted }
}

test('counts by message and in total', () => {
  const outcomes = new MessageOutcomes(3)
  const counter = new DeliveryCounter(() => {})
  const [first, last] = [message(1, 0, { outcomes, slot: 0 }), message(3, 0, { outcomes, slot: 2 })]
  for (const each of [last, last, last]) counter.match(each)
  counter.deliver(last)
  counter.drop(last, 'ended')
  counter.match({ outcomes })
  counter.deliver(message(1, 0, { outcomes }))
  counter.drop({ outcomes }, 'overflow')
  counter.match(message(2))
  counter.drop(message(2), 'conflated')
  expect([outcomes.countsOf(0), outcomes.countsOf(1), outcomes.countsOf(2)]).toEqual([
    { matched: 1, delivered: 1, dropped: 1 },
    { matched: 0, delivered: 0, dropped: 0 },
    { matched: 3, delivered: 1, dropped: 1 },
  ])
  expect([counter.matched, counter.delivered, counter.dropped]).toEqual([5, 2, { ended: 1, overflow: 1, conflated: 1 }])
  expect([counter.pending, counter.fellBehind, first.slot]).toEqual([0, 0, 0])
})

test('keeps the outcome of each message', () => {
  const outcomes = new MessageOutcomes(messageOutcomes.length)
  for (const [slot, outcome] of messageOutcomes.entries()) outcomes.set(slot, outcome)
  expect([...messageOutcomes.keys(), messageOutcomes.length].map((slot) => outcomes.of(slot))).toEqual([
    ...messageOutcomes,
    undefined,
  ])
})

test('reads the clock once for the deliveries of one message, and again after 32 of them', () => {
  const timed: unknown[] = []
  const counter = new DeliveryCounter((seconds, deliveries) => timed.push([seconds, deliveries]))
  counter.flushTimes()
  expect(timed).toEqual([])
  for (let times = 0; times < 3; times += 1) counter.deliver(message(0, 9_000))
  jest.setSystemTime(12_000)
  counter.deliver(message(0, 9_000))
  counter.deliver(message(1, 9_500))
  expect(timed).toEqual([[1, 4]])
  counter.flushTimes()
  counter.flushTimes()
  expect(timed).toEqual([
    [1, 4],
    [2.5, 1],
  ])
  timed.length = 0
  for (let times = 5; times < 40; times += 1) {
    jest.setSystemTime(12_000 + times)
    counter.deliver(message(2, 12_000))
  }
  counter.flushTimes()
  expect(timed).toEqual([
    [0.005, 26],
    [0.031, 9],
  ])
})
