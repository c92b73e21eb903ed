import type { MessageOutcome, QuarantineReason } from './labels.ts'

/** One entry of the journal with the requested message id, and what one replica did with it. */
export interface TracedMessage {
  readonly offset: number
  readonly exchange: string
  readonly routingKey: string
  /** In milliseconds since the epoch. */
  readonly receivedAt: number
  /** Null if it was published before the replica started: the replica only replays it. */
  readonly fate: MessageOutcome | null
  /** Why the message is in the quarantine. Null if it is not. */
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
