/** The median of pairs of runs, and where it lies with 95 %. */
import { median } from './median.ts'

/**
 * With so many pairs, the smallest and the largest ratio enclose the median ratio with a probability
 * of 1 − 2 × ½⁶ = 97 %, whatever the distribution (an interval of the sign test).
 */
export const pairsNeeded = 6

export interface Comparison {
  readonly ratio: number
  readonly from: number
  readonly to: number
  readonly verdict: 'faster' | 'slower' | 'noise'
}

/** Of values that vary: their centre, and where the centre of all such values lies with 95 %. */
export interface MedianInterval {
  /** The median, or what `pairedInterval` has in its place. */
  readonly median: number
  readonly from: number
  readonly to: number
}

/**
 * `values`: at least `pairsNeeded`. More than needed widen the range of the values, so the extreme
 * ones are left out as far as 95 % allow.
 */
export function medianInterval(values: readonly number[]): MedianInterval {
  if (values.length < pairsNeeded) throw new Error(`${values.length} pairs of runs: at least ${pairsNeeded} are needed`)
  const sorted = values.toSorted((a, b) => a - b)
  const dropped = droppedAtEachEnd(values.length)
  const [from = Number.NaN, to = Number.NaN] = [sorted[dropped], sorted[sorted.length - 1 - dropped]]
  return { median: median(sorted), from, to }
}

/**
 * As `medianInterval`, for differences of pairs that are measured in either order as often:
 * these are symmetric about their centre. So the middle of any two of them estimates it, too
 * (Hodges and Lehmann), and the interval of the signed-rank test of Wilcoxon is narrower.
 */
export function pairedInterval(differences: readonly number[]): MedianInterval {
  const count = differences.length
  if (count < pairsNeeded) throw new Error(`${count} pairs of runs: at least ${pairsNeeded} are needed`)
  const middles = differences
    .flatMap((one, at) => differences.slice(at).map((other) => (one + other) / 2))
    .toSorted((a, b) => a - b)
  const dropped = ranksOutside(count)
  const [from = Number.NaN, to = Number.NaN] = [middles[dropped], middles[middles.length - 1 - dropped]]
  return { median: median(middles), from, to }
}

/**
 * `ratios`: of each pair, the cost of the new build divided by that of the old one; at least
 * `pairsNeeded`. A difference counts if the whole interval is on one side of 1.
 */
export function compare(ratios: readonly number[]): Comparison {
  const { median: ratio, from, to } = medianInterval(ratios)
  return { ratio, from, to, verdict: to < 1 ? 'faster' : from > 1 ? 'slower' : 'noise' }
}

export type BoundVerdict = 'holds' | 'does not hold' | 'not decided'

/** Whether the median is at most `bound`, if the interval decides it. */
export function verdictOn({ from, to }: MedianInterval, bound: number): BoundVerdict {
  return to <= bound ? 'holds' : from > bound ? 'does not hold' : 'not decided'
}

/** How many of the smallest and of the largest values an interval of 95 % leaves out. */
function droppedAtEachEnd(count: number): number {
  let ways = 1
  let outside = 0
  for (let dropped = 0; dropped < count; dropped += 1) {
    outside += ways / 2 ** count
    if (outside > 0.025) return Math.max(0, dropped - 1)
    ways = (ways * (count - dropped)) / (dropped + 1)
  }
  return 0
}

/** How many of the smallest and of the largest middles of pairs an interval of 95 % leaves out. */
function ranksOutside(count: number): number {
  // The probability of each sum of the ranks of positive differences.
  let sums = [1]
  for (let rank = 1; rank <= count; rank += 1) {
    const without = sums
    sums = Array.from(
      { length: without.length + rank },
      (_, sum) => ((without[sum] ?? 0) + (without[sum - rank] ?? 0)) / 2,
    )
  }
  let outside = 0
  const firstInside = sums.findIndex((probability) => {
    outside += probability
    return outside > 0.025
  })
  return firstInside - 1
}
