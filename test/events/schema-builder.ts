import { buildSchema, GraphQLEnumType, type GraphQLSchema, isEnumType, isObjectType } from 'graphql'
import { splitPointer } from '../../src/core/json/json-pointer.ts'
import type {
  EnumMapping,
  EventBinding,
  EventField,
  EventSchema,
  FieldMapping,
  KeyPattern,
  KeyWord,
  RequestField,
} from '../../src/events/model/event-schema.ts'
import type { MessagePropertyName, Place } from '../../src/events/model/place.ts'
import type { EventInput } from '../../src/events/model/typed-value.ts'

/** A place as SDL writes it. */
export type WrittenPlace =
  | { readonly body: string }
  | { readonly envelope: string }
  | { readonly header: string }
  | { readonly word: string }
  | { readonly property: MessagePropertyName }

/** What the SDL of a test has in directives, by `Type.field`, enum value or type name. */
export interface Directives {
  readonly from?: Readonly<Record<string, WrittenPlace>>
  readonly as?: Readonly<Record<string, FieldMapping['as']>>
  readonly eventTypes?: Readonly<Record<string, readonly string[]>>
  /**
   * Enum name → text in bodies → enum value; `unknown` is the value that takes every other text.
   */
  readonly enums?: Readonly<Record<string, { texts: Readonly<Record<string, string>>; unknown?: string }>>
  readonly events?: Readonly<
    Record<string, Partial<Omit<EventField, 'bindings'>> & { bindings?: Partial<WrittenBinding>[] }>
  >
}

export interface WrittenBinding {
  readonly routingKey: string
  readonly body: string
  readonly typeFrom: WrittenPlace
}

const prelude = `
  scalar BigInt scalar Cursor scalar Date scalar DateTime scalar Decimal scalar JSON scalar UUID
  enum GapReason { RETENTION JOURNAL_REPLACED INVALID_CURSOR OVERFLOW UNREADABLE }
  type EventGap { reason: GapReason! oldest: Cursor cursor: Cursor! }
`
const location = { file: 'test.graphql', line: 1, column: 1 }

/** An `EventSchema` from SDL without directives, and what the directives would add. */
export function builtSchema(sdl: string, directives: Directives = {}): EventSchema {
  const query = /\btype Query\b/.test(sdl) ? '' : 'type Query { none: Int }'
  const schema = buildSchema(`${prelude} ${query} ${sdl}`)
  return {
    schema,
    hash: '0123456789abcdef',
    events: new Map(
      Object.keys(schema.getSubscriptionType()?.getFields() ?? {}).map((name) => [
        name,
        eventField(name, directives.events?.[name] ?? {}),
      ]),
    ),
    publications: new Map(),
    requests: new Map(),
    objects: objectMappings(schema, directives),
    enums: enumMappings(schema, directives),
    inputs: new Map(),
    eventTypes: new Map(Object.entries(directives.eventTypes ?? {})),
  }
}

export function eventFieldOf({ events }: EventSchema, name: string): EventField {
  const field = events.get(name)
  if (!field) throw new Error(`no event field ${name}`)
  return field
}

export function bindingOf(field: EventField, index = 0): EventBinding {
  return field.bindings[index] as EventBinding
}

export function requestField(operation: RequestField['operation'], name: string, body = ''): RequestField {
  return {
    operation,
    name,
    body: pointer(body),
    location,
    exchange: '',
    routingKey: [],
    type: undefined,
    headers: [],
    wrap: undefined,
    access: { allow: [], owned: false },
    bodyArgument: undefined,
    arguments: new Map(),
    timeoutMs: 5_000,
    entity: false,
    idempotencyKey: undefined,
  }
}

/** A message without anything, but for what is given. */
export function eventInput(given: Partial<EventInput> & { json?: unknown }): EventInput {
  const { json, ...rest } = given
  return {
    exchange: 'orders',
    routingKey: '',
    properties: {},
    redelivered: false,
    receivedAt: 0,
    cursor: 'the-cursor',
    body: () => json,
    ...rest,
  }
}

