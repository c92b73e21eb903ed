import {
  type DirectiveNode,
  type DocumentNode,
  type FieldDefinitionNode,
  Kind,
  type ObjectTypeDefinitionNode,
  type TypeNode,
  valueFromASTUntyped,
} from 'graphql'
import { JsonNumber } from '../../../src/core/json/json-number.ts'
import { readPointer, splitPointer } from '../../../src/core/json/json-pointer.ts'
import type { EventSample } from '../../../src/events/inference/event-sample.ts'

type Arguments = Readonly<Record<string, unknown>>

/**
 * Reads messages as events.md has it, straightforwardly and without the code under test. It knows
 * one subscription field, which is the first.
 */
export class SdlChecker {
  readonly #types = new Map<string, DocumentNode['definitions'][number]>()
  readonly #field: FieldDefinitionNode

  constructor(document: DocumentNode) {
    for (const definition of document.definitions)
      if ('name' in definition && definition.name) this.#types.set(definition.name.value, definition)
    const root = this.#types.get('Subscription') as ObjectTypeDefinitionNode
    this.#field = root.fields?.[0] as FieldDefinitionNode
  }

  /** What is wrong with the sample, one sentence each; the empty list if it is served. */
  faults(sample: EventSample): string[] {
    const bindings = uses(this.#field, 'events')
    const faults = bindings.map((events) => this.#faultsIn(sample, events))
    return faults.find((found) => found.length === 0) ?? faults[0] ?? ['no @events']
  }

  #faultsIn(sample: EventSample, events: Arguments): string[] {
    const words = captured(textIn(events, 'routingKey', '#'), textIn(events, 'exchangeType', 'TOPIC'), sample)
    if (!words) return [`the key ${sample.routingKey} does not match`]
    const payload = readPointer(sample.body, splitPointer(textIn(events, 'body', '')) ?? [])
    if (payload === undefined || payload === null) return []
    const reader = new MessageReader(this.#types, sample, words, events['typeFrom'] as Arguments | undefined)
    return reader.check(this.#field.type, payload, '', undefined)
  }
}

class MessageReader {
  readonly #types: ReadonlyMap<string, DocumentNode['definitions'][number]>
  readonly #sample: EventSample
  readonly #words: ReadonlyMap<string, string>
  readonly #typeFrom: Arguments | undefined

  constructor(
    types: ReadonlyMap<string, DocumentNode['definitions'][number]>,
    sample: EventSample,
    words: ReadonlyMap<string, string>,
    typeFrom: Arguments | undefined,
  ) {
    this.#types = types
    this.#sample = sample
    this.#words = words
    this.#typeFrom = typeFrom
  }

  check(type: TypeNode, value: unknown, at: string, as: unknown): string[] {
    if (type.kind === Kind.NON_NULL_TYPE) {
      return value === undefined || value === null ? [`${at}: null`] : this.check(type.type, value, at, as)
    }
    if (value === undefined || value === null) return []
    if (type.kind === Kind.LIST_TYPE) {
      if (!Array.isArray(value)) return [`${at}: no list`]
      return value.flatMap((element, index) => this.check(type.type, element, `${at}/${index}`, as))
    }
    return this.#checkNamed(type.name.value, value, at, as)
  }

  #checkNamed(name: string, value: unknown, at: string, as: unknown): string[] {
    const definition = this.#types.get(name)
    switch (definition?.kind) {
      case Kind.UNION_TYPE_DEFINITION: {
        const eventTypes = this.#eventTypes(value)
        const members = (definition.types ?? []).map((member) => member.name.value)
        const found = members.filter((member) => this.#namesOf(member).some((one) => eventTypes.includes(one)))
        return found.length === 1
          ? this.#checkNamed(found[0] ?? '', value, at, as)
          : [`${at}: event type ${eventTypes.join()}`]
      }
      case Kind.OBJECT_TYPE_DEFINITION: {
        const names = at === '' ? this.#namesOf(name) : []
        const eventTypes = this.#eventTypes(value)
        if (names.length > 0 && !names.some((one) => eventTypes.includes(one)))
          return [`${at}: event type ${eventTypes.join()}`]
        return (definition.fields ?? []).flatMap((field) => this.#checkField(field, value, at))
      }
      case Kind.ENUM_TYPE_DEFINITION: {
        const texts = (definition.values ?? []).map((one) => uses(one, 'value')[0]?.['is'] ?? one.name.value)
        const hasUnknown = (definition.values ?? []).some((one) => uses(one, 'value')[0]?.['unknown'] === true)
        return typeof value === 'string' && (hasUnknown || texts.includes(value)) ? [] : [`${at}: not of ${name}`]
      }
      default:
        return isScalar(name, value, as) ? [] : [`${at}: ${String(value)} is no ${name}`]
    }
  }

  #checkField(field: FieldDefinitionNode, value: unknown, at: string): string[] {
    const [from] = uses(field, 'from')
    if (from?.['property'] === 'CURSOR') return []
    const place = from && Object.keys(from).some((key) => key !== 'as') ? from : { body: `/${field.name.value}` }
    if (
      typeof place['body'] === 'string' &&
      place['body'] !== '' &&
      (typeof value !== 'object' || Array.isArray(value))
    )
      return [`${at}: no object`]
    const inner = this.#read(place, value)
    return this.check(field.type, inner, `${at}/${field.name.value}`, from?.['as'])
  }

  #read(place: Arguments, value: unknown): unknown {
    const { properties } = this.#sample
    if (typeof place['body'] === 'string') return readPointer(value, splitPointer(place['body']) ?? [])
    if (typeof place['envelope'] === 'string')
      return readPointer(this.#sample.body, splitPointer(place['envelope']) ?? [])
    if (typeof place['header'] === 'string') return readPointer(properties.headers ?? {}, [place['header']])
    if (typeof place['word'] === 'string') return this.#words.get(place['word'])
    return properties.type
  }

  #eventTypes(payload: unknown): unknown[] {
    const { properties } = this.#sample
    const value = this.#typeFrom
      ? this.#read(this.#typeFrom, payload)
      : (properties.type ?? properties.headers?.['__TypeId__'] ?? readPointer(payload, ['__typename']))
    return Array.isArray(value) ? value : [value]
  }

  #namesOf(type: string): unknown[] {
    const definition = this.#types.get(type)
    return definition?.kind === Kind.OBJECT_TYPE_DEFINITION ? uses(definition, 'eventType').map(({ name }) => name) : []
  }
}

function isScalar(name: string, value: unknown, as: unknown): boolean {
  const isNumber = typeof value === 'number' || typeof value === 'bigint' || value instanceof JsonNumber
  const token = isNumber ? String(value) : undefined
  const number = Number(token)
  const isInteger = token !== undefined && /^-?\d+$/.test(token)
  if (as !== undefined) return token !== undefined && number > 0
  switch (name) {
    case 'ID':
      return typeof value === 'string' || isInteger
    case 'String':
      return typeof value === 'string'
    case 'Boolean':
      return typeof value === 'boolean'
    case 'Int':
      return Number.isInteger(number) && Math.abs(number) < 2 ** 31
    case 'Float':
      return token !== undefined && Number.isFinite(number) && (!isInteger || BigInt(token) === BigInt(number))
    case 'BigInt':
      return isInteger || (typeof value === 'string' && /^-?\d+$/.test(value))
    case 'Decimal':
      return token !== undefined || (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value))
    case 'UUID':
      return typeof value === 'string' && /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(value)
    case 'Date':
      return typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value))
    case 'DateTime':
      return (
        typeof value === 'string' && /^\d{4}-.*T.*(Z|[+-]\d\d:\d\d)$/i.test(value) && !Number.isNaN(Date.parse(value))
      )
    case 'JSON':
      return true
    default:
      return false
  }
}

