import { buildSchema } from 'graphql'
import type {
  AllowRule,
  ClaimPath,
  ConditionArgument,
  EnumMapping,
  EventBinding,
  EventField,
  EventSchema,
  FieldMapping,
  InputFieldMapping,
  KeyWord,
  OnlyCondition,
  OwnerPlace,
  PublishField,
  RequestField,
  Template,
  ValueKind,
} from '../../../src/events/model/event-schema.ts'
import type { Place } from '../../../src/events/model/place.ts'

/** Parts of an `EventSchema`, written by hand: what the reader of SDL would make of directives. */
const location = { file: 'test.graphql', line: 1, column: 1 }

export const clientId: ClaimPath = { kind: 'clientId' }

export function claim(...pointer: string[]): ClaimPath {
  return { kind: 'claim', pointer }
}

export function body(...pointer: string[]): Place {
  return { kind: 'body', pointer }
}

export function word(name: string): Place {
  return { kind: 'word', name }
}

export function header(name: string): Place {
  return { kind: 'header', name }
}

export function allow(...scopes: string[]): AllowRule {
  return { scopes, anonymous: false }
}

export const allowAnonymous: AllowRule = { scopes: [], anonymous: true }

/** An argument from its type as in SDL: `[ID!]`, `Int!`; other names than scalars are enums. */
export function argument(
  name: string,
  type: string,
  options: { place?: Place; owners?: ClaimPath[] } = {},
): ConditionArgument {
  const kind = type.replace(/[[\]!]/g, '')
  const isScalar = /^(ID|String|Int|Boolean|BigInt|Decimal|Float|UUID)$/.test(kind)
  return {
    name,
    kind: isScalar ? (kind as ValueKind) : 'enum',
    enumName: isScalar ? undefined : kind,
    list: type.startsWith('['),
    required: type.endsWith('!'),
    place: options.place ?? body(name),
    owners: options.owners ?? [],
    location,
  }
}

export function binding(exchange: string, routingKey = '#', options: Partial<EventBinding> = {}): EventBinding {
  const words = routingKey.split('.').map((text): KeyWord => {
    const [, name, rest] = /^\{(\w+)(#?)\}$/.exec(text) ?? []
    if (name !== undefined) return { kind: rest === '#' ? 'rest' : 'capture', name }
    if (text === '*') return { kind: 'any' }
    return text === '#' ? { kind: 'anyRest' } : { kind: 'word', text }
  })
  const bindingKey = routingKey.replace(/\{\w+#\}/g, '#').replace(/\{\w+\}/g, '*')
  return {
    exchange,
    exchangeType: 'TOPIC',
    routingKey,
    pattern: { bindingKey, words },
    body: [],
    typeFrom: undefined,
    declare: true,
    location,
    ...options,
  }
}

interface EventOptions {
  readonly bindings?: readonly EventBinding[]
  readonly conditions?: readonly ConditionArgument[]
  readonly only?: readonly OnlyCondition[]
  readonly ownerPlaces?: readonly OwnerPlace[]
  readonly allow?: readonly AllowRule[]
  readonly filterable?: boolean
}

export function eventField(name: string, options: EventOptions = {}): EventField {
  const { conditions = [], ownerPlaces = [], filterable = false } = options
  return {
    name,
    location,
    bindings: options.bindings ?? [binding('events')],
    conditions,
    only: options.only ?? [],
    ownerPlaces,
    access: {
      allow: options.allow ?? [],
      owned: ownerPlaces.length > 0 || conditions.some(({ owners }) => owners.length > 0),
    },
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
      filter: filterable ? 'filter' : undefined,
    },
    filterable,
    state: undefined,
  }
}

/** `order.{input.region}.{claim:/tenant}` as the reader of SDL splits it. */
export function template(text: string): Template {
  return text
    .split(/(\{[^{}]+\})/)
    .filter((part) => part !== '')
    .map((part) => {
      if (!part.startsWith('{')) return { kind: 'text', text: part }
      const inner = part.slice(1, -1)
      return inner.startsWith('claim:/')
        ? { kind: 'claim', pointer: inner.slice('claim:/'.length).split('/') }
        : { kind: 'argument', path: inner.split('.') }
    })
}

type InputOptions = Record<string, ClaimPath[] | { member?: string; owners?: ClaimPath[] }>

export function inputFields(names: InputOptions): ReadonlyMap<string, InputFieldMapping> {
  return new Map(
    Object.entries(names).map(([name, options]) => {
      const { member = name, owners = [] } = Array.isArray(options) ? { owners: options } : options
      return [name, { member, owners }]
    }),
  )
}

interface MessageOptions extends Partial<Omit<PublishField, 'routingKey' | 'headers' | 'access' | 'arguments'>> {
  readonly routingKey?: string
  readonly headers?: Record<string, string>
  readonly arguments?: InputOptions
  readonly allow?: readonly AllowRule[]
  readonly owned?: boolean
}

export function publishField(name: string, options: MessageOptions): PublishField {
  const { routingKey = '', headers = {}, allow: rules = [], owned = false, arguments: args = {}, ...others } = options
  return {
    name,
    location,
    exchange: 'commands',
    type: undefined,
    wrap: undefined,
    bodyArgument: undefined,
    mandatory: true,
    idempotencyKey: 'idempotencyKey',
    ...others,
    routingKey: template(routingKey),
    headers: Object.entries(headers).map(([key, value]) => ({ name: key, value: template(value) })),
    access: { allow: rules, owned },
    arguments: inputFields(args),
  }
}

export function requestField(name: string, operation: 'Query' | 'Mutation', options: MessageOptions): RequestField {
  const { mandatory: _, ...field } = publishField(name, options)
  return { ...field, exchange: options.exchange ?? '', operation, timeoutMs: 5_000, body: [], entity: false }
}

/** `{ PAID: 'paid', OTHER: unknown }` as the reader of SDL maps an enum. */
export function enumMapping(texts: Record<string, string>, unknown?: string): EnumMapping {
  return {
    byText: new Map(Object.entries(texts).map(([name, text]) => [text, name])),
    textOf: new Map(Object.entries(texts)),
    unknown,
  }
}

export function fieldMapping(name: string, options: Partial<FieldMapping> = {}): FieldMapping {
  return { place: body(name), as: undefined, allow: [], filterable: false, ...options }
}

interface SchemaOptions {
  readonly events?: readonly EventField[]
  readonly enums?: Record<string, EnumMapping>
  readonly objects?: Record<string, Record<string, FieldMapping>>
  readonly inputs?: Record<string, InputOptions>
}

const scalars = 'scalar BigInt scalar Decimal scalar UUID scalar DateTime scalar Date scalar JSON scalar Cursor'

/** `sdl`: the types, without directives and scalars. */
export function eventSchema(sdl: string, options: SchemaOptions = {}): EventSchema {
  const { events = [], enums = {}, objects = {}, inputs = {} } = options
  return {
    schema: buildSchema(`${scalars} ${/type Query/.test(sdl) ? '' : 'type Query { none: Int }'} ${sdl}`),
    hash: '0000000000000000',
    events: new Map(events.map((field) => [field.name, field])),
    publications: new Map(),
    requests: new Map(),
    objects: new Map(Object.entries(objects).map(([type, fields]) => [type, new Map(Object.entries(fields))])),
    enums: new Map(Object.entries(enums)),
    inputs: new Map(Object.entries(inputs).map(([type, fields]) => [type, inputFields(fields)])),
    eventTypes: new Map(),
  }
}
