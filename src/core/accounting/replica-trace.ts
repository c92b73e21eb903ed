import type { MessageOutcome, QuarantineReason } from './labels.ts'

/**
 * One entry of the journal with the message id that was asked for, and what one replica did with
 * it.
 */
export interface TracedMessage {
  readonly offset: number
  readonly exchange: string
  readonly routingKey: string
  /** In milliseconds since the epoch. */
  readonly receivedAt: number
  /** Null where it came before the replica did, which only replays it. */
  readonly fate: MessageOutcome | null
  /** Why it went to the quarantine, where it did. */
  readonly reason: QuarantineReason | null
  /** The ids of the sources that say whose it is. */
  readonly sources: readonly string[]
  /** The first of its clients. */
  readonly clients: readonly string[]
  /** How many clients it is for; null: everyone. */
  readonly clientCount: number | null
  /**
   * Subscriptions that were given it, live or behind a cursor; and what came of that. The others
   * wait.
   */
  readonly matched: number
  readonly delivered: number
  readonly dropped: number
}

/** What one replica still knows of a message. */
export interface ReplicaTrace {
  readonly replica: string
  /**
   * How far back it remembers, in milliseconds since the epoch; null where it has seen nothing yet.
   */
  readonly since: number | null
  readonly messages: readonly TracedMessage[]
}
