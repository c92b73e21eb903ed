/** A comparison of two builds in pairs of runs: the median ratio, and where it lies with 95 %. */
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

/**
 * `ratios`: of each pair, the cost of the new build divided by that of the old one; at least
 * `pairsNeeded`. A difference counts if all of them are on one side of 1. More pairs than needed
 * widen the interval, so the extreme ones are left out as far as 95 % allow.
 */
export function compare(ratios: readonly number[]): Comparison {
  if (ratios.length < pairsNeeded) throw new Error(`${ratios.length} pairs of runs: at least ${pairsNeeded} are needed`)
  const sorted = ratios.toSorted((a, b) => a - b)
  const dropped = droppedAtEachEnd(ratios.length)
  const [from = Number.NaN, to = Number.NaN] = [sorted[dropped], sorted[sorted.length - 1 - dropped]]
  return { ratio: median(sorted), from, to, verdict: to < 1 ? 'faster' : from > 1 ? 'slower' : 'noise' }
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
