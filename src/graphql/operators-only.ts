import type { Identity } from '../core/model/identity.ts'
import { demand, mayObserve } from '../core/sessions/authorizer.ts'

/**
 * Marks a root field that only operators may use. In a supergraph it is `@inaccessible`
 * (`events/federation/subgraph.ts`).
 */
export const operatorsOnly = { operatorsOnly: true } as const

/** Marks a subscription field with events of its own: it is executed for each subscriber. */
export const separateEvents = { separateEvents: true } as const

/**
 * Marks a subscription field with events of its own that have the same result for all callers:
 * executed once for all subscriptions with the same operation. Resolvers below it read the event
 * and `FeedContext` only.
 */
export const sharedFeed = { ...separateEvents, sharedFeed: true } as const

/** Throws unless the caller may read what operators read. `what`: as for `demand`. */
export function demandObserver(identity: Identity, what: string): void {
  demand(mayObserve(identity), identity, what)
}
