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
}

/** What one replica knows of a message. */
export interface ReplicaTrace {
  readonly replica: string
  /** The receipt time of its oldest entry, in milliseconds since the epoch. Null if it has none. */
  readonly since: number | null
  readonly messages: readonly TracedMessage[]
}
