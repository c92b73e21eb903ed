import type { Identity } from '../../core/model/identity.ts'
import type { EventAccess } from '../../core/ports/event-matcher.ts'
import type { EventTopic } from '../../core/ports/topic.ts'
import { authorize } from '../access/authorize.ts'
import type { Conditions } from '../access/conditions.ts'
import type { EventCaller } from '../access/event-caller.ts'
import { demandSelection } from '../access/selected-fields.ts'
import type { EventRouter } from '../matching/event-router.ts'
import type { EventField, EventSchema } from '../model/event-schema.ts'

export interface SubscriptionAccessParts {
  readonly schema: EventSchema
  readonly router: EventRouter
  readonly field: EventField
  /** The coerced arguments. */
  readonly args: Readonly<Record<string, unknown>>
  /** The selected fields below the field, as `Type.field`. */
  readonly selected: Iterable<string>
  readonly name: string
  readonly operation: 'Subscription' | 'Query'
}

/** One subscription of a field: its conditions are in the router from its first topic to its release. */
export class SubscriptionAccess implements EventAccess {
  readonly #parts: SubscriptionAccessParts
  #current: { readonly conditions: Conditions; readonly topic: EventTopic } | undefined

  constructor(parts: SubscriptionAccessParts) {
    this.#parts = parts
  }

  topicFor(identity: Identity): EventTopic {
    const { schema, router, field, args, selected, name, operation } = this.#parts
    const caller = callerOf(identity)
    demandSelection(schema, caller, { operation, name: field.name }, selected)
    const conditions = authorize(schema, field, args, caller, operation)
    const before = this.#current
    if (before?.conditions.key === conditions.key) return before.topic
    const topic: EventTopic = { kind: 'event', field: field.name, name, key: router.add(field.name, conditions) }
    if (before) router.remove(field.name, before.conditions)
    this.#current = { conditions, topic }
    return topic
  }

  release(): void {
    if (this.#current) this.#parts.router.remove(this.#parts.field.name, this.#current.conditions)
    this.#current = undefined
  }
}

export function callerOf(identity: Identity): EventCaller {
  return {
    identity,
    claims: (path) =>
      // A token with no other claims keeps none.
      identity.claims?.at(path) ?? (path.length === 1 && path[0] === 'sub' ? identity.clientId : undefined),
  }
}
