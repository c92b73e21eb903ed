import * as fc from 'fast-check'
import { isLongRun } from './repetitions.ts'

/**
 * A long run runs each property ten times as often, PROPERTY_RUNS=50 fifty times; `npm run mutate`
 * runs it less often.
 * PROPERTY_SEED=7 makes other values. A failure prints its seed and its path.
 */
const scale = Number(process.env['PROPERTY_RUNS'] ?? (isLongRun ? 10 : 1))
const seed = Number(process.env['PROPERTY_SEED'] ?? 20_261_128)
const fewestRuns = 20

/** The parameters of a property that usually runs `count` times. The seed is fixed. */
export function runs(count: number): fc.Parameters<unknown> & { readonly numRuns: number } {
  return { numRuns: Math.max(fewestRuns, Math.round(count * scale)), seed, endOnFailure: scale < 1 }
}

/** Whether the run is long enough for checks of what the generator made. */
export const isWholeRun = scale >= 1

/** One of these values. */
export function pick<T>(...values: readonly T[]): fc.Arbitrary<T> {
  return fc.constantFrom(...values)
}

/** Arbitrary values with weights, each one `[weight, arbitrary]`. */
export function weighted<T>(...choices: readonly (readonly [weight: number, arbitrary: fc.Arbitrary<T>])[]) {
  return fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })))
}
