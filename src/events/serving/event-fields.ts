import type { TracedField } from '../../core/accounting/replica-trace.ts'
import { UndecodableBody } from '../../core/body/undecodable-body.ts'
import type { MessageEvent } from '../../core/model/channel-event.ts'
import { printCursor } from '../../core/model/cursor.ts'
import { errorText } from '../../core/model/error-text.ts'
import type { EventMatcher, EventMatches, InvalidEvent } from '../../core/ports/event-matcher.ts'
import type { WindowEntry } from '../../core/ports/hot-window.ts'
import type { TopicTest } from '../../core/ports/topic.ts'
import type { Conditions } from '../access/conditions.ts'
import { EventRouter } from '../matching/event-router.ts'
import { type FieldIndex, valueIn } from '../matching/field-index.ts'
import type { MessageReading } from '../matching/message-reading.ts'
import type { EventField, EventSchema } from '../model/event-schema.ts'
import type { InvalidVerdict, Verdict } from '../model/typed-value.ts'
import { FieldState } from '../state/field-states.ts'
import { StateReader, type ValidateForBinding } from '../state/state-reader.ts'
import type { BinaryDecoders } from '../values/binary-body.ts'
import { compileValidator } from '../values/compiled-validator.ts'
import { MessageInput } from '../values/message-input.ts'

export interface EventFieldsParts {
  readonly decoders: BinaryDecoders
  /** The most that a compressed body may grow to, in bytes. */
  readonly maxDecodedBytes: number
  /** Counts what a field made of a live message. */
  readonly count: (field: string, outcome: FieldResult) => void
}

/** What a field made of a message of its exchange. */
export const fieldResults = ['matched', 'filtered', 'invalid'] as const
export type FieldResult = (typeof fieldResults)[number]

/**
 * What the fields made of one message, by the name of the field. Most messages are for one field
 * only, which takes no table.
 */
class EventReading {
  /** After a reload, a subscription of the former schema reads the message by its own fields. */
  readonly owner: EventFields
  #field: string | undefined
  #verdict: Verdict | undefined
  #others: Map<string, Verdict> | undefined

  constructor(owner: EventFields) {
    this.owner = owner
  }

  get(field: string): Verdict | undefined {
    return field === this.#field ? this.#verdict : this.#others?.get(field)
  }

  set(field: string, verdict: Verdict): void {
    if (this.#field === undefined) {
      this.#field = field
      this.#verdict = verdict
    } else {
      this.#others ??= new Map()
      this.#others.set(field, verdict)
    }
  }
}

const excluded: Verdict = { kind: 'filtered' }
const noKeys: readonly string[] = []
const noneInvalid: readonly InvalidEvent[] = []

/**
 * The subscription fields of one schema: finds the subscriptions of a message, and its value for
 * each field. A message is validated once for a field, whatever its subscriptions select.
 */
export class EventFields implements Omit<EventMatcher, 'topicTest'> {
  readonly schema: EventSchema
  /** The keyed states of fields, by the field's name. */
  readonly states: ReadonlyMap<string, FieldState>
  readonly #parts: EventFieldsParts
  readonly #router: EventRouter
  readonly #validators: ReadonlyMap<string, ValidateForBinding>

