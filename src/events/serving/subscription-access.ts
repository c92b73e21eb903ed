import type { DocumentNode } from 'graphql'
import type { Identity } from '../../core/model/identity.ts'
import type { EventAccess } from '../../core/ports/event-matcher.ts'
import type { EventTopic, StateTopic } from '../../core/ports/topic.ts'
import type { PositionTopic } from '../../core/positions/position-options.ts'
import { GatewayError } from '../../errors.ts'
import { authorize } from '../access/authorize.ts'
import type { Conditions } from '../access/conditions.ts'
import { callerOf } from '../access/event-caller.ts'
import { demandSelection } from '../access/selected-fields.ts'
import { type EventField, ownArguments } from '../model/event-schema.ts'
import type { EventFields } from './event-fields.ts'
import { continuingField } from './same-meaning.ts'
import type { ServedEvents } from './served-events.ts'

export interface SubscriptionRequest {
  /** The fields of the schema by which the request was read. */
  readonly fields: EventFields
  readonly field: EventField
  /** The coerced arguments. */
  readonly args: Readonly<Record<string, unknown>>
  /**
   * The selected fields below the field, as `Type.field`. The caller must be allowed to select
   * them.
   */
  readonly selected: Iterable<string>
  /** Undefined for clients that send no documents. */
  readonly document?: DocumentNode
  /** What the subscriber calls it. Default: the name of the field. */
  readonly name?: string
  /** `Query`: for the field's history. Default: `Subscription`. */
  readonly operation?: 'Subscription' | 'Query'
}

/** One subscription of a field: its conditions are matched from its first topic to its release. */
export class SubscriptionAccess implements EventAccess {
  readonly #served: ServedEvents
  readonly #request: SubscriptionRequest
  #fields: EventFields
  #field: EventField
  #current: { readonly fields: EventFields; readonly conditions: Conditions; readonly topic: EventTopic } | undefined

  constructor(served: ServedEvents, request: SubscriptionRequest) {
    this.#served = served
    this.#request = request
    this.#fields = request.fields
    this.#field = request.field
  }

  /** The fields and the field by which its messages are read now. */
  get reader(): { readonly fields: EventFields; readonly field: EventField } {
    return { fields: this.#fields, field: this.#field }
  }

  get wanted(): PositionTopic {
    const { args } = this.#request
    const { name: field, builtIn } = this.#field
    const own = ownArguments(builtIn)
    return { field, args: Object.fromEntries(Object.entries(args).filter(([name]) => !own.has(name))) }
  }

  topicFor(identity: Identity): EventTopic {
    const { args, selected, operation = 'Subscription', name = this.#field.name } = this.#request
    // A reload came between the reading of the request and its first topic.
    if (!this.#current && !this.reload())
      throw new GatewayError('BROKER_UNAVAILABLE', 'the schema was replaced while this operation began: try again')
    const { schema } = this.#fields
    const caller = callerOf(identity)
    demandSelection(schema, caller, { operation, name: this.#field.name }, selected)
    const conditions = authorize(schema, this.#field, args, caller, operation)
    const before = this.#current
    if (before?.fields === this.#fields && before.conditions.key === conditions.key) return before.topic
    const { name: field } = this.#field
    const topic: EventTopic = {
      kind: 'event',
      field,
      name,
      key: this.#fields.add(field, conditions),
      state: this.#stateOf(conditions),
    }
    this.release()
    this.#current = { fields: this.#fields, conditions, topic }
    return topic
  }

  /**
   * After a reload: continues with the fields that are served now. False: the subscription may not
   * continue, because its document or its conditions mean something else. Call `topicFor` after it.
   */
  reload(): boolean {
    const { current } = this.#served
    if (current === this.#fields) return true
    const next = continuingField(this.#fields.schema, current.schema, {
      document: undefined,
      ...this.#request,
      field: this.#field,
    })
    if (!next) return false
    this.#fields = current
    this.#field = next
    return true
  }

  /** `last: 0` begins with nothing of the past. */
  #stateOf(conditions: Conditions): StateTopic | undefined {
    const { builtIn, name } = this.#field
    if (builtIn.last !== undefined && this.#request.args[builtIn.last] === 0) return undefined
    return this.#fields.states.get(name)?.topicOf(conditions, this.#fields.topicTest(this.#field, conditions))
  }

  release(): void {
    this.#current?.fields.remove(this.#field.name, this.#current.conditions)
    this.#current = undefined
  }
}
