import { UndecodableBody } from '../../core/body/undecodable-body.ts'
import type { Conditions } from '../access/conditions.ts'
import type { EventBinding, EventField, EventSchema } from '../model/event-schema.ts'
import type { EventInput } from '../model/typed-value.ts'
import { FieldIndex, type FieldOutcome, type ValueOf } from './field-index.ts'
import { type KeyMatcher, keyMatcherOf } from './key-matcher.ts'
import { MessageReading } from './message-reading.ts'

/** A message as a field reads it. */
export interface RoutedReading {
  readonly index: FieldIndex
  readonly reading: MessageReading
}

/** One field that a message is for, and what the field makes of it. */
export interface EventMatch {
  readonly field: EventField
  readonly reading: MessageReading
  readonly outcome:
    | FieldOutcome
    /** A condition in use is on the body, and the body cannot be decoded. */
    | { readonly kind: 'undecodable'; readonly error: UndecodableBody }
}

interface Route {
  readonly index: FieldIndex
  /** The bindings of the field to one exchange, in SDL order. */
  readonly bindings: readonly { readonly binding: EventBinding; readonly take: KeyMatcher }[]
}

/** Finds the event fields, and the subscriptions of each, that a message is for. */
export class EventRouter {
  readonly #indexes: ReadonlyMap<string, FieldIndex>
  readonly #byExchange = new Map<string, Route[]>()

  constructor(schema: Pick<EventSchema, 'events' | 'enums'>) {
    this.#indexes = new Map([...schema.events].map(([name, field]) => [name, new FieldIndex(field, schema)]))
    for (const index of this.#indexes.values()) this.#addRoutes(index)
  }

  /** Throws `RangeError` if the schema has no such field. */
  indexOf(field: string): FieldIndex {
    const index = this.#indexes.get(field)
    if (!index) throw new RangeError(`the schema has no event field ${field}`)
    return index
  }

  /** Adds a subscription and returns its key: see `FieldIndex.add`. */
  add(field: string, conditions: Conditions): string {
    return this.indexOf(field).add(conditions)
  }

  remove(field: string, conditions: Conditions): void {
    this.indexOf(field).remove(conditions)
  }

  /** Whether any field has a subscription. */
  get isInUse(): boolean {
    return [...this.#indexes.values()].some(({ size }) => size > 0)
  }

  /** Whether a field has a binding to the exchange. */
  hasExchange(exchange: string): boolean {
    return this.#byExchange.has(exchange)
  }

  /**
   * The fields in use with a binding that takes the message, each once. `valueOf`: the message's
   * value for a field, or undefined if it has none; called only for subscriptions with filters.
   * Never throws `UndecodableBody`.
   */
  route(input: EventInput, valueOf: (reading: MessageReading, field: EventField) => ReturnType<ValueOf>): EventMatch[] {
    const routes = this.#byExchange.get(input.exchange)
    if (!routes) return []
    const matches: EventMatch[] = []
    let words: readonly string[] | undefined
    for (const route of routes) {
      if (route.index.size === 0) continue
      words ??= input.routingKey.split('.')
      const reading = readingOf(input, words, route)
      if (!reading) continue
      const { field } = route.index
      matches.push({ field, reading, outcome: outcomeOf(route.index, reading, () => valueOf(reading, field)) })
    }
    return matches
  }

  /**
   * The message as the field reads it, whether or not the field is in use; undefined if no binding
   * of the field takes it.
   */
  read(field: string, input: EventInput): MessageReading | undefined {
    const index = this.#indexes.get(field)
    const route = this.#byExchange.get(input.exchange)?.find((candidate) => candidate.index === index)
    return route && readingOf(input, input.routingKey.split('.'), route)
  }

  /** The fields with a binding that takes the message, whether or not they are in use. */
  *readings(input: EventInput): Generator<RoutedReading> {
    const words = input.routingKey.split('.')
    for (const route of this.#byExchange.get(input.exchange) ?? []) {
      const reading = readingOf(input, words, route)
      if (reading) yield { index: route.index, reading }
    }
  }

  #addRoutes(index: FieldIndex): void {
    for (const exchange of new Set(index.field.bindings.map((binding) => binding.exchange))) {
      const bindings = index.field.bindings.filter((binding) => binding.exchange === exchange)
      const routes = this.#byExchange.get(exchange) ?? []
      routes.push({ index, bindings: bindings.map((binding) => ({ binding, take: keyMatcherOf(binding) })) })
      this.#byExchange.set(exchange, routes)
    }
  }
}

function readingOf(input: EventInput, words: readonly string[], { bindings }: Route): MessageReading | undefined {
  for (const { binding, take } of bindings) {
    const captures = take(input.routingKey, words)
    if (captures) return new MessageReading(input, binding, captures)
  }
  return undefined
}

function outcomeOf(index: FieldIndex, reading: MessageReading, valueOf: ValueOf): EventMatch['outcome'] {
  try {
    return index.match(reading, valueOf)
  } catch (error) {
    if (error instanceof UndecodableBody) return { kind: 'undecodable', error }
    throw error
  }
}
