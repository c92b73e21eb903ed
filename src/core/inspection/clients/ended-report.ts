import { sessionEnds, transportNames } from '../../accounting/labels.ts'
import { listOf, numberOf, objectOf, textOf, textOrNull } from '../../cluster/wire-values.ts'
import type { EndedSession } from '../../sessions/ended-sessions.ts'

/** The most ended sessions in the answer of one replica. */
export const maxEndedSessions = 100

/** Ended sessions of all replicas, newest first. */
export interface EndedPage {
  readonly sessions: readonly (EndedSession & { readonly replica: string })[]
  readonly unanswered: readonly string[]
}

/** Reads the answer of another replica. Undefined if its form is wrong. */
export function readEndedSessions(value: unknown): EndedSession[] | undefined {
  return Array.isArray(value) ? listOf(value, maxEndedSessions).flatMap(readEndedSession) : undefined
}

/** None if the transport or the reason is of a later release. */
function readEndedSession(value: unknown): EndedSession[] {
  const report = objectOf(value)
  const transport = transportNames.find((known) => known === report['transport'])
  const reason = sessionEnds.find((known) => known === report['reason'])
  if (!transport || !reason) return []
  return [
    {
      id: textOf(report['id']),
      clientId: textOrNull(report['clientId']),
      transport,
      address: textOf(report['address']),
      reason,
      since: numberOf(report['since']),
      endedAt: numberOf(report['endedAt']),
      delivered: numberOf(report['delivered']),
      dropped: numberOf(report['dropped']),
    },
  ]
}
