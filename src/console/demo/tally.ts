/** How a change arrived: while the page was connected, or after an outage. */
export type Arrival = 'live' | 'caught-up'

/**
 * What the page has received of the shop's numbered changes. Pure, so that the promise is counted
 * in one place.
 */
export interface Tally {
  /** The number of the first change that this page received. Undefined before it. */
  readonly first: number | undefined
  /** The highest number so far. */
  readonly last: number
  readonly received: number
  /** Changes that came again. */
  readonly doubled: number
  /** Numbers that were skipped and have not come later. */
  readonly lost: ReadonlySet<number>
}

export const nothingYet: Tally = { first: undefined, last: 0, received: 0, doubled: 0, lost: new Set() }

export function withChange(tally: Tally, number: number): Tally {
  const { first, last, received, doubled, lost } = tally
  if (first === undefined) return { ...tally, first: number, last: number, received: 1 }
  if (number > last) {
    const skipped = Array.from({ length: number - last - 1 }, (_, index) => last + 1 + index)
    return {
      ...tally,
      last: number,
      received: received + 1,
      lost: skipped.length > 0 ? new Set([...lost, ...skipped]) : lost,
    }
  }
  if (!lost.has(number)) return { ...tally, doubled: doubled + 1 }
  return { ...tally, received: received + 1, lost: new Set([...lost].filter((other) => other !== number)) }
}

/** `confirmed`: the number of the last change that the gateway has confirmed to the shop. */
export function sums(
  { first, last, received, lost }: Tally,
  confirmed: number,
): { published: number; underWay: number } {
  if (first === undefined) return { published: 0, underWay: 0 }
  // A change may arrive before the page knows that it was confirmed.
  const published = Math.max(confirmed, last) - first + 1
  return { published, underWay: published - received - lost.size }
}
