import type { StateCounter } from '../accounting/state-counts.ts'

/** The counters of fields with keyed state. They outlive a change of the schema. */
export class StateCounters {
  readonly #counters = new Map<string, StateCounter>()

  /** Always returns the same object for a field. */
  of(field: string): StateCounter {
    const known = this.#counters.get(field)
    if (known) return known
    const added = { folded: 0, snapshots: 0, missed: 0 }
    this.#counters.set(field, added)
    return added
  }
}
