import {
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNamedType,
  getNullableType,
  isAbstractType,
  isListType,
  isObjectType,
} from 'graphql'
import { printPointer, readPointer } from '../../core/json/json-pointer.ts'
import type { EventBinding, EventField, EventSchema, OnlyCondition, RequestField } from '../model/event-schema.ts'
import { gapTypeName } from '../model/gap-notice.ts'
import type { Place } from '../model/place.ts'
import type { EventInput, TypedValue, Verdict } from '../model/typed-value.ts'
import { type EventTypeSource, eventTypeReader } from './event-type.ts'
import { isNumber, tokenOf } from './numbers.ts'
import { fromEnvelope, placeReader, placeText } from './place-reader.ts'
import { broken, type PlaceStep, Reading } from './reading.ts'
import { type Slot, settle, TypeTree } from './type-reader.ts'

/** Judges one message. Throws `UndecodableBody` if it needs a body that cannot be decoded. */
export type Validate = (input: EventInput) => Verdict

/**
 * Compiles the validation of an event field. `binding` is the one that matched the message; its
 * pattern has matched the routing key. Conditions on arguments and claims are not checked here.
 */
export function compileValidator(
  schema: EventSchema,
  field: EventField,
): (input: EventInput, binding: EventBinding) => Verdict {
  const type = schema.schema.getSubscriptionType()?.getFields()[field.name]?.type
  if (!type) throw new Error(`the schema has no field Subscription.${field.name}`)
  const validators = new WeakMap<EventBinding, Validate>()
  const validatorOf = (binding: EventBinding) => {
    const validate = compile(schema, type, { ...binding, only: field.only, nulls: field.invalid === 'NULL' })
    validators.set(binding, validate)
    return validate
  }
  for (const binding of field.bindings) validatorOf(binding)
  return (input, binding) => (validators.get(binding) ?? validatorOf(binding))(input)
}

/** Compiles the validation of the replies to a request. They have no routing key and no cursor. */
export function compileReplyValidator(schema: EventSchema, { operation, name, body }: RequestField): Validate {
  const root = operation === 'Query' ? schema.schema.getQueryType() : schema.schema.getMutationType()
  const type = root?.getFields()[name]?.type
  if (!type) throw new Error(`the schema has no field ${operation}.${name}`)
  return compile(schema, type, { body, typeFrom: undefined, pattern: undefined, only: [], nulls: false })
}

interface Source extends EventTypeSource {
  readonly only: readonly OnlyCondition[]
  readonly nulls: boolean
}

const filtered: Verdict = { kind: 'filtered' }

function compile(schema: EventSchema, type: GraphQLOutputType, source: Source): Validate {
  const read = rootReader(schema, type, source)
  const only = source.only.map((condition) => compileOnly(condition, source))
  return (input) => {
    for (const holds of only) if (!holds(input)) return filtered
    const reading = new Reading(input, source.nulls)
    const value = read(reading)
    if (reading.filtered) return filtered
    if (value === broken) return { kind: 'invalid', pointer: reading.pointer, expected: reading.expected }
    return { kind: 'valid', value, invalid: reading.invalid }
  }
}

type ReadRoot = (reading: Reading) => TypedValue | typeof broken

/**
 * The event type comes first: a message of another type is filtered, whatever its payload is. Then
 * the payload is read, unless no field needs it.
 */
function rootReader(schema: EventSchema, type: GraphQLOutputType, source: Source): ReadRoot {
  const eventTypes = eventTypeReader(source)
  const tree = new TypeTree({ schema, body: source.body, pattern: source.pattern, eventTypes })
  const slot = tree.slotOf(type, undefined, true)
  const named = getNamedType(type)
  const isList = isListType(getNullableType(type))
  const only = isObjectType(named) ? named : onlyMember(schema, named)
  const sole = only && !isList ? tree.objectReader(only, true) : undefined
  const isConditional = only ? schema.eventTypes.has(only.name) : isAbstractType(named) && !isList
  const find = isConditional ? tree.memberOf(named, true) : undefined
  const step: PlaceStep = { text: printPointer(source.body), absolute: true }
  const typeStep: PlaceStep = {
    text: placeText(fromEnvelope(source.typeFrom ?? typeProperty, source.body)),
    absolute: true,
  }
  const withoutType: Slot = { ...slot, read: (_payload, reading) => reading.fail('an event type', 'nothing', typeStep) }
  const withoutBody: Slot = {
    ...slot,
    read: (_payload, reading) => reading.fail('a body of JSON, MessagePack or CBOR', 'another content type', wholeBody),
  }
  return (reading) => {
    let reader = sole
    if (find) {
      const types = reading.eventTypes(eventTypes)
      if (types.length === 0) return settle(reading, withoutType, present, step)
      const member = find(types)
      if (!member) {
        reading.filtered = true
        return broken
      }
      if (!isList) reader = member
    }
    if (reader?.bodiless) return settle(reading, { ...slot, read: reader.read }, present, step)
    const body = reading.input.body()
    // JSON null is a payload.
    if (body === undefined) return settle(reading, withoutBody, present, step)
    return settle(reading, reader ? { ...slot, read: reader.read } : slot, readPointer(body, source.body), step)
  }
}

/**
 * The member of a union or interface that takes every message, with or without an event type: the
 * only one besides `EventGap`, without `@eventType`.
 */
function onlyMember({ schema, eventTypes }: EventSchema, type: GraphQLNamedType): GraphQLObjectType | undefined {
  if (!isAbstractType(type)) return undefined
  const [member, ...others] = schema.getPossibleTypes(type).filter(({ name }) => name !== gapTypeName)
  return others.length === 0 && member && !eventTypes.has(member.name) ? member : undefined
}

const typeProperty: Place = { kind: 'property', property: 'TYPE' }
const wholeBody: PlaceStep = { text: '', absolute: true }
/** Stands for a payload that is not read. */
const present = true

/** The text at the place is one of the author's; in an array, that of an element. */
export function compileOnly(
  { place, in: texts }: OnlyCondition,
  { body, pattern }: Pick<EventTypeSource, 'body' | 'pattern'>,
): (input: EventInput) => boolean {
  const read = placeReader(fromEnvelope(place, body), pattern)
  const allowed = new Set(texts)
  const isAllowed = (value: unknown) => {
    if (typeof value === 'string') return allowed.has(value)
    if (isNumber(value)) return allowed.has(tokenOf(value))
    return typeof value === 'boolean' && allowed.has(String(value))
  }
  return (input) => {
    const value = read(input, undefined)
    return Array.isArray(value) ? value.some(isAllowed) : isAllowed(value)
  }
}
