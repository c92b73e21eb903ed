/** From where a subscription that took a position knows what was acked: */
export const handOvers = [
  // No subscription had it before.
  'none',
  // This replica had it.
  'here',
  // The replica that had it answered.
  'answered',
  // That replica is gone or did not answer, so what was stored counts.
  'unanswered',
] as const
export type HandOverKind = (typeof handOvers)[number]

/** Named positions on this replica. */
export interface PositionCounts {
  /** Subscriptions that have a position. */
  readonly held: number
  /** Positions with an ack that is not stored yet. */
  readonly waiting: number
  /** Subscriptions that took a position. */
  readonly taken: Readonly<Record<HandOverKind, number>>
}
