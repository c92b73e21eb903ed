import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import type { SessionEnd } from '../../../src/core/accounting/labels.ts'
import type { ChannelSubscription } from '../../../src/core/delivery/channel-subscription.ts'
import { EndedSessions } from '../../../src/core/sessions/ended-sessions.ts'
import type { Session } from '../../../src/core/sessions/session.ts'

beforeEach(() => void jest.useFakeTimers({ now: 1_000_000 }))
afterEach(() => void jest.useRealTimers())

/** The members that `EndedSessions` reads. */
const sessionOf = (id: string, dropped = 0, given: object = {}): Session =>
  ({
    id,
    identity: { clientId: `client-${id}` },
    transport: 'sse',
    address: '',
    since: 0,
    counts: { delivered: 0, dropped },
    ...given,
  }) as unknown as Session

const remembered = (...ends: readonly (readonly [id: string, reason: SessionEnd, dropped?: number])[]): string[] => {
  const ended = new EndedSessions()
  for (const [id, reason, dropped] of ends) ended.add(sessionOf(id, dropped), reason, [])
  const before = ended.recent.map(({ id }) => id)
  ended.settle(Date.now() + 60_000)
  expect(ended.recent.map(({ id }) => id)).toEqual(before)
  return before
}

test('remembers sessions that were cut off or dropped events, newest first', () => {
  expect(remembered(['1', 'slow-consumer'], ['2', 'client'], ['3', 'lost', 4], ['4', 'restart'])).toEqual(['3', '1'])
})

test('is bounded, before and after the queues of its sessions have ended', () => {
  const many = Array.from({ length: 250 }, (_, n) => [String(n), 'slow-consumer'] as const)
  const kept = remembered(...many)
  expect(kept).toHaveLength(100)
  expect(kept.slice(0, 2)).toEqual(['249', '248'])
})

/** A subscription with so many events in its queue. */
const queueOf = (length: number, delivered = 0, dropped = 0) => ({ queued: Array.from({ length }), delivered, dropped })
const add = (ended: EndedSessions, session: Session, reason: SessionEnd, ...queues: readonly object[]): void =>
  ended.add(session, reason, queues as unknown as readonly ChannelSubscription[])

test('describes a session with what its queues delivered and dropped after its end, within two seconds', () => {
  const ended = new EndedSessions()
  const queues = [queueOf(3, 10, 1), queueOf(0, 5, 2)] as const
  const session = sessionOf('1', 7, { counts: { delivered: 30, dropped: 7 }, address: '192.0.2.1', since: 5 })
  add(ended, session, 'slow-consumer', ...queues)
  const record = { clientId: 'client-1', transport: 'sse', address: '192.0.2.1', reason: 'slow-consumer', since: 5 }
  const rest = { id: '1', ...record, endedAt: 1_000_000 }
  expect(ended.recent).toEqual([{ ...rest, delivered: 30, dropped: 7 }])
  queues[0].delivered += 1
  queues[1].delivered += 2
  queues[1].dropped += 3
  ended.settle(1_001_999)
  const counts = { delivered: 33, dropped: 10 }
  expect(ended.recent).toEqual([{ ...rest, ...counts }])
  ended.settle(1_002_000)
  // From now on the counts stand.
  queues[0].dropped += 100
  ended.settle(1_004_000)
  expect(ended.recent).toEqual([{ ...rest, ...counts }])
})

test('a session with events in a queue is remembered only if they were dropped', () => {
  const ended = new EndedSessions()
  const queues = [queueOf(0), queueOf(1), queueOf(1), queueOf(0)] as const
  add(ended, sessionOf('flushed'), 'client', queues[0], queues[1])
  add(ended, sessionOf('dropped'), 'client', queueOf(0), queues[2])
  add(ended, sessionOf('empty'), 'client', queues[3])
  expect(ended.recent).toEqual([])
  for (const queue of queues.slice(2)) queue.dropped += 1
  const ids = () => ended.recent.map(({ id }) => id)
  expect(ids()).toEqual(['dropped'])
  jest.setSystemTime(1_001_000)
  const open = queueOf(1)
  add(ended, sessionOf('unnamed', 0, { identity: {} }), 'revoked', open)
  expect(ended.recent[0]).toMatchObject({ id: 'unnamed', clientId: null, endedAt: 1_001_000 })
  // The first three are settled, the last one is not.
  ended.settle(1_002_000)
  queues[2].dropped = 0
  open.dropped += 1
  expect(ended.recent.map(({ id, dropped }) => [id, dropped])).toEqual([
    ['unnamed', 1],
    ['dropped', 1],
  ])
})

test('a session that was cut off is not hidden by many that may still drop events', () => {
  const ended = new EndedSessions()
  add(ended, sessionOf('cut off'), 'slow-consumer')
  const queue = queueOf(1)
  for (let n = 0; n < 200; n += 1) add(ended, sessionOf(String(n)), 'restart', queue)
  expect(ended.recent.map(({ id }) => id)).toEqual(['cut off'])
})

test('while a thousand wait for their counts, others are left out', () => {
  const ended = new EndedSessions()
  const queue = queueOf(1)
  for (let n = 0; n < 999; n += 1) add(ended, sessionOf(String(n)), 'restart', queue)
  add(ended, sessionOf('last'), 'revoked')
  add(ended, sessionOf('left out'), 'revoked')
  expect(ended.recent.map(({ id }) => id)).toEqual(['last'])
  ended.settle(1_002_000)
  add(ended, sessionOf('next'), 'revoked')
  expect(ended.recent.map(({ id }) => id)).toEqual(['next', 'last'])
})
