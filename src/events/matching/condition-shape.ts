import type { CompiledFilter } from '../filters/compile-filter.ts'

/** The subscriptions with the same conditions: one channel of the hub. */
export interface IndexedKey {
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
export class ConditionShape {
  readonly slots: readonly number[]
  readonly #byTuple = new Map<string, IndexedKey[]>()

  constructor(slots: readonly number[]) {
    this.slots = slots
  }

  get isEmpty(): boolean {
    return this.#byTuple.size === 0
  }

  /** `columns`: for each slot its values. */
  add(columns: readonly (readonly string[])[], target: IndexedKey): void {
    for (const tuple of tuplesOf(columns)) {
      const targets = this.#byTuple.get(tuple)
      if (targets) targets.push(target)
      else this.#byTuple.set(tuple, [target])
    }
  }

  remove(columns: readonly (readonly string[])[], target: IndexedKey): void {
    for (const tuple of tuplesOf(columns)) {
      const rest = this.#byTuple.get(tuple)?.filter((other) => other !== target)
      if (rest && rest.length > 0) this.#byTuple.set(tuple, rest)
      else this.#byTuple.delete(tuple)
    }
  }

  targetsOf(tuple: string): readonly IndexedKey[] | undefined {
    return this.#byTuple.get(tuple)
  }

  /** The values in use at a slot, by its position in `slots`. Looks at every tuple. */
  valuesAt(position: number): ReadonlySet<string> {
    return new Set([...this.#byTuple.keys()].map((tuple) => columnsOf(tuple, this.slots.length)[position] ?? ''))
  }

  /**
   * The tuple of a message with one value at each slot. `columns`: that value by slot, alone or in
   * an array. `parts`: what was made of them for other shapes.
   */
  tupleOf(columns: readonly (string | readonly string[] | undefined)[], parts: string[]): string {
    const { slots } = this
    const last = slots.length - 1
    let tuple = ''
    for (let position = 0; position < last; position += 1) {
      const slot = slots[position] ?? 0
      tuple += parts[slot] ??= partOf(onlyIn(columns[slot]))
    }
    return last < 0 ? tuple : tuple + onlyIn(columns[slots[last] ?? 0])
  }
}

function onlyIn(column: string | readonly string[] | undefined): string {
  return (typeof column === 'string' ? column : column?.[0]) ?? ''
}

/** Every combination of one value of each column, as text: equal only for equal values. */
export function tuplesOf(columns: readonly (readonly string[])[]): readonly string[] {
  let tuples: readonly string[] = columns.at(-1) ?? ['']
  for (const column of columns.slice(0, -1).toReversed()) {
    tuples = column.flatMap((value) => tuples.map((rest) => partOf(value) + rest))
  }
  return tuples
}

/** All values of a tuple but the last have their length before them. */
function partOf(value: string): string {
  return `${value.length}:${value}`
}

/** The values that `tuplesOf` put together. */
function columnsOf(tuple: string, count: number): readonly string[] {
  const columns: string[] = []
  let rest = tuple
  while (columns.length < count - 1) {
    const colon = rest.indexOf(':')
    const end = colon + 1 + Number(rest.slice(0, colon))
    columns.push(rest.slice(colon + 1, end))
    rest = rest.slice(end)
  }
  return [...columns, rest]
}
