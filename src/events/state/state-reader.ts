import { createHash } from 'node:crypto'
import { getNamedType } from 'graphql'
import { readPointer } from '../../core/json/json-pointer.ts'
import { integerDigits } from '../matching/equality.ts'
import type { EventBinding, EventField, EventSchema, KeyedState } from '../model/event-schema.ts'
import { type EventInput, TypedObject, type Verdict } from '../model/typed-value.ts'
import { compileOnly, compileValidator } from '../values/compiled-validator.ts'
import { eventTypeReader } from '../values/event-type.ts'
import { fromEnvelope, placeReader, placeText } from '../values/place-reader.ts'

/** The longest key, in bytes: keys are indexed. */
const maxKeyBytes = 512

export type ValidateForBinding = (input: EventInput, binding: EventBinding) => Verdict

interface BindingReader {
  readonly keyOf: (input: EventInput) => string | undefined
  readonly removes: (input: EventInput) => boolean
  readonly isExcluded: (input: EventInput) => boolean
}

const filtered: Verdict = { kind: 'filtered' }

/**
 * Validates the messages of a field with keyed state. A message without a key is invalid, and one
 * that removes its key gets the value that the field has for that.
 */
export class StateReader {
  readonly state: KeyedState
  readonly #schema: EventSchema
  readonly #field: EventField
  readonly #validate: ValidateForBinding
  /** For an envelope of the author's: what the message lacks becomes null. */
  readonly #lenient: ValidateForBinding | undefined
  readonly #readers = new Map<EventBinding, BindingReader>()

  constructor(schema: EventSchema, field: EventField, state: KeyedState) {
    this.state = state
    this.#schema = schema
    this.#field = field
    this.#validate = compileValidator(schema, field)
    if (state.removal.kind === 'field')
      this.#lenient = compileValidator(ofEveryEventType(schema, field), { ...field, invalid: 'NULL' })
  }

  /** The key of the message; undefined if it has none. */
  keyOf(input: EventInput, binding: EventBinding): string | undefined {
    return this.#readerOf(binding).keyOf(input)
  }

  /** As `compileValidator`. */
  validate(input: EventInput, binding: EventBinding): Verdict {
    const reader = this.#readerOf(binding)
    if (reader.removes(input)) return this.#removal(input, binding, reader)
    const verdict = this.#validate(input, binding)
    if (verdict.kind !== 'valid' || reader.keyOf(input) !== undefined) return verdict
    return this.#withoutKey(binding)
  }

  #removal(input: EventInput, binding: EventBinding, reader: BindingReader): Verdict {
    if (reader.isExcluded(input)) return filtered
    const removed = reader.keyOf(input)
    if (removed === undefined) return this.#withoutKey(binding)
    const { removal } = this.state
    switch (removal.kind) {
      case 'null':
        return { kind: 'valid', value: null, invalid: [], removed }
      case 'field': {
        const verdict = this.#lenient?.(withPayload(input, binding), binding) ?? filtered
        if (verdict.kind !== 'valid' || !(verdict.value instanceof TypedObject)) return verdict
        const fields = { ...verdict.value.fields, [removal.field]: true }
        return { kind: 'valid', value: new TypedObject(verdict.value.typeName, fields), invalid: [], removed }
      }
      default: {
        const verdict = this.#validate(input, binding)
        return verdict.kind === 'valid' ? { ...verdict, removed } : verdict
      }
    }
  }

  #withoutKey({ body }: EventBinding): Verdict {
    const expected = `the key of @state: a string or an integer of at most ${maxKeyBytes} bytes, got another value`
    return { kind: 'invalid', pointer: placeText(fromEnvelope(this.state.key, body)), expected }
  }

  #readerOf(binding: EventBinding): BindingReader {
    const known = this.#readers.get(binding)
    if (known) return known
    const { key, deleteOn, removal } = this.state
    const { body, pattern } = binding
    const read = placeReader(fromEnvelope(key, body), pattern)
    const eventTypes = eventTypeReader(binding)
    const deleting = new Set(deleteOn)
    const excluding = this.#field.only.map((condition) => compileOnly(condition, binding))
    // A payload of null has no key in it, and only some types have a form for it.
    const nullRemoves = key.kind !== 'body' && removal.kind === 'null'
    const reader: BindingReader = {
      keyOf: (input) => keyText(read(input, undefined)),
      removes: (input) =>
        (deleting.size > 0 && eventTypes(input).some((type) => deleting.has(type))) ||
        (nullRemoves && readPointer(input.body(), body) === null),
      isExcluded: (input) => excluding.some((holds) => !holds(input)),
    }
    this.#readers.set(binding, reader)
    return reader
  }

  /** Equal for definitions that fold the same messages in the same way. */
  get id(): string {
    const { bindings, only, conditions, ownerPlaces, name } = this.#field
    const { key, deleteOn, removal } = this.state
    const [first] = conditions
    // What the index column holds.
    const index = first ? [first.kind, first.place, this.#enumTexts(first.enumName)] : ownerPlaces[0]
    const meaning = [bindings.map(({ location: _location, ...rest }) => rest), only, key, deleteOn.toSorted(), removal]
    const hash = createHash('sha256').update(JSON.stringify([meaning, index]))
    return `${name}.${hash.digest('base64url').slice(0, 16)}`
  }

  #enumTexts(name: string | undefined): unknown {
    return name === undefined ? null : [...(this.#schema.enums.get(name)?.byText ?? [])]
  }
}

/**
 * The message with an empty object as its payload if it has none, so that a removal may be an empty
 * body.
 */
function withPayload(input: EventInput, { body }: EventBinding): EventInput {
  const whole = input.body()
  if ((readPointer(whole, body) ?? null) !== null) return input
  const filled = filledAt(whole, body)
  const { exchange, routingKey, properties, redelivered, receivedAt } = input
  return {
    exchange,
    routingKey,
    properties,
    redelivered,
    receivedAt,
    get cursor() {
      return input.cursor
    },
    body: () => filled,
  }
}

/** The object with an empty object at the path, and the members that it has beside the path. */
function filledAt(value: unknown, [name, ...rest]: readonly string[]): unknown {
  if (name === undefined) return {}
  const members = typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
  return { ...members, [name]: filledAt(readPointer(members, [name]), rest) }
}

/** The type of the field takes every event type, so those of `deleteOn` too. */
function ofEveryEventType(schema: EventSchema, field: EventField): EventSchema {
  const type = schema.schema.getSubscriptionType()?.getFields()[field.name]?.type
  const eventTypes = new Map(schema.eventTypes)
  if (type) eventTypes.delete(getNamedType(type).name)
  return { ...schema, eventTypes }
}

function keyText(value: unknown): string | undefined {
  const text = typeof value === 'string' ? asStored(value) : integerDigits(value)
  // PostgreSQL stores no NUL in texts.
  if (text === undefined || text === '' || text.includes('\0')) return undefined
  return Buffer.byteLength(text) > maxKeyBytes ? undefined : text
}

/** Databases store UTF-8, where all lone surrogates are the same character. */
function asStored(text: string): string {
  return /[\ud800-\udfff]/.test(text) ? Buffer.from(text).toString() : text
}
