import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { Deduplicator, idempotencyHeader, retriesMs } from '../../../src/core/delivery/deduplicator.ts'
import type { JournalMessage } from '../../../src/core/model/message.ts'
import { repeatedHeader } from '../../../src/core/publishing/repeated-header.ts'

beforeEach(() => void jest.useFakeTimers({ now: 1_000_000_000 }))
afterEach(() => void jest.useRealTimers())

interface Given {
  readonly messageId?: string
  readonly key?: string
  readonly body?: string
  /** How long after now it was received. */
  readonly laterMs?: number
}

function entry(offset: number, given: Given = {}): JournalMessage {
  return {
    offset,
    mark: false,
    exchange: 'e',
    routingKey: 'k',
    body: Buffer.from(given.body ?? '{}'),
    properties: {
      messageId: given.messageId,
      headers: given.key === undefined ? undefined : { [idempotencyHeader]: given.key },
    },
    redelivered: false,
    receivedAt: Date.now() + (given.laterMs ?? 0),
  }
}

function reconnected(offset: number, since: number): JournalMessage {
  const note = { kind: 'reconnected', since, at: Date.now() }
  return { ...entry(offset, { body: JSON.stringify(note) }), mark: true }
}

describe('a message that is in the journal twice', () => {
  test('is detected by its idempotency key at any time, even if the rest differs', () => {
    const deduplicator = new Deduplicator(true)
    expect(deduplicator.record(entry(1, { key: 'a', body: '1' }))).toBe(false)
    expect(deduplicator.record(entry(2, { key: 'b', body: '1' }))).toBe(false)
    expect(deduplicator.record(entry(3, { key: 'a', body: '2' }))).toBe(true)
    expect([1, 2, 3].map((offset) => deduplicator.isRepeat(offset))).toEqual([false, false, true])
  })

  test('is detected by its message id and body around an outage, for a limited time', () => {
    const deduplicator = new Deduplicator(true)
    deduplicator.record(entry(1, { messageId: 'm' }))
    deduplicator.outageBegan()
    deduplicator.outageEnded()
    expect(deduplicator.record(entry(2, { messageId: 'm' }))).toBe(true)
    expect(deduplicator.record(entry(3, { messageId: 'm', body: '"other"' }))).toBe(false)
    expect(deduplicator.record(entry(4, {}))).toBe(false)
    expect(deduplicator.record(entry(5, {}))).toBe(false)
    expect(deduplicator.record(entry(6, { messageId: 'm', laterMs: retriesMs - 1 }))).toBe(true)
    expect(deduplicator.record(entry(7, { messageId: 'm', laterMs: retriesMs }))).toBe(false)
    deduplicator.outageBegan()
    expect(deduplicator.record(entry(8, { messageId: 'm', laterMs: 10 * retriesMs }))).toBe(true)
  })

  test('is delivered if the broker was not away, because a publisher may reuse a message id', () => {
    const deduplicator = new Deduplicator(true)
    deduplicator.record(entry(1, { messageId: 'm' }))
    expect(deduplicator.record(entry(2, { messageId: 'm' }))).toBe(false)
    expect(deduplicator.isRepeat(2)).toBe(false)
    // A connection that opens for the first time ends no outage.
    deduplicator.outageEnded()
    expect(deduplicator.record(entry(3, { messageId: 'm' }))).toBe(false)
  })

  test('is delivered if the broker stores no message twice, unless its key is the same', () => {
    const deduplicator = new Deduplicator(false)
    deduplicator.outageBegan()
    deduplicator.record(entry(1, { messageId: 'm' }))
    deduplicator.record(entry(2, { key: 'a' }))
    expect(deduplicator.record(entry(3, { messageId: 'm' }))).toBe(false)
    expect(deduplicator.record(entry(4, { key: 'a' }))).toBe(true)
  })

  test.each([
    ['that a gateway has republished', { properties: { messageId: 'm', headers: { [repeatedHeader]: true } } }],
    ['of a buffered source', { buffered: true }],
    ['of a buffered source, moved again', { redelivered: true }],
  ])('is a repeat %s, even if the broker was not away', (_what, change) => {
    const deduplicator = new Deduplicator(true)
    expect(deduplicator.record(entry(1, { messageId: 'm' }))).toBe(false)
    expect(deduplicator.record({ ...entry(2, { messageId: 'm' }), ...change })).toBe(true)
    expect(deduplicator.record({ ...entry(3, { messageId: 'm', body: '"other"' }), ...change })).toBe(false)
  })

  test('is detected by a replica that started later, by the mark of one that had lost the broker', () => {
    const deduplicator = new Deduplicator(true)
    for (const [offset, messageId] of [
      [1, 'a'],
      [2, 'a'],
      [3, 'm'],
      [4, 'm'],
    ] as const) {
      deduplicator.record(entry(offset, { messageId }))
    }
    // It had read the entry at offset 2 itself, before it lost the broker.
    expect(deduplicator.record(reconnected(5, 2))).toBe(false)
    expect([1, 2, 3, 4].map((offset) => deduplicator.isRepeat(offset))).toEqual([false, false, false, true])
    expect(deduplicator.record(entry(6, { messageId: 'm', laterMs: retriesMs - 1 }))).toBe(true)
    expect(deduplicator.record(entry(7, { messageId: 'm', laterMs: retriesMs }))).toBe(false)
  })

  test('is detected during an outage of this replica, whatever others report', () => {
    const deduplicator = new Deduplicator(true)
    deduplicator.outageBegan()
    deduplicator.record(reconnected(1, 0))
    deduplicator.record(entry(2, { messageId: 'm' }))
    expect(deduplicator.record(entry(3, { messageId: 'm', laterMs: 2 * retriesMs }))).toBe(true)
  })

  test('is still detected when the entry itself is read again', () => {
    const deduplicator = new Deduplicator(true)
    deduplicator.record(entry(1, { key: 'a' }))
    expect(deduplicator.record(entry(1, { key: 'a' }))).toBe(false)
    deduplicator.outageBegan()
    deduplicator.record(entry(2, { messageId: 'm' }))
    expect(deduplicator.record(entry(2, { messageId: 'm' }))).toBe(false)
  })

  test('is not detected after the journal was replaced', () => {
    const deduplicator = new Deduplicator(true)
    deduplicator.outageBegan()
    const entries = [
      entry(1, { key: 'a' }),
      entry(2, { key: 'a' }),
      entry(3, { messageId: 'm' }),
      entry(4, { messageId: 'm' }),
    ]
    const repeats = () => entries.filter((one) => deduplicator.record(one)).map(({ offset }) => offset)
    expect(repeats()).toEqual([2, 4])
    deduplicator.clear()
    expect([2, 4].map((offset) => deduplicator.isRepeat(offset))).toEqual([false, false])
    expect(repeats()).toEqual([2, 4])
  })
})

