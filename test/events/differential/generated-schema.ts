import type { EventField, EventSchema } from '../../../src/events/model/event-schema.ts'
import type { MessagePropertyName } from '../../../src/events/model/place.ts'
import type { Seeded } from '../../ledger/seeded.ts'
import { builtSchema, type Directives, eventFieldOf, type WrittenPlace } from '../schema-builder.ts'

/** A schema with one event field, `event`. */
export interface GeneratedSchema {
  readonly schema: EventSchema
  readonly field: EventField
  /** For the report of a mismatch. */
  readonly text: string
}

const leaves = [
  'ID',
  'String',
  'Int',
  'Float',
  'Boolean',
  'BigInt',
  'Decimal',
  'UUID',
  'DateTime',
  'Date',
  'JSON',
  'Cursor',
  'Money',
  'Color',
  'Level',
]
/** Names that an object would inherit, one that GraphQL clients alias to, and ordinary ones. */
const fieldNames = [
  'id',
  'constructor',
  'toString',
  'valueOf',
  'total',
  'status',
  'at',
  'inner',
  'list',
  'other',
  'raw',
]
const tokens = ['id', 'total', 'a/b', 'm~n', '0', '1', 'constructor', 'x y', 'data']
const headers = ['x-trace', '__TypeId__', 'constructor']
const words = ['a', 'b', 'rest', 'none']
const properties: readonly MessagePropertyName[] = [
  'CURSOR',
  'MESSAGE_ID',
  'TYPE',
  'TIMESTAMP',
  'RECEIVED_AT',
  'EXCHANGE',
  'ROUTING_KEY',
  'CORRELATION_ID',
  'CONTENT_TYPE',
  'APP_ID',
  'REDELIVERED',
]
const routingKeys = ['#', '{a}.{b}', 'x.{a}.#', '{a}.#.{b}', '*.{b}.{rest#}', '{a}.x.*']
export const eventTypeNames = ['created', 'shipped', 'T0', 'T1', '7', 'other']

/**
 * Makes types `T0` and on. Values have to end: in a recursive schema a place that does not go down
 * in the body leads only to a later type, and an envelope only to leaves. In the other half of the
 * schemas all fields lead to later types, and abstract types consist of the last ones.
 */
export function generatedSchema(random: Seeded): GeneratedSchema {
  const count = 2 + Math.floor(random.next() * 4)
  const isRecursive = random.next() < 0.5
  const firstMember = isRecursive ? 0 : Math.ceil(count / 2)
  const names = Array.from({ length: count }, (_, index) => `T${index}`)
  const from: Record<string, WrittenPlace> = {}
  const as: Record<string, 'EPOCH_SECONDS' | 'EPOCH_MILLIS'> = {}
  const eventTypes: Record<string, string[]> = {}
  const lines: string[] = []
  for (const [index, name] of names.entries()) {
    const bodiless = random.next() < 0.08
    const fields = random.some(fieldNames, 1 + Math.floor(random.next() * 6)).map((field) => {
      const key = `${name}.${field}`
      const abstract = index < firstMember || isRecursive ? ['Either', 'Shared'] : []
      const types = [...(isRecursive ? names : names.slice(index + 1)), ...abstract]
      const isLeaf = bodiless || types.length === 0 || random.next() < 0.65
      const type = isLeaf ? random.pick(leaves) : random.pick(types)
      const later = type.startsWith('T') && Number(type.slice(1)) > index
      const still = later || !isRecursive
      const place = bodiless ? outsidePlace(random) : anyPlace(random, isLeaf, { still, envelope: !isRecursive })
      if (place) from[key] = place
      if (type === 'DateTime' && random.next() < 0.3) as[key] = random.pick(['EPOCH_SECONDS', 'EPOCH_MILLIS'])
      const written =
        place && ('header' in place || 'word' in place || 'property' in place)
          ? required(random, type)
          : wrapped(random, type)
      const args = random.next() < 0.2 ? '(unit: String = "m", digits: Int, list: [ID!])' : ''
      return `${field}${args}: ${written}`
    })
    const shared = index >= firstMember && random.next() < 0.6
    lines.push(
      `type ${name}${shared ? ' implements Shared' : ''} { ${fields.join(' ')}${shared ? ' shared: String common(n: Int): Float' : ''} }`,
    )
    if (random.next() < 0.6) eventTypes[name] = random.some([...eventTypeNames, '*'], 1 + Math.floor(random.next() * 2))
  }
  lines.push(`type Lone implements Shared { shared: String common(n: Int): Float }`)
  lines.push('interface Shared { shared: String common(n: Int): Float }')
  lines.push(`union Either = ${random.some(names.slice(firstMember), 1 + Math.floor(random.next() * 3)).join(' | ')}`)
  lines.push('scalar Money enum Color { RED GREEN BLUE } enum Level { LOW HIGH REST }')
  const rootType = wrapped(random, random.pick([...names, ...names, 'Either', 'Shared', random.pick(leaves)]), 0.15)
  lines.push(`type Subscription { event(id: ID, when: Boolean): ${rootType} }`)
  const directives: Directives = {
    from,
    as,
    eventTypes,
    enums: { Level: { texts: { low: 'LOW', '2': 'HIGH' }, unknown: 'REST' } },
    events: {
      event: {
        invalid: random.pick(['QUARANTINE', 'NULL', 'DELIVER']),
        only: random.next() < 0.1 ? [{ place: { kind: 'body', pointer: ['id'] }, in: ['7', 'a', 'true'] }] : [],
        bindings: [
          {
            routingKey: random.pick(routingKeys),
            body: random.pick(['', '', '', '/data', '/0']),
            ...(random.next() < 0.3
              ? {
                  typeFrom: random.pick<WrittenPlace>([
                    { body: '/kind' },
                    { envelope: '/kind' },
                    { header: 'x-type' },
                    { word: 'a' },
                  ]),
                }
              : {}),
          },
        ],
      },
    },
  }
  const sdl = lines.join('\n')
  const schema = builtSchema(sdl, directives)
  return { schema, field: eventFieldOf(schema, 'event'), text: `${sdl}\n${JSON.stringify(directives)}` }
}

/** `still`: the value at hand itself is allowed for an object. `envelope`: so is the whole body. */
function anyPlace(
  random: Seeded,
  isLeaf: boolean,
  { still, envelope }: { still: boolean; envelope: boolean },
): WrittenPlace | undefined {
  const dice = random.next()
  if (dice < 0.55) return undefined
  if (dice < 0.75) return { body: written(random, 1 + Math.floor(random.next() * 2)) }
  if (!isLeaf) {
    if (dice < 0.88) return still ? { body: '' } : undefined
    return envelope ? { envelope: written(random, Math.floor(random.next() * 2)) } : undefined
  }
  if (dice < 0.8) return { envelope: written(random, Math.floor(random.next() * 2)) }
  return dice < 0.84 ? { body: '' } : outsidePlace(random)
}

function outsidePlace(random: Seeded): WrittenPlace {
  return random.pick<WrittenPlace>([
    { header: random.pick(headers) },
    { word: random.pick(words) },
    { property: random.pick(properties) },
  ])
}

function written(random: Seeded, length: number): string {
  return Array.from({ length }, () => `/${random.pick(tokens).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

function required(random: Seeded, type: string): string {
  return random.next() < 0.25 ? `${type}!` : type
}

function wrapped(random: Seeded, type: string, lists = 0.2): string {
  const inner = random.next() < 0.35 ? `${type}!` : type
  return random.next() < lists ? wrapped(random, `[${inner}]`, lists) : inner
}
