import { expect, test } from '@jest/globals'
import type { SessionEnd } from '../../../src/core/accounting/labels.ts'
import { EndedSessions } from '../../../src/core/sessions/ended-sessions.ts'
import type { Session } from '../../../src/core/sessions/session.ts'

/** The members that `EndedSessions` reads. */
const sessionOf = (id: string, dropped = 0): Session =>
  ({
    id,
    identity: { clientId: `client-${id}` },
    transport: 'sse',
    address: '',
    since: 0,
    counts: { delivered: 0, dropped },
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
