import { beforeEach, describe, expect, test } from '@jest/globals'
import { DeliveryCounter } from '../../../src/core/accounting/delivery-counter.ts'
import { Allowance, EventQueue } from '../../../src/core/delivery/event-queue.ts'
import type { ChannelEvent } from '../../../src/core/model/channel-event.ts'
import { checkpointAt, gapAt, messageAt } from './events.ts'

let counter: DeliveryCounter
let allowance: Allowance

beforeEach(() => {
  counter = new DeliveryCounter(() => {})
  allowance = new Allowance(10)
})

function queueOf(...events: ChannelEvent[]): EventQueue {
  const queue = new EventQueue(allowance, counter)
  for (const event of events) queue.add(event)
  return queue
}

/** Each event as its offset; an `OVERFLOW` gap also as how many messages it reports. */
const story = ({ events }: EventQueue) =>
  events.map((event) =>
    event.kind === 'GAP' && event.reason === 'OVERFLOW' ? [event.cursor.offset, event.dropped] : event.cursor.offset,
  )

describe('a queue of events', () => {
  test('returns the oldest first, and counts its messages and their bytes until then', () => {
    const queue = queueOf(messageAt(1, '123'), gapAt(2), checkpointAt(3), messageAt(4, '4'))
    expect([story(queue), queue.isEmpty, allowance.used, counter.pending]).toEqual([[1, 2, 3, 4], false, 4, 2])
    expect(queue.oldest).toBe(queue.events[0])
    const offsets = [1, 2, 3, 4].map(() => queue.shift()?.cursor.offset)
    expect([offsets, queue.isEmpty, allowance.used, counter.pending]).toEqual([[1, 2, 3, 4], true, 0, 0])
    expect([queue.oldest, queue.shift(), allowance.used, counter.pending]).toEqual([undefined, undefined, 0, 0])
  })

  test('keeps the messages that it holds', () => {
    let kept = 0
    queueOf(Object.assign(messageAt(1), { keep: () => (kept += 1) }))
    expect(kept).toBe(1)
  })

  test('counts bytes without a counter too', () => {
    const queue = new EventQueue(allowance, undefined)
    for (const offset of [1, 2]) queue.add(messageAt(offset, '12345'))
    expect([queue.dropFor(messageAt(3), 'DROP_OLDEST'), allowance.used]).toEqual([1, 5])
    expect([queue.shift(), queue.shift(), allowance.used]).toEqual([expect.anything(), expect.anything(), 0])
  })

  test('keeps of adjacent gaps with one reason the last; one that counts messages stays', () => {
    const queue = queueOf(gapAt(1), gapAt(2), messageAt(3), gapAt(4), gapAt(5, 'UNREADABLE'), gapAt(6, 'UNREADABLE'))
    expect(story(queue)).toEqual([2, 3, 4, 6])
    expect(queueOf(gapAt(1, 'OVERFLOW'), gapAt(2, 'OVERFLOW')).events).toHaveLength(2)
  })
})

describe('the bounds of a queue', () => {
  test('are 1,024 events; it resumes with half of them', () => {
    const queue = queueOf()
    for (let offset = 1; offset <= 1_024; offset += 1) {
      expect([queue.isFull, queue.hasRoomFor(checkpointAt(offset))]).toEqual([false, true])
      queue.add(checkpointAt(offset))
    }
    expect([queue.isFull, queue.hasRoomFor(checkpointAt(1_025))]).toEqual([true, false])
    while (queue.events.length > 513) queue.shift()
    expect([queue.isFull, queue.hasRoomToResume]).toEqual([false, false])
    queue.shift()
    expect(queue.hasRoomToResume).toBe(true)
  })

  test('are the bytes of its connection; it resumes with half of them', () => {
    const queue = queueOf(messageAt(1, '1'))
    const other = queueOf(messageAt(1, '12345'))
    expect([queue.hasRoomFor(messageAt(2, '1234')), queue.hasRoomFor(messageAt(2, '12345'))]).toEqual([true, false])
    expect([queue.isFull, queue.hasRoomToResume]).toEqual([false, false])
    other.add(messageAt(2, '1234'))
    expect([queue.isFull, other.isFull]).toEqual([true, true])
    other.shift()
    expect([queue.isFull, queue.hasRoomToResume]).toEqual([false, true])
  })

  test('do not apply to an empty queue', () => {
    const queue = queueOf()
    queueOf(messageAt(1, 'more than ten bytes'))
    expect([queue.isFull, queue.hasRoomFor(messageAt(1)), queue.hasRoomToResume]).toEqual([false, true, true])
  })
})

describe('to make room for a message', () => {
  test('DROP_OLDEST drops what is necessary, and reports it in one gap that keeps counting', () => {
    const queue = queueOf(messageAt(1, '123'), messageAt(2, '123'), messageAt(3, '123'))
    expect([queue.dropFor(messageAt(4, '1234'), 'DROP_OLDEST'), story(queue)]).toEqual([1, [[1, 1], 2, 3]])
    expect([queue.dropFor(messageAt(5, '1234567'), 'DROP_OLDEST'), story(queue)]).toEqual([1, [[2, 2], 3]])
    expect([allowance.used, counter.pending, counter.dropped]).toEqual([3, 1, expect.objectContaining({ overflow: 2 })])
  })

  test('CONFLATE drops all', () => {
    const queue = queueOf(messageAt(1), messageAt(2))
    expect([queue.dropFor(messageAt(3), 'CONFLATE'), story(queue)]).toEqual([2, [[2, 2]]])
    expect([allowance.used, counter.pending, counter.dropped.conflated]).toEqual([0, 0, 2])
  })

  test('gaps stay in their places, and checkpoints are not counted', () => {
    const queue = queueOf(messageAt(1), gapAt(2), checkpointAt(3), messageAt(4), messageAt(5))
    expect([queue.dropFor(messageAt(6), 'CONFLATE'), story(queue)]).toEqual([3, [[1, 1], 2, [5, 2]]])
    expect(queue.dropFor(messageAt(6), 'CONFLATE')).toBe(0)
  })
})
