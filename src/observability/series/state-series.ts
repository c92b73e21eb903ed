import type { StateCounts } from '../../core/accounting/state-counts.ts'
import type { MetricRegistry } from './metric-registry.ts'
import type { Series } from './series.ts'

/** Registers the metrics of keyed state. `read` is called at each scrape. */
export function registerStates(registry: MetricRegistry, read: () => readonly StateCounts[]): void {
  const series = stateSeries(read)
  registry.gauge(
    'warren_state_keys',
    'Keys that the keyed state of a typed field holds, removed ones included. 0 on a replica that does not fold it.',
    series.keys,
  )
  registry.gauge(
    'warren_state_bytes',
    'Bytes of the messages that the keyed state of a typed field holds. 0 on a replica that does not fold it.',
    series.bytes,
  )
  registry.gauge(
    'warren_state_lag',
    'Entries of the journal that are not folded into the keyed state of a typed field yet. 0 on a replica that does not fold it.',
    series.lag,
  )
  registry.gauge(
    'warren_state_offset',
    'Offset in the journal up to which the keyed state of a typed field is folded. 0 on a replica that does not fold it.',
    series.offset,
  )
  registry.gauge(
    'warren_state_folding',
    '1 on the replica that has the lease of the keyed state of a typed field, and folds it. At most one replica does.',
    series.folding,
  )
  registry.gauge(
    'warren_state_full',
    '1 if this replica found that the keyed state of a typed field exceeds WARREN_MAX_STATE_KEYS or WARREN_MAX_STATE_BYTES, so that no replica folds it.',
    series.full,
    'max',
  )
  registry.counter(
    'warren_state_folded_total',
    'Messages that this replica folded into the keyed state of a typed field.',
    series.folded,
  )
  registry.counter(
    'warren_state_snapshots_total',
    'Subscriptions that received the keyed state of a typed field, or what changed in it since their cursor.',
    series.snapshots,
  )
  registry.counter(
    'warren_state_missed_total',
    'Times that retention deleted messages before they were folded into the keyed state of a typed field.',
    series.missed,
  )
}

/** The series of keyed state, by typed field. */
function stateSeries(read: () => readonly StateCounts[]) {
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