/** What the captures have taken; undefined if the key does not match. */
function captured(pattern: string, exchangeType: string, { routingKey }: EventSample): Map<string, string> | undefined {
  if (exchangeType === 'FANOUT' || exchangeType === 'HEADERS' || pattern === '#') return new Map()
  // There can be more keys than a draft names.
  if (exchangeType === 'DIRECT') return new Map()
  const found = new Map<string, string>()
  const words = pattern.split('.')
  const given = routingKey.split('.')
  const hasRest = words.at(-1) === '#'
  const fixed = hasRest ? words.slice(0, -1) : words
  if (hasRest ? given.length < fixed.length : given.length !== fixed.length) return undefined
  for (const [index, word] of fixed.entries()) {
    const text = given[index] ?? ''
    const name = /^\{(\w+)\}$/.exec(word)?.[1]
    if (name !== undefined && text !== '') found.set(name, text)
    else if (word !== '*' && word !== text) return undefined
  }
  return found
}

function uses(node: { readonly directives?: readonly DirectiveNode[] | undefined }, name: string): Arguments[] {
  return (node.directives ?? [])
    .filter((one) => one.name.value === name)
    .map((one) =>
      Object.fromEntries((one.arguments ?? []).map((given) => [given.name.value, valueFromASTUntyped(given.value)])),
    )
}

function textIn(given: Arguments, name: string, fallback: string): string {
  const value = given[name]
  return typeof value === 'string' ? value : fallback
}