describe('the memory of the deduplicator', () => {
  const minutes = 60_000

  test.each([
    ['idempotency key', { key: 'a' }],
    ['message id', { messageId: 'a' }],
  ])('keeps an %s for five to ten minutes', (_what, given) => {
    const deduplicator = new Deduplicator(true)
    deduplicator.outageBegan()
    /** Any other message begins the next generation after five minutes. */
    const passes = (offset: number, laterMs: number) =>
      deduplicator.record(entry(offset, { key: `${offset}`, laterMs }))
    const isKnown = (offset: number, laterMs: number) => deduplicator.record(entry(offset, { ...given, laterMs }))
    expect(isKnown(1, 0)).toBe(false)
    passes(2, 5 * minutes - 1)
    expect(isKnown(3, 5 * minutes - 1)).toBe(true)
    // The second generation, and at ten minutes the third.
    passes(4, 5 * minutes)
    expect(isKnown(5, 5 * minutes)).toBe(true)
    passes(6, 10 * minutes - 1)
    expect(isKnown(7, 10 * minutes - 1)).toBe(true)
    passes(8, 10 * minutes)
    expect(isKnown(9, 10 * minutes)).toBe(false)
    expect(isKnown(10, 10 * minutes)).toBe(true)
  })

  test('keeps the last 50,000 keys and ids, and at most twice as many', () => {
    const deduplicator = new Deduplicator(true)
    deduplicator.outageBegan()
    const given = (n: number) => (n % 2 === 0 ? { key: `${n}` } : { messageId: `${n}` })
    let offset = 0
    const isKnown = (n: number) => {
      offset += 1
      return deduplicator.record(entry(offset, given(n)))
    }
    let wrong = 0
    for (let n = 0; n < 100_000; n += 1) if (isKnown(n)) wrong += 1
    expect([wrong, isKnown(0), isKnown(1), isKnown(50_000), isKnown(99_999)]).toEqual([0, true, true, true, true])
    expect(isKnown(100_000)).toBe(false)
    // The first 50,000 are forgotten together.
    expect([isKnown(50_000), isKnown(50_001), isKnown(99_999)]).toEqual([true, true, true])
    expect([isKnown(49_999), isKnown(0)]).toEqual([false, false])
  })
})
