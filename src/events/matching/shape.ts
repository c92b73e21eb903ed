import type { CompiledFilter } from '../filters/compile-filter.ts'

/** The subscriptions with the same conditions: one channel of the hub. */
export interface Target {
  readonly key: string
  readonly filter: CompiledFilter | undefined
  /** How many subscriptions have these conditions. */
  count: number
}

/** The most look-ups that a message may need in one shape. */
export const maxCombinations = 1_000

/**
 * The subscriptions that have conditions on the same slots, by the tuple of their values. A slot is
 * an index in `Conditions.values`.
 */
export class Shape {
  readonly slots: readonly number[]
  readonly #byTuple = new Map<string, Target[]>()

  constructor(slots: readonly number[]) {
    this.slots = slots
  }

  get isEmpty(): boolean {
    return this.#byTuple.size === 0
  }

  /** `columns`: for each slot its values. */
  add(columns: readonly (readonly string[])[], target: Target): void {
    for (const tuple of tuplesOf(columns)) {
      const targets = this.#byTuple.get(tuple)
      if (targets) targets.push(target)
      else this.#byTuple.set(tuple, [target])
    }
  }

  remove(columns: readonly (readonly string[])[], target: Target): void {
    for (const tuple of tuplesOf(columns)) {
      const rest = this.#byTuple.get(tuple)?.filter((other) => other !== target)
      if (rest && rest.length > 0) this.#byTuple.set(tuple, rest)
      else this.#byTuple.delete(tuple)
    }
  }

  targetsOf(tuple: string): readonly Target[] | undefined {
    return this.#byTuple.get(tuple)
  }
}

/** Every combination of one value of each column, as text. */
export function tuplesOf(columns: readonly (readonly string[])[]): readonly string[] {
  const [only] = columns
  if (columns.length === 1 && only) return only
  let tuples = ['']
  for (const column of columns) {
    const parts = column.map((value) => `${value.length}:${value}`)
    tuples =
      parts.length === 1
        ? tuples.map((tuple) => tuple + parts[0])
        : tuples.flatMap((tuple) => parts.map((part) => tuple + part))
  }
  return tuples
}
