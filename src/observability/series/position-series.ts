import { handOvers, type PositionCounts } from '../../core/positions/position-counts.ts'
import type { MetricRegistry } from './metric-registry.ts'
import type { Series } from './series.ts'

const none: PositionCounts = { held: 0, waiting: 0, taken: { none: 0, here: 0, answered: 0, unanswered: 0 } }

/** Registers the metrics of named positions. `read` is called at each scrape. */
export function registerPositions(registry: MetricRegistry, read: () => PositionCounts | undefined): void {
  const series = positionSeries(read)
  registry.gauge('warren_position_subscriptions', 'Open subscriptions with a named position.', series.held)
  registry.gauge(
    'warren_position_acks_waiting',
    'Named positions with an ack that is not stored in the registry yet. Acks are stored within a second while the registry is available.',
    series.waiting,
  )
  registry.counter(
    'warren_positions_taken_total',
    'Subscriptions that took a named position, by what is known of its former subscription: none, it was on this replica, its replica answered how far it acked, or did not answer.',
    series.taken,
  )
}

/** The series of named positions. */
function positionSeries(read: () => PositionCounts | undefined) {
  const one = (value: (counts: PositionCounts) => number): Series => ({
    labelNames: [],
    each: (visit) => visit({}, value(read() ?? none)),
  })
  const taken: Series = {
    labelNames: ['hand_over'],
    each: (visit) => {
      const counts = read() ?? none
      for (const kind of handOvers) visit({ hand_over: kind }, counts.taken[kind])
    },
  }
  return { held: one(({ held }) => held), waiting: one(({ waiting }) => waiting), taken }
}
