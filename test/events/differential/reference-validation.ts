import {
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNamedType,
  getNullableType,
  isAbstractType,
  isEnumType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql'
import type {
  EventBinding,
  EventField,
  EventSchema,
  FieldMapping,
  KeyWord,
} from '../../../src/events/model/event-schema.ts'
import type { Place } from '../../../src/events/model/place.ts'
import type { EventInput } from '../../../src/events/model/typed-value.ts'
import { atPointer, Digits, type JsonTree, printTree } from './json-tree.ts'
import { leafOfText, leafOfTree, notOfType, treeOfText, unknownValue } from './reference-leaf.ts'

/** A verdict in which the value is JSON with the type name as first member of each object. */
export type ReferenceVerdict =
  | { readonly kind: 'valid'; readonly value: string; readonly invalid: readonly string[] }
  | { readonly kind: 'filtered' }
  | { readonly kind: 'invalid'; readonly pointer: string }

/** A message with its body as a tree; undefined if the body is of another content type. */
export interface ReferenceMessage {
  readonly input: EventInput
  readonly body: JsonTree | undefined
}

class InvalidAt extends Error {
  readonly pointer: string

  constructor(pointer: string) {
    super(pointer)
    this.pointer = pointer
  }
}
class NotOfThisField extends Error {}

/** Rules 4, 6 and 7 of the specification, without preparation and without regard to speed. */
export function referenceVerdict(
  schema: EventSchema,
  field: EventField,
  binding: EventBinding,
  message: ReferenceMessage,
): ReferenceVerdict {
  try {
    const reading = new ReferenceReading(schema, field, binding, message)
    return { kind: 'valid', value: reading.root(), invalid: reading.invalid }
  } catch (error) {
    if (error instanceof NotOfThisField) return { kind: 'filtered' }
    if (error instanceof InvalidAt) return { kind: 'invalid', pointer: error.pointer }
    throw error
  }
}

/** What is at a place: a value of the body, or text. */
type Found = { readonly tree: JsonTree | undefined } | { readonly text: string | undefined }

class ReferenceReading {
  readonly invalid: string[] = []
  readonly #schema: EventSchema
  readonly #field: EventField
  readonly #binding: EventBinding
  /** The only member of the type of the field, if there is one. */
  #onlyMember: GraphQLObjectType | undefined
  readonly #message: ReferenceMessage
  readonly #payload: JsonTree | undefined

  constructor(schema: EventSchema, field: EventField, binding: EventBinding, message: ReferenceMessage) {
    this.#schema = schema
    this.#field = field
    this.#binding = binding
    this.#message = message
    this.#payload = atPointer(message.body, binding.body)
  }

  root(): string {
    for (const { place, in: texts } of this.#field.only) {
      const found = this.#find(place, this.#payload)
      const given = 'text' in found ? [found.text] : Array.isArray(found.tree) ? found.tree : [found.tree]
      const text = (one: JsonTree | undefined) =>
        one instanceof Digits ? one.token : typeof one === 'boolean' ? String(one) : one
      if (!given.some((one) => typeof text(one) === 'string' && texts.includes(text(one) as string)))
        throw new NotOfThisField()
    }
    const type = this.#schema.schema.getSubscriptionType()?.getFields()[this.#field.name]?.type
    if (!type) throw new Error('no such field')
    const named = getNamedType(type)
    const isList = isListType(getNullableType(type))
    let target: GraphQLOutputType | undefined
    const path = pointerOf(this.#binding.body)
    const members = isAbstractType(named)
      ? this.#schema.schema.getPossibleTypes(named).filter(({ name }) => name !== 'EventGap')
      : []
    // The only member takes every message.
    if (members.length === 1 && members[0] && !this.#schema.eventTypes.has(members[0].name) && !isList) {
      target = members[0]
      this.#onlyMember = members[0]
    } else if ((isAbstractType(named) && !isList) || (isObjectType(named) && this.#schema.eventTypes.has(named.name))) {
      const types = this.#messageTypes()
      if (types.length === 0) {
        return this.#orNull(type, path, () => {
          throw new InvalidAt(this.#typePointer())
        })
      }
      const member = this.#memberFor(named, types)
      if (!member) throw new NotOfThisField()
      if (!isList) target = member
    }
    if (isObjectType(named) && !isList) target = named
    if (target && isObjectType(target) && this.#readsNoBody(target)) {
      const bodiless = target
      return this.#orNull(type, path, () => this.#object(bodiless, null, path, true))
    }
    if (this.#message.body === undefined) {
      return this.#orNull(type, path, () => {
        throw new InvalidAt('')
      })
    }
    return this.#value(type, undefined, { tree: this.#payload }, path, true)
  }

  /** A value at a place. Absent is the same as null. */
  #value(
    type: GraphQLOutputType,
    mapping: FieldMapping | undefined,
    found: Found,
    path: string,
    whole: boolean,
  ): string {
    return this.#orNull(type, path, () => {
      if (!isAbsent(found)) return this.#present(getNullableType(type), mapping, found, path, whole)
      if (isNonNullType(type)) throw new InvalidAt(path)
      return 'null'
    })
  }

  /** What happens where a value is invalid, or of an unknown name. */
  #orNull(type: GraphQLOutputType, path: string, read: () => string): string {
    const before = this.invalid.length
    try {
      return read()
    } catch (error) {
      if (error instanceof UnknownAt) {
        if (!isNonNullType(type)) return 'null'
        throw new InvalidAt(error.pointer)
      }
      if (!(error instanceof InvalidAt) || isNonNullType(type) || this.#field.invalid !== 'NULL') throw error
      this.invalid.length = before
      this.invalid.push(path)
      return 'null'
    }
  }

  #present(
    type: GraphQLOutputType,
    mapping: FieldMapping | undefined,
    found: Found,
    path: string,
    whole: boolean,
  ): string {
    if (isListType(type)) {
      if (!('tree' in found) || !Array.isArray(found.tree)) throw new InvalidAt(path)
      const items = found.tree.map((tree, index) =>
        this.#value(type.ofType, mapping, { tree }, `${path}/${index}`, false),
      )
      return `[${items.join(',')}]`
    }
    if (isLeafType(type)) {
      if (isAnyJson(type)) {
        const tree = 'tree' in found ? found.tree : type.name === 'JSON' ? treeOfText(found.text ?? '') : found.text
        if (tree === notOfType || tree === undefined) throw new InvalidAt(path)
        return printTree(tree)
      }
      const outcome =
        'tree' in found
          ? leafOfTree(this.#schema, type, mapping?.as, found.tree as JsonTree)
          : leafOfText(this.#schema, type, mapping?.as, found.text ?? '')
      if (outcome === unknownValue) throw new UnknownAt(path)
      if (outcome === notOfType) throw new InvalidAt(path)
      return outcome
    }
    if (!('tree' in found)) throw new InvalidAt(path)
    const tree = found.tree as JsonTree
    if (isObjectType(type)) return this.#object(type, tree, path, whole)
    if (!isAbstractType(type)) throw new Error('an input type')
    if (whole && this.#onlyMember) return this.#object(this.#onlyMember, tree, path, whole)
    if (!whole) {
      const own = namesOfTypes(tree instanceof Map ? tree.get('__typename') : undefined)
      if (own.length > 0) {
        const member = this.#memberFor(type, own)
        if (!member) throw new UnknownAt(path)
        return this.#object(member, tree, path, false)
      }
    }
    const types = this.#messageTypes()
    const member = this.#memberFor(type, types)
    if (member) return this.#object(member, tree, path, whole)
    if (whole && types.length > 0) throw new NotOfThisField()
    throw new InvalidAt(path)
  }

  #object(type: GraphQLObjectType, tree: JsonTree, path: string, whole: boolean): string {
    const mappings = this.#mappingsOf(type)
    const members = [...mappings.values()].flatMap(({ place }) =>
      place.kind === 'body' ? place.pointer.slice(0, 1) : [],
    )
    const isObject = tree instanceof Map
    const onlyIndexes = members.every((member) => /^(0|[1-9][0-9]*)$/.test(member))
    if (members.length > 0 && !isObject && !(onlyIndexes && Array.isArray(tree))) throw new InvalidAt(path)
    const parts = [`"__typename":"${type.name}"`]
    for (const [name, { type: fieldType }] of Object.entries(type.getFields())) {
      const mapping = mappings.get(name) as FieldMapping
      const { place } = mapping
      const fieldPath =
        place.kind === 'body'
          ? path + pointerOf(place.pointer)
          : place.kind === 'envelope'
            ? pointerOf(place.pointer)
            : outside(place)
      const isPayload =
        place.kind === 'body'
          ? whole && place.pointer.length === 0
          : place.kind === 'envelope' && pointerOf(place.pointer) === pointerOf(this.#binding.body)
      const found = this.#find(place, tree)
      parts.push(`"${name}":${this.#value(fieldType, mapping, found, fieldPath, isPayload)}`)
    }
    return `{${parts.join(',')}}`
  }

  #mappingsOf(type: GraphQLObjectType): ReadonlyMap<string, FieldMapping> {
    const mappings = this.#schema.objects.get(type.name)
    if (!mappings) throw new Error(`no mapping of ${type.name}`)
    return mappings
  }

  #readsNoBody(type: GraphQLObjectType): boolean {
    return [...this.#mappingsOf(type).values()].every(({ place }) => place.kind !== 'body' && place.kind !== 'envelope')
  }

  #memberFor(type: ReturnType<typeof getNamedType>, types: readonly string[]): GraphQLObjectType | undefined {
    const candidates = isAbstractType(type) ? this.#schema.schema.getPossibleTypes(type) : [type as GraphQLObjectType]
    const members = candidates.filter(({ name }) => name !== 'EventGap')
    const named = (one: GraphQLObjectType) => this.#schema.eventTypes.get(one.name) ?? [one.name]
    for (const given of types) {
      const member = members.find((one) => named(one).includes(given) && given !== '*')
      if (member) return member
    }
    return types.length > 0 ? members.find((one) => named(one).includes('*')) : undefined
  }

  #messageTypes(): readonly string[] {
    const { typeFrom } = this.#binding
    const { properties } = this.#message.input
    const given = [
      typeFrom ? namesIn(this.#find(typeFrom, this.#payload)) : [],
      namesOfTypes(properties.type),
      namesIn(this.#find({ kind: 'header', name: '__TypeId__' }, undefined)),
      namesOfTypes(this.#payload instanceof Map ? this.#payload.get('__typename') : undefined),
    ]
    return given.find((types) => types.length > 0) ?? []
  }

  #typePointer(): string {
    const { typeFrom, body } = this.#binding
    if (!typeFrom) return 'property:TYPE'
    if (typeFrom.kind === 'body') return pointerOf([...body, ...typeFrom.pointer])
    return typeFrom.kind === 'envelope' ? pointerOf(typeFrom.pointer) : outside(typeFrom)
  }

  #find(place: Place, atHand: JsonTree | undefined): Found {
    const { input, body } = this.#message
    switch (place.kind) {
      case 'body':
        return { tree: atPointer(atHand, place.pointer) }
      case 'envelope':
        return { tree: atPointer(body, place.pointer) }
      case 'header': {
        const value = new Map(Object.entries(input.properties.headers ?? {})).get(place.name)
        if (typeof value === 'string') return { text: value }
        const isScalar = typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint'
        return { text: isScalar ? String(value) : undefined }
      }
      case 'word':
        return {
          text: captures(this.#binding.pattern.words, input.routingKey.split('.'))?.get(place.name) || undefined,
        }
      case 'property':
        return { text: propertyText(input, place.property) }
    }
  }
}

/** An enum value or a type that the SDL does not name. */
class UnknownAt extends InvalidAt {}

function isAbsent(found: Found): boolean {
  const value = 'tree' in found ? found.tree : found.text
  return value === undefined || value === null
}

function isAnyJson(type: { readonly name: string }): boolean {
  const read = ['ID', 'String', 'Boolean', 'Int', 'Float', 'BigInt', 'Decimal', 'UUID', 'Date', 'DateTime', 'Cursor']
  return !isEnumType(type) && !read.includes(type.name)
}

function namesIn(found: Found): readonly string[] {
  return namesOfTypes('tree' in found ? found.tree : found.text)
}

function namesOfTypes(value: JsonTree | undefined): readonly string[] {
  return (Array.isArray(value) ? value : [value]).flatMap((one) => {
    if (typeof one === 'string') return one === '' ? [] : [one]
    return one instanceof Digits && /^-?[0-9]+$/.test(one.token) ? [one.token] : []
  })
}

function propertyText(input: EventInput, property: string): string | undefined {
  const { properties, exchange, routingKey, receivedAt, redelivered, cursor } = input
  const date = (value: number | undefined) => (value === undefined ? undefined : new Date(value).toISOString())
  const texts: Record<string, string | undefined> = {
    CURSOR: cursor,
    MESSAGE_ID: properties.messageId,
    TYPE: properties.type,
    TIMESTAMP: date(properties.timestamp),
    RECEIVED_AT: date(receivedAt),
    EXCHANGE: exchange,
    ROUTING_KEY: routingKey,
    CORRELATION_ID: properties.correlationId,
    CONTENT_TYPE: properties.contentType,
    APP_ID: properties.appId,
    REDELIVERED: String(redelivered),
  }
  return texts[property]
}

/** What each `{name}` matched; undefined if the pattern does not match. */
function captures(pattern: readonly KeyWord[], words: readonly string[]): Map<string, string> | undefined {
  const [first, ...rest] = pattern
  if (!first) return words.length === 0 ? new Map() : undefined
  if (first.kind === 'rest') return new Map([[first.name, words.join('.')]])
  if (first.kind === 'anyRest') {
    for (let taken = 0; taken <= words.length; taken += 1) {
      const found = captures(rest, words.slice(taken))
      if (found) return found
    }
    return undefined
  }
  const [word, ...others] = words
  if (word === undefined || (first.kind === 'word' && first.text !== word)) return undefined
  const found = captures(rest, others)
  return first.kind === 'capture' ? found?.set(first.name, word) : found
}

function outside(place: Place): string {
  if (place.kind === 'property') return `property:${place.property}`
  return 'name' in place ? `${place.kind}:${place.name}` : ''
}

function pointerOf(tokens: readonly string[]): string {
  return tokens.map((token) => `/${token.replace(/~/g, '~0').replace(/\//g, '~1')}`).join('')
}
