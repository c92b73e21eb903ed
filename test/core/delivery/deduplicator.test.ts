import { describe, expect, test } from '@jest/globals'
import { Deduplicator, idempotencyHeader } from '../../../src/core/delivery/deduplicator.ts'
import type { JournalMessage } from '../../../src/core/model/message.ts'
import { repeatedHeader } from '../../../src/core/publishing/repeated-header.ts'

function entry(offset: number, given: { messageId?: string; key?: string; body?: string } = {}): JournalMessage {
  return {
    offset,
    mark: false,
    exchange: 'e',
    routingKey: 'k',
    body: Buffer.from(given.body ?? '{}'),
    properties: {
      messageId: given.messageId,
      headers: given.key === undefined ? {} : { [idempotencyHeader]: given.key },
    },
    redelivered: false,
    receivedAt: Date.now(),
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
  })

  test('is delivered if the broker was not away, because a publisher may reuse a message id', () => {
    const deduplicator = new Deduplicator(true)
    deduplicator.record(entry(1, { messageId: 'm' }))
    expect(deduplicator.record(entry(2, { messageId: 'm' }))).toBe(false)
    expect(deduplicator.isRepeat(2)).toBe(false)
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
    deduplicator.record(reconnected(5, 3))
    expect([1, 2, 3, 4].map((offset) => deduplicator.isRepeat(offset))).toEqual([false, false, false, true])
    expect(deduplicator.record(entry(6, { messageId: 'm' }))).toBe(true)
  })

  test('is still detected when the entry itself is read again', () => {
    const deduplicator = new Deduplicator(true)
    deduplicator.record(entry(1, { key: 'a' }))
    expect(deduplicator.record(entry(1, { key: 'a' }))).toBe(false)
  })
})
