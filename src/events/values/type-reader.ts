import {
  type GraphQLNamedOutputType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNamedType,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql'
import { JsonNumber } from '../../core/json/json-number.ts'
import type { EventSchema, FieldMapping, KeyPattern } from '../model/event-schema.ts'
import { gapTypeName } from '../model/gap-notice.ts'
import { isTextPlace, type Place } from '../model/place.ts'
import { TypedObject, type TypedValue } from '../model/typed-value.ts'
import { type FindMember, memberFinder, type ReadEventTypes, typesIn } from './event-type.ts'
import { type LeafReader, leafReader, unnamed, wrong } from './leaf-reader.ts'
import { placeReader, placeText } from './place-reader.ts'
import { broken, kindOf, type PlaceStep, type Reading, type Step } from './reading.ts'

type Failure = typeof wrong | typeof unnamed | typeof broken
/** The value first, so that readers of leaves are called as they are. */
type Read = (value: unknown, reading: Reading) => TypedValue | Failure

/** A type at a place, without the place: whether null is allowed, and how a value is read. */
export interface Slot {
  readonly nullable: boolean
  /** Whether the value may contain others, so that their pointers go through this one. */
  readonly composite: boolean
  readonly expected: string
  readonly read: Read
}

/** An object type at a place. */
export interface ObjectReader {
  readonly typeName: string
  /** Whether no field is in the body, so that any body suits it, and none. */
  readonly bodiless: boolean
  readonly read: Read
}

/** Reads a value at a place. Null and invalid values are handled here, the others by the slot. */
export function settle(reading: Reading, slot: Slot, value: unknown, step: Step): TypedValue | typeof broken {
  if (value === undefined || value === null) return slot.nullable ? null : failed(reading, slot, value, step)
  if (!slot.composite) {
    const leaf = slot.read(value, reading)
    return typeof leaf === 'symbol' ? unsettled(reading, slot, leaf, value, step) : leaf
  }
  const nulled = reading.invalid.length
  reading.push(step)
  const read = slot.read(value, reading)
  reading.pop()
  if (typeof read !== 'symbol') return read
  // What became null inside is not visible if the whole does.
  reading.invalid.length = nulled
  return unsettled(reading, slot, read, value, step)
}

function unsettled(reading: Reading, slot: Slot, failure: Failure, value: unknown, step: Step) {
  if (failure === unnamed && slot.nullable) return null
  if (failure === broken) return nulled(reading, slot, step)
  return failed(reading, slot, value, step)
}

function failed(reading: Reading, slot: Slot, value: unknown, step: Step) {
  reading.fail(slot.expected, kindOf(value), step)
  return nulled(reading, slot, step)
}

function nulled(reading: Reading, slot: Slot, step: Step) {
  if (!slot.nullable || !reading.nulls || reading.filtered || reading.exceeded) return broken
  return reading.nulled(step) ? null : broken
}

/**
 * What a tree of readers is compiled for: one binding of one field, or the replies of one request.
 */
export interface TreeSource {
  readonly schema: EventSchema
  /** Where the payload is in the body. */
  readonly body: readonly string[]
  readonly pattern: KeyPattern | undefined
  readonly eventTypes: ReadEventTypes
}

/**
 * Compiles the readers of output types. Readers of object types are shared, which is what lets
 * types be recursive.
 */
export class TypeTree {
  readonly #source: TreeSource
  readonly #objects = new Map<string, ObjectReader>()

  constructor(source: TreeSource) {
    this.#source = source
  }

  /**
   * `atPayload`: the value at hand is the payload of the message, so its event type is the
   * message's.
   */
  slotOf(type: GraphQLOutputType, mapping: FieldMapping | undefined, atPayload: boolean): Slot {
    if (isNonNullType(type)) return { ...this.slotOf(type.ofType, mapping, atPayload), nullable: false }
    if (isListType(type)) return listSlot(this.slotOf(type.ofType, mapping, false))
    const named = type as GraphQLNamedOutputType
    if (isLeafType(named)) {
      const leaf = leafReader(this.#source.schema, named, mapping?.as)
      return mapping && isTextPlace(mapping.place) ? textSlot(leaf) : jsonSlot(leaf)
    }
    const slot = { nullable: true, composite: true }
    if (isAbstractType(named)) {
      return { ...slot, expected: `an object of the type ${named.name}`, read: this.#abstractRead(named, atPayload) }
    }
    return { ...slot, expected: `an object (${named.name})`, read: this.objectReader(named, atPayload).read }
  }

  objectReader(type: GraphQLObjectType, atPayload: boolean): ObjectReader {
    const key = `${type.name} ${atPayload}`
    const known = this.#objects.get(key)
    if (known) return known
    const fields = Object.values(type.getFields())
    const mappings = fields.map((field) => this.#mappingOf(type, field.name, field.type))
    const reads: ReadField[] = []
    const read = objectRead(
      type.name,
      fields.map(({ name }) => name),
      reads,
      accepts(mappings),
    )
    const bodiless = mappings.every(({ place }) => isTextPlace(place))
    const reader = { typeName: type.name, bodiless, read }
    this.#objects.set(key, reader)
    for (const [index, field] of fields.entries()) {
      const mapping = mappings[index]
      if (mapping) reads.push(this.#fieldRead(field.type, mapping, atPayload))
    }
    return reader
  }

  /** Finds the object type of an event type. */
  memberOf(type: GraphQLNamedOutputType, atPayload: boolean): FindMember<ObjectReader> {
    const { schema } = this.#source
    const types = isAbstractType(type) ? schema.schema.getPossibleTypes(type) : isObjectType(type) ? [type] : []
    return memberFinder(
      schema,
      new Map(
        types
          .filter(({ name }) => name !== gapTypeName)
          .map((member) => [member.name, this.objectReader(member, atPayload)]),
      ),
    )
  }

  #mappingOf(type: GraphQLObjectType, name: string, fieldType: GraphQLOutputType): FieldMapping {
    const mapping = this.#source.schema.objects.get(type.name)?.get(name)
    if (mapping) return mapping
    const place: Place =
      getNamedType(fieldType).name === gapTypeName
        ? { kind: 'property', property: 'GAP' }
        : { kind: 'body', pointer: [name] }
    return { place, as: undefined, allow: [], filterable: false }
  }

  #fieldRead(type: GraphQLOutputType, mapping: FieldMapping, atPayload: boolean): ReadField {
    const { place } = mapping
    const slot = this.slotOf(type, mapping, this.#isPayload(place, atPayload))
    const step: PlaceStep = { text: placeText(place), absolute: place.kind !== 'body' }
    const [name] = place.kind === 'body' && place.pointer.length === 1 ? place.pointer : []
    if (name !== undefined && !arrayIndex.test(name)) return memberRead(name, slot, step)
    const read = placeReader(place, this.#source.pattern)
    return (reading, value) => settle(reading, slot, read(reading.input, value), step)
  }

  #isPayload(place: Place, atPayload: boolean): boolean {
    if (place.kind === 'body') return atPayload && place.pointer.length === 0
    return place.kind === 'envelope' && placeText(place) === placeText({ ...place, pointer: this.#source.body })
  }

  /**
   * The payload has the event type of the message. Any other value has the one that its own member
   * `__typename` names, else that of the message.
   */
  #abstractRead(type: GraphQLNamedOutputType, atPayload: boolean): Read {
    const { eventTypes } = this.#source
    const find = this.memberOf(type, atPayload)
    return (value, reading) => {
      const own = atPayload ? [] : typesIn(ownMember(value, '__typename'))
      const types = own.length > 0 ? own : reading.eventTypes(eventTypes)
      const member = find(types)
      if (member) return member.read(value, reading)
      if (own.length > 0) return unnamed
      reading.filtered = atPayload && types.length > 0
      return wrong
    }
  }
}

type ReadField = (reading: Reading, value: unknown) => TypedValue | typeof broken

/** Most fields are members of the object at hand, which `accepts` has checked to be one. */
function memberRead(name: string, slot: Slot, step: Step): ReadField {
  const isInherited = name in Object.prototype
  const memberOf = (value: unknown) =>
    isInherited && !Object.hasOwn(value as object, name) ? undefined : (value as Record<string, unknown>)[name]
  if (slot.composite) return (reading, value) => settle(reading, slot, memberOf(value), step)
  const { nullable, read } = slot
  return (reading, value) => {
    const member = memberOf(value)
    if (member === undefined || member === null) return nullable ? null : failed(reading, slot, member, step)
    const leaf = read(member, reading)
    return typeof leaf === 'symbol' ? unsettled(reading, slot, leaf, member, step) : leaf
  }
}

function textSlot({ expected, ofText }: LeafReader): Slot {
  return {
    nullable: true,
    composite: false,
    expected,
    read: (value) => (typeof value === 'string' ? ofText(value) : wrong),
  }
}

function jsonSlot({ expected, ofJson }: LeafReader): Slot {
  return { nullable: true, composite: false, expected, read: ofJson }
}

function listSlot(element: Slot): Slot {
  return {
    nullable: true,
    composite: true,
    expected: 'an array',
    read(value, reading) {
      if (!Array.isArray(value)) return wrong
      if (!reading.count(value.length) || !reading.enter()) return broken
      const list: TypedValue[] = []
      for (let index = 0; index < value.length; index += 1) {
        const item = settle(reading, element, value[index], index)
        if (item === broken) {
          reading.leave()
          return broken
        }
        list.push(item)
      }
      reading.leave()
      return list
    },
  }
}

function objectRead(
  typeName: string,
  names: readonly string[],
  reads: readonly ReadField[],
  accept: (value: unknown) => boolean,
): Read {
  // One shape for all objects of the type, and no inherited members.
  const Fields = function () {} as unknown as new () => Record<string, TypedValue>
  Fields.prototype = Object.create(null)
  return (value, reading) => {
    if (!accept(value)) return wrong
    if (!reading.enter()) return broken
    const fields = new Fields()
    for (let index = 0; index < reads.length; index += 1) {
      const field = (reads[index] as ReadField)(reading, value)
      if (field === broken) {
        reading.leave()
        return broken
      }
      fields[names[index] as string] = field
    }
    reading.leave()
    return new TypedObject(typeName, fields)
  }
}

const arrayIndex = /^(?:0|[1-9]\d*)$/

/**
 * The kind of value that the fields need: an object if one names a member, an object or an array if
 * indexes are all that they name, and any value if they take it whole or do not read it.
 */
function accepts(mappings: readonly FieldMapping[]): (value: unknown) => boolean {
  const members = mappings.flatMap(({ place }) => (place.kind === 'body' ? place.pointer.slice(0, 1) : []))
  if (members.length === 0) return () => true
  return members.every((member) => arrayIndex.test(member)) ? isContainer : isJsonObject
}

function isContainer(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !(value instanceof JsonNumber)
}

function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return isContainer(value) && !Array.isArray(value)
}

function ownMember(value: unknown, name: string): unknown {
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
}
