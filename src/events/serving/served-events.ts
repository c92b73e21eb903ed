import type { TracedField } from '../../core/accounting/replica-trace.ts'
import type { Identity } from '../../core/model/identity.ts'
import type { EventMatcher, EventMatches } from '../../core/ports/event-matcher.ts'
import type { WindowEntry } from '../../core/ports/hot-window.ts'
import type { TopicTest } from '../../core/ports/topic.ts'
import type { PositionTopic } from '../../core/positions/position-options.ts'
import type { StateDefinition } from '../../core/state/state-definition.ts'
import { GatewayError } from '../../errors.ts'
import { authorize } from '../access/authorize.ts'
import { callerOf } from '../access/event-caller.ts'
import type { EventFields } from './event-fields.ts'

/**
 * The fields of the schema that is served now. After a reload, the fields of the former schema go
 * on matching until their last subscription has ended.
 */
export class ServedEvents implements EventMatcher {
  #current: EventFields
  #former: readonly EventFields[] = []

  constructor(current: EventFields) {
    this.#current = current
  }

  get current(): EventFields {
    return this.#current
  }

  /** What is folded into keyed state, by the schema that is served now. */
  get states(): readonly StateDefinition[] {
    return [...this.#current.states.values()]
  }

  replace(next: EventFields): void {
    this.#former = [this.#current, ...this.#former]
    this.#current = next
  }

  hasExchange(exchange: string): boolean {
    return this.#current.hasExchange(exchange) || this.#former.some((fields) => fields.hasExchange(exchange))
  }

  match(message: WindowEntry, cursor: () => string, live: boolean): EventMatches {
    const matches = this.#current.match(message, cursor, live)
    if (this.#former.length === 0) return matches
    this.#former = this.#former.filter(({ isInUse }) => isInUse)
    const keys = this.#former.flatMap((fields) => fields.match(message, cursor, false).keys)
    return keys.length === 0 ? matches : { ...matches, keys: [...new Set([...matches.keys, ...keys])] }
  }

  topicTest({ field, args }: PositionTopic, identity: Identity): TopicTest | undefined {
    const fields = this.#current
    const found = fields.schema.events.get(field)
    if (!found) return undefined
    try {
      return fields.topicTest(found, authorize(fields.schema, found, args, callerOf(identity)))
    } catch (error) {
      if (error instanceof GatewayError) return undefined
      throw error
    }
  }

  explain(message: WindowEntry, cursor: () => string): readonly TracedField[] {
    return this.#current.explain(message, cursor)
  }
}
