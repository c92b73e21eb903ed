import {
  type GraphQLNamedOutputType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNamedType,
  getNullableType,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
} from 'graphql'
import { parseJson } from '../../../src/core/json/parse-json.ts'
import type { FieldMapping } from '../../../src/events/model/event-schema.ts'
import type { EventInput } from '../../../src/events/model/typed-value.ts'
import type { Seeded } from '../../ledger/seeded.ts'
import { eventInput } from '../schema-builder.ts'
import { eventTypeNames, type GeneratedSchema } from './generated-schema.ts'
import { Digits, type JsonTree, printTree, readTree } from './json-tree.ts'
import type { ReferenceMessage } from './reference-validation.ts'

/** The same message for the compiled validator and for the reference. */
export interface GeneratedMessage {
  readonly input: EventInput
  readonly reference: ReferenceMessage
  readonly text: string
}

const samples: Readonly<Record<string, readonly string[]>> = {
  ID: ['"a"', '7', '9007199254740993', '""', '-0', '12345678901234567890123'],
  String: ['"a"', '""', '"\\u00e9 \\"q\\" \\\\ \\n"', '"日本"', '"\\ud800"', '"__proto__"', '"\\u2028"'],
  Int: ['7', '7.0', '-2147483648', '2147483647', '1e2', '-0', '10.00e-1', '0'],
  Float: ['7', '0.1', '1.50', '1e300', '0.12345678901234567890123', '-0', '1e-400', '9007199254740992', '-1.5E+3'],
  Boolean: ['true', 'false'],
  BigInt: ['9007199254740993', '7.0', '1e3', '"123456789012345678901"', '-0', '12.50e1', '0.0'],
  Decimal: ['1.50', '"12.340"', '1e-7', '123456789012345678901.5', '7', '-0'],
  UUID: ['"123e4567-E89B-12d3-a456-426614174000"'],
  DateTime: [
    '"2026-11-28T17:00:00Z"',
    '"2026-11-28t17:00:00.123456789+05:30"',
    '"2024-02-29T23:59:60Z"',
    '1700000000',
    '1700000000.25',
  ],
  Date: ['"2024-02-29"', '"2026-11-28"'],
  JSON: ['{"a":[1.0,{"b":null}]}', '7.0', '[]', '"text"', 'false', '1e400'],
  Cursor: ['"abc"', '"a\\"b"'],
  Money: ['"12 EUR"', '{"amount":1.10}', '7'],
  Color: ['"RED"', '"GREEN"', '"BLUE"'],
  Level: ['"low"', '2', '"2"', '"whatever"', '77'],
}
const junk = [
  'null',
  '7',
  '"7"',
  '7.0',
  '7.5',
  'true',
  '[]',
  '{}',
  '"a"',
  '1e400',
  '9007199254740993',
  '-9007199254740993',
  '2147483648',
  '"07"',
  '"PURPLE"',
  '3',
  '[7]',
  '["a",null]',
  '{"__typename":"T0"}',
  '"2026-02-30"',
  '"2026-11-28T25:00:00Z"',
  '"2026-11-28T12:00:60Z"',
  '1e16',
  '100000000000000000000000',
  '"123e4567"',
  '"1.5"',
  '"1e3"',
  '" 7"',
  '253402300800',
  '-1e30',
]
const headerTexts = [
  '7',
  '07',
  '7.0',
  '',
  'true',
  'RED',
  'low',
  '1.50',
  '2026-11-28',
  '2026-11-28T17:00:00Z',
  '{"a":1.0}',
  '{',
  'T0',
  'created',
  '9007199254740993',
  '1700000000',
  'é"\\',
]

/** Makes a message that mostly fits the event field. `wrongness`: how often a value does not. */
export function generatedMessage(
  random: Seeded,
  { schema, field }: GeneratedSchema,
  wrongness: number,
): GeneratedMessage {
  const [binding] = field.bindings
  const type = schema.schema.getSubscriptionType()?.getFields()[field.name]?.type
  if (!binding || !type) throw new Error('no binding or no type')
  const envelope = new Map<string, JsonTree>()
  const maker = new BodyMaker(random, schema.objects, envelope, wrongness, schema)
  const payload = maker.value(type, undefined, 0)
  const put = binding.body.length === 0 && !(payload instanceof Map) ? payload : setAt(envelope, binding.body, payload)
  const body = random.next() < 0.03 ? undefined : put
  if (body instanceof Map && random.next() < 0.5) body.set('kind', maker.eventType())
  const text = body === undefined ? undefined : printTree(body)
  const header = (): unknown =>
    random.next() < 0.15 ? random.pick<unknown>([7, true, 2.5, null, 9007199254740993n]) : random.pick(headerTexts)
  const names = random.next() < 0.3 ? eventTypeNames : namesFor(schema, type)
  const properties = {
    ...(random.next() < 0.6 ? { type: random.pick(names) } : {}),
    ...(random.next() < 0.5 ? { messageId: random.pick(headerTexts) } : {}),
    ...(random.next() < 0.5 ? { timestamp: 1_700_000_000_000 } : {}),
    ...(random.next() < 0.3 ? { correlationId: '7', appId: 'RED', contentType: 'application/json' } : {}),
    headers: {
      ...(random.next() < 0.6 ? { 'x-trace': header() } : {}),
      ...(random.next() < 0.4 ? { __TypeId__: random.pick(eventTypeNames) } : {}),
      ...(random.next() < 0.4 ? { 'x-type': random.pick([...eventTypeNames, '']) } : {}),
    },
  }
  const routingKey = keyFor(random, binding.routingKey)
  const json: unknown = text === undefined ? undefined : parseJson(text)
  const input = eventInput({
    json,
    properties,
    routingKey,
    redelivered: random.next() < 0.5,
    receivedAt: 1_764_000_000_123,
  })
  return {
    input,
    reference: { input, body: text === undefined ? undefined : readTree(text) },
    text: `${routingKey} ${text} ${JSON.stringify(properties, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}`,
  }
}

