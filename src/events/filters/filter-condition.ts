import type { TypedValue } from '../model/typed-value.ts'

/** A condition on one value. Equal conditions have equal keys. */
export interface FilterCondition {
  readonly key: string
  readonly test: (value: TypedValue) => boolean
}

export function allOf(conditions: readonly FilterCondition[]): FilterCondition {
  const { parts, key } = joined('and', conditions)
  const [only] = parts
  if (parts.length === 1 && only) return only
  return { key, test: (value) => parts.every((part) => part.test(value)) }
}

export function anyOf(conditions: readonly FilterCondition[]): FilterCondition {
  const { parts, key } = joined('or', conditions)
  const [only] = parts
  if (parts.length === 1 && only) return only
  return { key, test: (value) => parts.some((part) => part.test(value)) }
}

export function not(condition: FilterCondition): FilterCondition {
  return { key: `not(${condition.key})`, test: (value) => !condition.test(value) }
}

/** Sorted by key and each once, so that the order in which a client writes them does not matter. */
function joined(word: 'and' | 'or', conditions: readonly FilterCondition[]) {
  const byKey = new Map(conditions.map((condition) => [condition.key, condition]))
  const keys = [...byKey.keys()].toSorted()
  return { parts: keys.flatMap((key) => byKey.get(key) ?? []), key: `${word}(${keys.join()})` }
}

/** For a list: some element, at any depth. Null is not a list. */
export function someElement({ key, test }: FilterCondition): FilterCondition {
  const some = (value: TypedValue): boolean => (Array.isArray(value) ? value.some(some) : test(value))
  return { key, test: some }
}
