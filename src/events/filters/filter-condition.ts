import type { TypedValue } from '../model/typed-value.ts'

/** A condition on one value. Equal conditions have equal keys. */
export interface FilterCondition {
  readonly key: string
  readonly test: (value: TypedValue) => boolean
  /** The conditions that all must hold, if it is nothing else. */
  readonly parts?: readonly FilterCondition[]
}

/** The condition that every value passes. */
export const everything: FilterCondition = { key: 'and()', test: () => true, parts: [] }

export function allOf(conditions: readonly FilterCondition[]): FilterCondition {
  const parts = sorted(conditions.flatMap((condition) => condition.parts ?? [condition]))
  if (parts.length === 0) return everything
  const [only] = parts
  if (parts.length === 1 && only) return only
  return { key: keyOf('and', parts), test: (value) => parts.every((part) => part.test(value)), parts }
}

export function anyOf(conditions: readonly FilterCondition[]): FilterCondition {
  const parts = sorted(conditions)
  const [only] = parts
  if (parts.length === 1 && only) return only
  if (parts.some(isEverything)) return everything
  return { key: keyOf('or', parts), test: (value) => parts.some((part) => part.test(value)) }
}

export function isEverything({ key }: FilterCondition): boolean {
  return key === everything.key
}

export function not(condition: FilterCondition): FilterCondition {
  return { key: `not(${condition.key})`, test: (value) => !condition.test(value) }
}

/** By key and each once, so that the order in which a client writes them does not matter. */
function sorted(conditions: readonly FilterCondition[]): readonly FilterCondition[] {
  const byKey = new Map(conditions.map((condition) => [condition.key, condition]))
  return [...byKey.keys()].toSorted().flatMap((key) => byKey.get(key) ?? [])
}

function keyOf(word: string, parts: readonly FilterCondition[]): string {
  return `${word}(${parts.map(({ key }) => key).join()})`
}

/** For a list: some element, at any depth. Null is not a list. */
export function someElement({ key, test }: FilterCondition): FilterCondition {
  const some = (value: TypedValue): boolean => (Array.isArray(value) ? value.some(some) : test(value))
  return { key, test: some }
}