/** Event types that the type of the field may stand for. */
function namesFor({ schema, eventTypes }: GeneratedSchema['schema'], type: GraphQLOutputType): readonly string[] {
  const named = getNamedType(type)
  const types = isAbstractType(named) ? schema.getPossibleTypes(named) : [named]
  return types.flatMap(({ name }) => eventTypes.get(name) ?? [name])
}

class BodyMaker {
  readonly #random: Seeded
  readonly #objects: GeneratedSchema['schema']['objects']
  readonly #envelope: Map<string, JsonTree>
  readonly #wrongness: number
  readonly #schema: GeneratedSchema['schema']

  constructor(
    random: Seeded,
    objects: GeneratedSchema['schema']['objects'],
    envelope: Map<string, JsonTree>,
    wrongness: number,
    schema: GeneratedSchema['schema'],
  ) {
    this.#random = random
    this.#objects = objects
    this.#envelope = envelope
    this.#wrongness = wrongness
    this.#schema = schema
  }

  value(type: GraphQLOutputType, mapping: FieldMapping | undefined, depth: number): JsonTree {
    if (this.#random.next() < this.#wrongness) return readTree(this.#random.pick(junk))
    if (!isNonNullType(type) && this.#random.next() < (depth > 3 ? 0.9 : 0.1)) return null
    const nullable = getNullableType(type)
    if (isListType(nullable)) {
      const length = depth > 3 ? 0 : Math.floor(this.#random.next() * 3)
      return Array.from({ length }, () => this.value(nullable.ofType, mapping, depth + 1))
    }
    if (isLeafType(nullable)) {
      if (mapping?.as) return new Digits(this.#random.pick(['1700000000', '1700000000.25', '0', '1.7e9', '-1']))
      return readTree(this.#random.pick(samples[nullable.name] ?? []))
    }
    return this.#object(nullable as GraphQLNamedOutputType, depth)
  }

  eventType(): JsonTree {
    const name = this.#random.pick(eventTypeNames)
    const dice = this.#random.next()
    if (dice < 0.2) return [new Digits('1.5'), this.#random.pick(eventTypeNames), name]
    return dice < 0.3 ? new Digits('7') : name
  }

  #object(type: GraphQLNamedOutputType, depth: number): JsonTree {
    const abstract = isAbstractType(type)
    const types: readonly GraphQLObjectType[] = abstract
      ? this.#schema.schema.getPossibleTypes(type)
      : [type as GraphQLObjectType]
    const chosen = this.#random.pick(types)
    let object: JsonTree = new Map<string, JsonTree>()
    if (abstract && this.#random.next() < 0.7) {
      const names = this.#schema.eventTypes.get(chosen.name) ?? [chosen.name]
      ;(object as Map<string, JsonTree>).set(
        '__typename',
        this.#random.next() < 0.8 ? this.#random.pick(names) : this.eventType(),
      )
    }
    if (depth > 5) return object
    for (const { name, type: fieldType } of Object.values(chosen.getFields())) {
      const mapping = this.#objects.get(chosen.name)?.get(name)
      if (!mapping) continue
      const { place } = mapping
      if (place.kind !== 'body' && place.kind !== 'envelope') continue
      const value = this.value(fieldType, mapping, depth + 1)
      if (place.kind === 'envelope') setAt(this.#envelope, place.pointer, value)
      else if (place.pointer.length > 0) object = setAt(object, place.pointer, value)
      else if (isLeafType(getNamedType(fieldType))) object = this.#random.next() < 0.5 ? object : value
      else object = merged(object, value)
    }
    return object
  }
}

/** An object for a place without a pointer has the members of both. */
function merged(object: JsonTree, value: JsonTree): JsonTree {
  if (!(object instanceof Map)) return object
  if (!(value instanceof Map)) return object.size === 0 ? value : object
  for (const [name, member] of value as ReadonlyMap<string, JsonTree>)
    (object as Map<string, JsonTree>).set(name, member)
  return object
}

/** Puts a value at a pointer, where the containers on the way allow it. */
function setAt(tree: JsonTree, pointer: readonly string[], value: JsonTree): JsonTree {
  const [token, ...rest] = pointer
  if (token === undefined) return merged(tree, value)
  if (tree instanceof Map) {
    const members = tree as Map<string, JsonTree>
    members.set(token, setAt(members.get(token) ?? new Map(), rest, value))
    if (rest.length === 0) members.set(token, value)
    return tree
  }
  if (Array.isArray(tree) && Number(token) <= tree.length) {
    tree[Number(token)] = rest.length === 0 ? value : setAt(new Map(), rest, value)
  }
  return tree
}

function keyFor(random: Seeded, pattern: string): string {
  return pattern
    .split('.')
    .flatMap((word) => {
      if (word === '#' || word.endsWith('#}'))
        return random.some(['7', 'RED', 'x', 'low'], Math.floor(random.next() * 3))
      return word === '*' || word.startsWith('{')
        ? [random.pick(['7', '07', 'RED', 'created', 'x', '', 'true'])]
        : [word]
    })
    .join('.')
}
