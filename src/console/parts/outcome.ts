/** What became of a message, as the console shows it. */
export const outcomeNames = [
  'DELIVERED',
  'WAITING',
  'FILTERED',
  'DROPPED',
  'UNMATCHED',
  'NO_SUBSCRIBER',
  'QUARANTINED',
  'INVALID',
  'REPEATED',
  'REPLAYED',
] as const
export type OutcomeName = (typeof outcomeNames)[number]

/** The members of a message that decide how its outcome is shown. */
export interface CountedMessage {
  readonly outcome?: string | null
  readonly delivered: number
  readonly dropped: number
  readonly pending: number
  /** Subscriptions that are behind and read it from the journal later. */
  readonly behind?: number | null
  /** Whether a source that finds clients takes it, and none found one. */
  readonly withoutClient: boolean
}

/** Of a message as a replica counts it. */
export function outcomeOf({
  outcome,
  delivered,
  dropped,
  pending,
  behind,
  withoutClient,
}: CountedMessage): OutcomeName {
  if (outcome === null || outcome === undefined) return 'REPLAYED'
  if (outcome === 'NO_SUBSCRIBER') {
    if ((behind ?? 0) > 0) return 'WAITING'
    // Typed fields read it too, and none of their subscriptions wanted it.
    return withoutClient ? 'UNMATCHED' : 'NO_SUBSCRIBER'
  }
  if (outcome === 'DELIVERED') {
    if (pending > 0) return 'WAITING'
    return dropped > 0 && delivered === 0 ? 'DROPPED' : 'DELIVERED'
  }
  return outcomeNames.find((name) => name === outcome) ?? 'REPLAYED'
}

/**
 * Whether a copy of a message is in the quarantine that channels or other fields may have received:
 * its outcome does not show that.
 */
export function isAlsoQuarantined({
  outcome,
  reason,
}: {
  readonly outcome?: string | null
  readonly reason?: string | null
}): boolean {
  return reason === 'schema' && outcome !== 'INVALID' && outcome !== 'QUARANTINED'
}
