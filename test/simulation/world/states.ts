import type { StateStore } from '../../../src/core/state/state-store.ts'
import type { SimulatedDatabase } from './registry.ts'

/** A replica's connection to the keyed states in the database. */
export function simulatedStates(database: SimulatedDatabase): StateStore {
  const { states } = database
  const run = <Result>(work: () => Promise<Result>): Promise<Result> => database.query(work).then((result) => result)
  return {
    lease: (options) => run(() => states.lease(options)),
    release: (id, fence) => run(() => states.release(id, fence)),
    reset: (id, fence, epoch) => run(() => states.reset(id, fence, epoch)),
    // Each operation is one transaction: nothing comes between its reads and its writes.
    fold: (fold) =>
      database
        .queryLate(async () => {
          const before = states.states.get(fold.id)?.head
          const folded = states.fold(fold)
          if (states.states.get(fold.id)?.head !== before) database.stateWatch?.folded(fold, before)
          return folded
        })
        .then((head) => head),
    forget: (options) => run(() => states.forget(options)),
    sweep: () => run(() => states.sweep()),
    head: (id) => run(() => states.head(id)),
    page: (request) => run(() => states.page(request)),
    close: async () => {},
  }
}