  constructor(schema: EventSchema, parts: EventFieldsParts) {
    this.schema = schema
    this.#parts = parts
    this.#router = new EventRouter(schema)
    const validators = new Map<string, ValidateForBinding>()
    const states = new Map<string, FieldState>()
    for (const [name, field] of schema.events) {
      if (!field.state) {
        validators.set(name, compileValidator(schema, field))
        continue
      }
      const reader = new StateReader(schema, field, field.state)
      validators.set(name, (input, binding) => reader.validate(input, binding))
      const inputOf = (message: WindowEntry, cursor: () => string) => this.#inputOf(message, cursor)
      const invalidEvent = (verdict: InvalidVerdict) => this.#invalidEvent(field, verdict)
      states.set(name, new FieldState(field, reader, { router: this.#router, inputOf, invalidEvent }))
    }
    this.#validators = validators
    this.states = states
  }

  /** Whether any field has a subscription. */
  get isInUse(): boolean {
    return this.#router.isInUse
  }

  hasExchange(exchange: string): boolean {
    return this.#router.hasExchange(exchange)
  }

  match(message: WindowEntry, cursor: () => string, live: boolean): EventMatches {
    const input = this.#inputOf(message, cursor)
    const reading = new EventReading(this)
    let keys: readonly string[] = noKeys
    let invalid: readonly InvalidEvent[] = noneInvalid
    let filtered = false
    const valueOf = (from: MessageReading, field: EventField) => valueIn(this.#verdictOf(reading, input, field, from))
    for (const { field, reading: from, outcome } of this.#router.route(input, valueOf)) {
      if (outcome.kind === 'undecodable') throw outcome.error
      if (outcome.kind === 'matched' && outcome.keys.length === 0) continue
      const verdict = outcome.kind === 'matched' ? this.#verdictOf(reading, input, field, from) : outcome
      if (live) this.#parts.count(field.name, verdict.kind === 'valid' ? 'matched' : verdict.kind)
      filtered ||= verdict.kind === 'filtered'
      if (isDelivered(field, verdict) && outcome.kind === 'matched')
        keys = keys.length === 0 ? outcome.keys : [...keys, ...outcome.keys]
      else if (verdict.kind === 'invalid') invalid = [...invalid, this.#invalidEvent(field, verdict)]
    }
    return { keys, reading, invalid, filtered }
  }

  explain(message: WindowEntry, cursor: () => string): readonly TracedField[] {
    const input = this.#inputOf(message, cursor)
    return [...this.#router.readings(input)].map(({ index, reading }) => {
      const { name } = index.field
      try {
        const verdict = this.#validators.get(name)?.(input, reading.binding) ?? excluded
        if (verdict.kind === 'invalid')
          return traced(name, 'invalid', `${verdict.pointer}: expected ${verdict.expected}`)
        if (verdict.kind === 'filtered') return traced(name, 'filtered')
        if (index.size === 0) return traced(name, 'unused')
        const value = () => valueIn(verdict)
        if (index.keysOf(reading, value).length > 0) return traced(name, 'matched')
        return traced(name, 'not_matched', index.excludingConditions(reading, value).join(', '))
      } catch (error) {
        return traced(name, 'invalid', errorText(error))
      }
    })
  }

  /**
   * What each field with a binding that takes the message makes of it, whether or not it is in use.
   * Throws `UndecodableBody`.
   */
  verdicts(message: WindowEntry, cursor: () => string): (readonly [field: string, verdict: Verdict])[] {
    const input = this.#inputOf(message, cursor)
    return [...this.#router.readings(input)].map(({ index, reading }) => {
      const { name } = index.field
      return [name, this.#validators.get(name)?.(input, reading.binding) ?? excluded]
    })
  }

  /** What the field makes of the message of an event. */
  verdictOf(event: MessageEvent, field: EventField): Verdict {
    const kept = event.reading
    const reading = kept instanceof EventReading && kept.owner === this ? kept : new EventReading(this)
    event.reading = reading
    const known = reading.get(field.name)
    if (known) return known
    const input = this.#inputOf(event.message, () => printCursor(event.cursor))
    return this.#verdictOf(reading, input, field, this.#router.read(field.name, input))
  }

  /**
   * Judges messages by these conditions alone: see `EventMatcher.topicTest`. What it needs is made
   * when the first message is judged.
   */
  topicTest(field: EventField, conditions: Conditions): TopicTest {
    const { name } = field
    const index = this.#router.indexOf(name)
    let only: FieldIndex | undefined
    return {
      key: index.keyOf(conditions),
      matches: (message, cursor) => {
        only ??= index.only(conditions)
        try {
          const input = this.#inputOf(message, cursor)
          const reading = this.#router.read(name, input)
          if (!reading) return false
          let verdict: Verdict | undefined
          const judge = () => (verdict ??= this.#validators.get(name)?.(input, reading.binding) ?? excluded)
          return only.keysOf(reading, () => valueIn(judge())).length > 0 && isDelivered(field, judge())
        } catch (error) {
          // Its limit may be lower now.
          if (error instanceof UndecodableBody) return false
          throw error
        }
      },
    }
  }

  /** See `EventRouter.add`. */
  add(field: string, conditions: Conditions): string {
    return this.#router.add(field, conditions)
  }

  remove(field: string, conditions: Conditions): void {
    this.#router.remove(field, conditions)
  }

  #verdictOf(
    reading: EventReading,
    input: MessageInput,
    { name }: EventField,
    from: MessageReading | undefined,
  ): Verdict {
    const known = reading.get(name)
    if (known) return known
    const verdict = (from && this.#validators.get(name)?.(input, from.binding)) ?? excluded
    reading.set(name, verdict)
    return verdict
  }

  #inputOf(message: WindowEntry, cursor: () => string): MessageInput {
    return new MessageInput(message, cursor, this.#parts.decoders, this.#parts.maxDecodedBytes)
  }

  #invalidEvent({ name: field }: EventField, { pointer, expected }: InvalidVerdict): InvalidEvent {
    return { reason: 'schema', field, pointer, text: `expected ${expected}`, schema: this.schema.hash }
  }
}

/** As a value, or as an error in place of one. */
function isDelivered({ invalid }: EventField, { kind }: Verdict): boolean {
  return kind === 'valid' || (kind === 'invalid' && invalid === 'DELIVER')
}

function traced(field: string, outcome: TracedField['outcome'], detail: string | null = null): TracedField {
  return { field, outcome, detail }
}
