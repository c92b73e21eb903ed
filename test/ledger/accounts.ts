/** Where a client received a number. */
export interface Receipt {
  /** The replica. */
  readonly port: number
  /** In milliseconds since the epoch. */
  readonly at: number
  /** The epoch and the offset that the cursor names. */
  readonly epoch: string
  readonly offset: number
}

/** The events that one client received, in order. Not every ledger needs `receipt`. */
export type LedgerEvent =
  | { readonly kind: 'event'; readonly number: number; readonly receipt?: Receipt }
  | { readonly kind: 'gap'; readonly reason: string }

/**
 * Numbers were published to the client one after another, ascending: each only after RabbitMQ had
 * confirmed the one before.
 */
export interface Account {
  readonly client: string
  readonly confirmed: readonly number[]
  readonly events: readonly LedgerEvent[]
}

export interface Balance {
  /** Confirmed, never received, and not inside a reported gap. */
  readonly lost: number[]
  /** Received more than once. */
  readonly doubled: number[]
  /** Received after a later one. */
  readonly misordered: number[]
  /** Received and never published. */
  readonly invented: number[]
  /** Confirmed, never received, and inside a reported gap. */
  readonly inGaps: number
  readonly received: number
}

/**
 * Settles the account of one client: it received each confirmed number exactly once and in order,
 * or the number is inside a reported gap.
 */
export function settle({ confirmed, events }: Account, attempted: number): Balance {
  const seen = new Set<number>()
  const missing: number[] = []
  const doubled: number[] = []
  const misordered: number[] = []
  const invented: number[] = []
  let inGaps = 0
  let next = 0
  let last = 0
  let gap = false
  const pass = (upTo: number): void => {
    for (; next < confirmed.length && (confirmed[next] as number) < upTo; next += 1) {
      const number = confirmed[next] as number
      if (seen.has(number)) continue
      if (gap) inGaps += 1
      else missing.push(number)
    }
  }
  for (const one of events) {
    if (one.kind === 'gap') {
      gap = true
      continue
    }
    const { number } = one
    if (seen.has(number)) doubled.push(number)
    else if (!(number >= 1 && number <= attempted)) invented.push(number)
    else if (number < last) misordered.push(number)
    else {
      pass(number)
      gap = false
      last = number
    }
    seen.add(number)
  }
  pass(Number.POSITIVE_INFINITY)
  // A late number counts as misordered, not also as lost.
  return {
    lost: missing.filter((number) => !seen.has(number)),
    doubled,
    misordered,
    invented,
    inGaps,
    received: seen.size,
  }
}
