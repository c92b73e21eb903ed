import { createHash } from 'node:crypto'
import { GatewayError } from '../../errors.ts'
import type { CompiledFilter } from '../filters/compile-filter.ts'

/** The most combinations of values that one subscription may stand for. */
export const maxTuples = 1_000

/**
 * What a subscription of an event field wants, normalised: equal conditions have equal keys. Made
 * by `authorize`.
 */
export interface Conditions {
  /**
   * For each argument of `EventField.conditions`, then for each of its `ownerPlaces`: the canonical
   * texts of which one must be at the place, sorted and each once. Undefined: no condition.
   */
  readonly values: readonly (readonly string[] | undefined)[]
  readonly filter: CompiledFilter | undefined
  /**
   * Equal for equal conditions of one field, on every replica and after a reload. At most 200
   * characters.
   */
  readonly key: string
}

/** Longer keys are replaced by their SHA-256. */
const maxKeyLength = 200

/** Throws `LIMIT_EXCEEDED` if the values make more than 1,000 combinations. */
export function conditionsOf(values: readonly (Iterable<string> | undefined)[], filter?: CompiledFilter): Conditions {
  const sorted = values.map((texts) => (texts === undefined ? undefined : [...new Set(texts)].toSorted()))
  const tuples = sorted.reduce((product, texts) => product * (texts?.length ?? 1), 1)
  if (tuples > maxTuples) {
    throw new GatewayError(
      'LIMIT_EXCEEDED',
      `expected arguments that make at most ${maxTuples} combinations of values, got ${tuples}`,
      { limit: 'tuples' },
    )
  }
  const text = JSON.stringify([sorted.map((texts) => texts ?? null), filter?.key ?? null])
  const key = text.length > maxKeyLength ? createHash('sha256').update(text).digest('base64url') : text
  return { values: sorted, filter, key }
}
