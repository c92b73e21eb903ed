import { handOvers, type PositionCounts } from '../../core/positions/position-counts.ts'
import type { Series } from './series.ts'

const none: PositionCounts = { held: 0, waiting: 0, taken: { none: 0, here: 0, answered: 0, unanswered: 0 } }

/** The series of named positions. `read` is called at each scrape. */
export function positionSeries(read: () => PositionCounts | undefined) {
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
