import { expect, test } from '@jest/globals'
import type { Audience } from '../../../src/core/model/source.ts'
import type { Topic } from '../../../src/core/ports/topic.ts'
import { channelTopic } from '../../../src/core/ports/topic.ts'
import type { Session } from '../../../src/core/sessions/session.ts'
import { tracedSessions } from '../../../src/core/sessions/traced-sessions.ts'
import { cursorAt, entryAt, gapAt, messageAt } from '../delivery/events.ts'

const message = entryAt(5, 'x', { receivedAt: 1_000 })

interface Traced {
  readonly topic: Topic
  readonly beganAt: number
  readonly lastTaken?: { readonly cursor: ReturnType<typeof cursorAt> }
  readonly queued: readonly unknown[]
}

function subscription(given: Partial<Traced> = {}): Traced {
  return { topic: channelTopic('alice'), beganAt: 1_000, queued: [], ...given }
}

/** The members that `tracedSessions` reads. */
function sessionOf(clientId: string | undefined, ...openSubscriptions: readonly Traced[]): Session {
  const rest = { id: 'life-1', transport: 'sse', address: '192.0.2.1' }
  return { ...rest, identity: { clientId }, openSubscriptions } as unknown as Session
}

const taken = (offset: number) => ({ lastTaken: { cursor: cursorAt(offset) } })

function outcomes(...subscriptions: readonly Partial<Traced>[]): string[] {
  const session = sessionOf('alice', ...subscriptions.map(subscription))
  return tracedSessions([session], message, ['alice']).map(({ outcome }) => outcome)
}

test('describes the subscriptions to the channels of the clients, and who opened them', () => {
  const event: Topic = { kind: 'event', field: 'orderChanged', name: 'orderChanged', key: '1' }
  const sessions = [
    sessionOf('alice', subscription(), subscription({ topic: event })),
    sessionOf('bob', subscription({ queued: [messageAt(6)] }), subscription({ topic: channelTopic('bob') })),
    sessionOf(undefined, subscription({ topic: channelTopic('carol') })),
  ]
  const traced = (audience: Audience) =>
    tracedSessions(sessions, message, audience).map(({ clientId, openedBy }) => [clientId, openedBy])
  expect(traced(['alice', 'dave'])).toEqual([
    ['alice', null],
    ['alice', 'bob'],
  ])
  expect(traced('everyone')).toEqual([
    ['alice', null],
    ['alice', 'bob'],
    ['bob', null],
    ['carol', ''],
  ])
  expect([traced([]), traced(['dave'])]).toEqual([[], []])
  expect(tracedSessions(sessions, message, ['alice'])[1]).toEqual({
    session: 'life-1',
    clientId: 'alice',
    openedBy: 'bob',
    transport: 'sse',
    address: '192.0.2.1',
    since: 1_000,
    outcome: 'waiting',
    pending: 1,
  })
})

test('a message is delivered if its client has taken it or a later event, else it waits', () => {
  expect(outcomes({}, taken(4), taken(5), taken(6))).toEqual(['waiting', 'waiting', 'delivered', 'delivered'])
})

test('a subscription that began later has the message only if it waits in its queue', () => {
  const late = { beganAt: 1_001 }
  expect(
    outcomes(
      late,
      { ...late, ...taken(6) },
      { ...late, queued: [gapAt(3), messageAt(4)] },
      { ...late, queued: [gapAt(4), messageAt(5), messageAt(6)] },
    ),
  ).toEqual(['started_later', 'started_later', 'started_later', 'waiting'])
})

test('at most 20 are described', () => {
  const sessions = Array.from({ length: 5 }, () =>
    sessionOf('alice', ...Array.from({ length: 5 }, () => subscription())),
  )
  expect(tracedSessions(sessions, message, 'everyone')).toHaveLength(20)
  expect(tracedSessions(sessions.slice(0, 3), message, 'everyone')).toHaveLength(15)
})
