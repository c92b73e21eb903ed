import type { TracedSession } from '../accounting/replica-trace.ts'
import type { JournalMessage } from '../model/message.ts'
import type { Audience } from '../model/source.ts'
import type { Session } from './session.ts'

/** How many sessions are described. */
const maxTraced = 20

/** The subscriptions to the channels of these clients, and where they are. */
export function tracedSessions(
  sessions: Iterable<Session>,
  { offset, receivedAt }: JournalMessage,
  audience: Audience,
): TracedSession[] {
  if (audience.length === 0) return []
  const wanted = audience === 'everyone' ? undefined : new Set(audience)
  const traced: TracedSession[] = []
  for (const session of sessions) {
    for (const { topic, lastTaken, beganAt, queued } of session.openSubscriptions) {
      if (topic.kind !== 'channel' || (wanted && !wanted.has(topic.clientId))) continue
      const taken = lastTaken?.cursor.offset
      const waits = queued.some((event) => event.kind === 'MESSAGE' && event.message.offset === offset)
      const later = beganAt > receivedAt && !waits
      traced.push({
        session: session.id,
        clientId: topic.clientId,
        openedBy: session.identity.clientId === topic.clientId ? null : (session.identity.clientId ?? ''),
        transport: session.transport,
        address: session.address,
        since: beganAt,
        outcome: later ? 'started_later' : taken !== undefined && taken >= offset ? 'delivered' : 'waiting',
        pending: queued.length,
      })
      if (traced.length === maxTraced) return traced
    }
  }
  return traced
}
