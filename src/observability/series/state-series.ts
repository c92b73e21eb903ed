import type { StateCounts } from '../../core/accounting/state-counts.ts'
import type { Series } from './series.ts'

/** The series of keyed state, by typed field. `read` is called at each scrape. */
export function stateSeries(read: () => readonly StateCounts[]) {
  const by = (value: (counts: StateCounts) => number): Series => ({
    labelNames: ['field'],
    each: (visit) => {
      for (const counts of read()) visit({ field: counts.field }, value(counts))
    },
  })
  return {
    keys: by(({ keys }) => keys),
    bytes: by(({ bytes }) => bytes),
    lag: by(({ lag }) => lag),
    offset: by(({ offset }) => offset),
    folding: by(({ folding }) => (folding ? 1 : 0)),
    full: by(({ full }) => (full ? 1 : 0)),
    folded: by(({ folded }) => folded),
    snapshots: by(({ snapshots }) => snapshots),
    missed: by(({ missed }) => missed),
  }
}
