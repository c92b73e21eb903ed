import type { SessionEnd, TransportName } from '../accounting/labels.ts'
import type { ChannelSubscription } from '../delivery/channel-subscription.ts'
import type { Session } from './session.ts'

/** How many ended sessions are remembered. */
const maxEnded = 100
/** How many sessions may wait for the counts of their queues. Past it, sessions are left out. */
const maxUnsettled = 1_000
/** How long a transport may take to end the queues of a session, in milliseconds. */
const settleMs = 2_000

/** Ends that the client did not ask for and that an operator wants to see. */
const cutOff: ReadonlySet<SessionEnd> = new Set(['slow-consumer', 'internal-error', 'too-many', 'revoked'])

/** A session that was cut off, or that ended with events that were dropped. */
export interface EndedSession {
  readonly id: string
  readonly clientId: string | null
  readonly transport: TransportName
  readonly address: string
  readonly reason: SessionEnd
  /** Both in milliseconds since the epoch. */
  readonly since: number
  readonly endedAt: number
  readonly delivered: number
  readonly dropped: number
}

/** The transport ends the queues of a session after the session has ended. */
interface Unsettled {
  readonly record: EndedSession
  readonly subscriptions: readonly ChannelSubscription[]
  /** What the subscriptions had counted when the session ended. */
  readonly counted: Pick<EndedSession, 'delivered' | 'dropped'>
}

/** The last sessions of this replica that were cut off or dropped events. */
export class EndedSessions {
  /** Oldest first. */
  #settled: EndedSession[] = []
  #unsettled: Unsettled[] = []

  /** `subscriptions`: those that were open when the session ended. */
  add(session: Session, reason: SessionEnd, subscriptions: readonly ChannelSubscription[]): void {
    const { counts } = session
    const mayDrop = subscriptions.some(({ queued }) => queued.length > 0)
    if (!cutOff.has(reason) && counts.dropped === 0 && !mayDrop) return
    if (this.#unsettled.length >= maxUnsettled) return
    const { id, identity, transport, address, since } = session
    this.#unsettled.push({
      record: {
        id,
        clientId: identity.clientId ?? null,
        transport,
        address,
        reason,
        since,
        endedAt: Date.now(),
        ...counts,
      },
      subscriptions,
      counted: countedBy(subscriptions),
    })
  }

  /** Called about every second. */
  settle(now = Date.now()): void {
    const isReady = ({ record }: Unsettled): boolean => now - record.endedAt >= settleMs
    const ready = this.#unsettled.filter(isReady)
    this.#unsettled = this.#unsettled.filter((one) => !isReady(one))
    this.#settled = this.#lastWith(ready)
  }

  /** Newest first. */
  get recent(): readonly EndedSession[] {
    return this.#lastWith(this.#unsettled).toReversed()
  }

  #lastWith(unsettled: readonly Unsettled[]): EndedSession[] {
    return [...this.#settled, ...unsettled.map(completed).filter(isWorthALook)].slice(-maxEnded)
  }
}

function isWorthALook({ reason, dropped }: EndedSession): boolean {
  return cutOff.has(reason) || dropped > 0
}

function completed({ record, subscriptions, counted }: Unsettled): EndedSession {
  const now = countedBy(subscriptions)
  return {
    ...record,
    delivered: record.delivered + now.delivered - counted.delivered,
    dropped: record.dropped + now.dropped - counted.dropped,
  }
}

function countedBy(subscriptions: readonly ChannelSubscription[]): Unsettled['counted'] {
  let delivered = 0
  let dropped = 0
  for (const subscription of subscriptions) {
    delivered += subscription.delivered
    dropped += subscription.dropped
  }
  return { delivered, dropped }
}
