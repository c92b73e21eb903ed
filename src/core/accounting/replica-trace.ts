import type { MessageOutcome, QuarantineReason } from './labels.ts'

/** One entry of the journal with the requested message id, and what one replica did with it. */
export interface TracedMessage {
  readonly offset: number
  readonly exchange: string
  readonly routingKey: string
  /** In milliseconds since the epoch. */
  readonly receivedAt: number
  /** Null if it was published before the replica started: the replica only replays it. */
  readonly outcome: MessageOutcome | null
  /**
   * Why the message is in the quarantine. `schema`: a copy of it is, because it does not fit a
   * typed field; other fields and channels may have received it. Null if it is not.
   */
  readonly reason: QuarantineReason | null
  /** The ids of the sources that found a client for it, at most 20. */
  readonly sources: readonly string[]
  /** The first of its clients, at most 20. Empty if it is for everyone. */
  readonly clients: readonly string[]
  /** How many clients it is for. Null: everyone. */
  readonly clientCount: number | null
  /**
   * Subscriptions that received it, live or in a replay. Each is delivered, dropped or still
   * pending.
   */
  readonly matched: number
  readonly delivered: number
  readonly dropped: number
  /** The typed fields with a binding that takes it, at most 20. */
  readonly fields: readonly TracedField[]
  readonly messageId: string | null
  /** The beginning of its body as text. Empty if the replica is of the previous release. */
  readonly preview: string
  /** Its cursor; null if the replica is of the previous release. */
  readonly cursor: string | null
  /** What each source of its exchange makes of it, at most 20. */
  readonly sourceReasons: readonly SourceReason[]
  /** Where the sessions of its clients on this replica are, at most 20. */
  readonly sessions: readonly TracedSession[]
}

export interface SourceReason {
  readonly source: string
  /** Whether it finds a client for the message. */
  readonly matched: boolean
  /** At most 20; empty for everyone. */
  readonly clients: readonly string[]
  readonly everyone: boolean
  readonly reason: string
}

export const sessionOutcomes = ['delivered', 'waiting', 'started_later'] as const

/** A subscription to the channel of a client of the message. */
export interface TracedSession {
  /** The id of the session, for `disconnect`. */
  readonly session: string
  readonly clientId: string
  /**
   * The client id of the session, if it is not `clientId`: an operator or an agent that reads the
   * channel. Empty if its token has none; null if the client itself subscribes.
   */
  readonly openedBy: string | null
  readonly transport: string
  readonly address: string
  /** When the subscription began, in milliseconds since the epoch. */
  readonly since: number
  /**
   * `delivered`: its client has taken this or a later event. `waiting`: it has not come that far.
   * `started_later`: it began after the message arrived, so it has it only if it resumed.
   */
  readonly outcome: (typeof sessionOutcomes)[number]
  /** Events that wait for the client. */
  readonly pending: number
}

export const fieldOutcomes = ['matched', 'not_matched', 'filtered', 'invalid', 'unused'] as const

/** What a typed field makes of a message, for the subscriptions that this replica has now. */
export interface TracedField {
  readonly field: string
  /**
   * `not_matched`: no subscription has its values. `filtered`: its event type or a condition of the
   * schema excludes it. `unused`: the field has no subscription.
   */
  readonly outcome: (typeof fieldOutcomes)[number]
  /** Which arguments exclude it (`not_matched`), or where it is invalid; null otherwise. */
  readonly detail: string | null
}

/** What one replica knows of a message. */
export interface ReplicaTrace {
  readonly replica: string
  /** The receipt time of its oldest entry, in milliseconds since the epoch. Null if it has none. */
  readonly since: number | null
  readonly messages: readonly TracedMessage[]
}

/**
 * Subscriptions of the clients of a message that have left live delivery and have not come to it,
 * of the sessions that the trace names. They read it from the journal later.
 */
export function behindOf({ sessions, matched, delivered, dropped }: TracedMessage): number {
  const waiting = sessions.filter(({ outcome }) => outcome === 'waiting').length
  return Math.max(0, waiting - (matched - delivered - dropped))
}