export function placeOf(written: WrittenPlace): Place {
  if ('body' in written) return { kind: 'body', pointer: pointer(written.body) }
  if ('envelope' in written) return { kind: 'envelope', pointer: pointer(written.envelope) }
  if ('header' in written) return { kind: 'header', name: written.header }
  if ('word' in written) return { kind: 'word', name: written.word }
  return { kind: 'property', property: written.property }
}

export function keyPattern(routingKey: string): KeyPattern {
  const words = routingKey.split('.').map(keyWord)
  const bindingKey = words.map((word) => (word.kind === 'word' ? word.text : isRest(word) ? '#' : '*')).join('.')
  return { bindingKey, words }
}

function keyWord(text: string): KeyWord {
  const name = /^\{([^#]*)(#?)\}$/.exec(text)
  if (name) return { kind: name[2] ? 'rest' : 'capture', name: name[1] ?? '' }
  if (text === '*') return { kind: 'any' }
  return text === '#' ? { kind: 'anyRest' } : { kind: 'word', text }
}

function isRest({ kind }: KeyWord): boolean {
  return kind === 'rest' || kind === 'anyRest'
}

function pointer(text: string): string[] {
  const tokens = splitPointer(text)
  if (!tokens) throw new Error(`not a JSON pointer: ${text}`)
  return tokens
}

function eventField(
  name: string,
  { bindings = [{}], ...given }: NonNullable<Directives['events']>[string],
): EventField {
  return {
    name,
    location,
    bindings: bindings.map((written) => binding(written)),
    conditions: [],
    only: [],
    ownerPlaces: [],
    access: { allow: [], owned: false },
    invalid: 'QUARANTINE',
    gapForm: { kind: 'null' },
    history: false,
    builtIn: {
      after: 'after',
      last: 'last',
      position: 'position',
      autoAck: 'autoAck',
      every: 'every',
      overflow: 'overflow',
      checkpoints: 'checkpoints',
      filter: undefined,
    },
    filterable: false,
    state: undefined,
    ...given,
  }
}

function binding({ routingKey = '#', body = '', typeFrom }: Partial<WrittenBinding>): EventBinding {
  return {
    exchange: 'orders',
    exchangeType: 'topic' as EventBinding['exchangeType'],
    routingKey,
    pattern: keyPattern(routingKey),
    body: pointer(body),
    typeFrom: typeFrom && placeOf(typeFrom),
    declare: true,
    location,
  }
}

function objectMappings(schema: GraphQLSchema, { from = {}, as = {} }: Directives): EventSchema['objects'] {
  const roots = new Set([schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()])
  const objects = new Map<string, ReadonlyMap<string, FieldMapping>>()
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || roots.has(type) || type.name === 'EventGap' || type.name.startsWith('__')) continue
    const fields = Object.keys(type.getFields()).map((name): [string, FieldMapping] => [
      name,
      {
        place: placeOf(from[`${type.name}.${name}`] ?? { body: `/${name}` }),
        as: as[`${type.name}.${name}`],
        allow: [],
        filterable: false,
      },
    ])
    objects.set(type.name, new Map(fields))
  }
  return objects
}

function enumMappings(schema: GraphQLSchema, { enums = {} }: Directives): EventSchema['enums'] {
  const types = Object.values(schema.getTypeMap()).filter((type) => isEnumType(type) && !type.name.startsWith('__'))
  return new Map(types.map((type) => [type.name, enumMapping(type as GraphQLEnumType, enums[type.name])]))
}

function enumMapping(
  type: GraphQLEnumType,
  written: NonNullable<Directives['enums']>[string] | undefined,
): EnumMapping {
  const names = type.getValues().map(({ name }) => name)
  const byText = new Map(Object.entries(written?.texts ?? Object.fromEntries(names.map((name) => [name, name]))))
  const textOf = new Map(names.map((name) => [name, [...byText].find(([, one]) => one === name)?.[0] ?? name]))
  return { byText, textOf, unknown: written?.unknown }
}
