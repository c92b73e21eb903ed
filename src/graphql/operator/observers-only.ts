import type { Identity } from '../../core/model/identity.ts'
import { demand, mayObserve } from '../../core/sessions/authorizer.ts'

/** Throws unless the caller may read what operators read. */
export function demandObserver(identity: Identity, what: string): void {
  demand(mayObserve(identity), identity, what)
}
