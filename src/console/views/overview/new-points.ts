import type { GatewayHistoryQuery, GatewayHistoryQueryVariables } from '../../api/generated/graphql.ts'
import type { Continuation } from '../../api/use-query.ts'

/** How many points an answer has at most. */
const maxPoints = 360
/** The last points of an answer, which late replicas may change. */
const openPoints = 2

/** Asks for the points that are new, instead of all of them every few seconds. */
export const newPoints: Continuation<GatewayHistoryQuery, GatewayHistoryQueryVariables> = {
  variables: ({ gatewayHistory: { points } }) => ({ since: points.at(-openPoints)?.at ?? null }),
  merge: (last, { gatewayHistory: newer }) => {
    const { points } = last.gatewayHistory
    const since = points.at(-openPoints)?.at
    const kept = since === undefined ? [] : points.filter(({ at }) => at < since)
    const all = [...kept, ...newer.points]
    // Times without a report are missing, so the number of points is not the age of the oldest one.
    const oldest = Date.parse(all.at(-1)?.at ?? '') - (maxPoints - 1) * newer.stepMs
    return { gatewayHistory: { ...newer, points: all.filter(({ at }) => Date.parse(at) >= oldest) } }
  },
}
