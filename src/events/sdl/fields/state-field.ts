import {
  type GraphQLField,
  type GraphQLObjectType,
  getNullableType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
} from 'graphql'
import { splitPointer } from '../../../core/json/json-pointer.ts'
import type { KeyedState, RemovalForm } from '../../model/event-schema.ts'
import type { Place } from '../../model/place.ts'
import type { SdlContext } from '../context.ts'
import type { DirectiveArguments } from '../directives/arguments.ts'
import { argumentNode, type DirectiveUse } from '../directives/uses.ts'
import type { TypeMappings } from '../mappings/object-mappings.ts'
import { listed, quoted } from '../mistakes.ts'
import { isUnresolved } from '../type-system/type-builder.ts'
import { checkWord } from './condition-arguments.ts'
import type { EventBindings } from './event-bindings.ts'

/** What `@state` is read with. */
interface StateReading {
  readonly context: SdlContext
  readonly mappings: TypeMappings
}

type StateUse = DirectiveUse<DirectiveArguments['state']>
type Field = GraphQLField<unknown, unknown>

const unitsMs: ReadonlyMap<string, number> = new Map([
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])
const maxKeepMs = 3_650 * 86_400_000

/** Reads `@state`. Undefined: the field has none, or one with a mistake, which is reported. */
export function readState(reading: StateReading, field: Field, bindings: EventBindings): KeyedState | undefined {
  const { context } = reading
  const { mistakes, uses } = context
  const use = uses.first(field.astNode, 'state')
  if (!use || isUnresolved(field.type)) return undefined
  const path = `Subscription.${field.name}`
  if (isListType(getNullableType(field.type))) {
    mistakes.error(use.node, `${path} returns a list, which has no key: @state is for fields with one object an event`)
    return undefined
  }
  const key = keyPlaceOf(use)
  if (!key) {
    mistakes.error(
      argumentNode(use, 'key'),
      `expected a JSON pointer (RFC 6901) such as "/id", or header:<name>, word:<capture> or envelope:<pointer>, for key of @state, got ${quoted(use.args.key)}`,
    )
  }
  const keepMs = keepOf(reading, use)
  const areTypes = checkTypes(reading, use)
  if (!key || keepMs === 'invalid' || !areTypes) return undefined
  if (!checkWord(context, key, argumentNode(use, 'key'), path, bindings)) return undefined
  const removal = removalFormOf(reading, field, use, key)
  return removal && { key, deleteOn: use.args.deleteOn, keepMs, removal }
}

function keyPlaceOf({ args: { key } }: StateUse): Place | undefined {
  const pointer = key === '' ? undefined : splitPointer(key)
  if (pointer) return { kind: 'body', pointer }
  const [, kind, name = ''] = /^(header|word|envelope):(.+)$/s.exec(key) ?? []
  if (kind === 'header' || kind === 'word') return { kind, name }
  const inEnvelope = kind === 'envelope' ? splitPointer(name) : undefined
  return inEnvelope && { kind: 'envelope', pointer: inEnvelope }
}

function keepOf({ context: { mistakes } }: StateReading, use: StateUse): number | undefined | 'invalid' {
  const { keep } = use.args
  if (keep === undefined || keep === null) return undefined
  const [, digits = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(keep) ?? []
  const ms = Number(digits) * (unitsMs.get(unit) ?? 0)
  if (ms >= 1_000 && ms <= maxKeepMs) return ms
  mistakes.error(
    argumentNode(use, 'keep'),
    `expected a time from 1s to 3650d, such as "12h" or "30d", for keep of @state, got ${quoted(keep)}`,
  )
  return 'invalid'
}

function checkTypes({ context: { mistakes } }: StateReading, use: StateUse): boolean {
  const { deleteOn } = use.args
  const isRight = !deleteOn.includes('') && new Set(deleteOn).size === deleteOn.length
  if (!isRight) {
    mistakes.error(
      argumentNode(use, 'deleteOn'),
      'expected different event types in deleteOn of @state, such as ["order.deleted"]',
    )
  }
  return isRight
}

/**
 * A removed key needs a form that the field's type has. A null payload removes its key too, if the
 * key is not in it.
 */
function removalFormOf(reading: StateReading, field: Field, use: StateUse, key: Place): RemovalForm | undefined {
  const { context, mappings } = reading
  const { mistakes } = context
  const { deleteOn } = use.args
  const type = getNullableType(field.type)
  const isNullable = !isNonNullType(field.type)
  const node = argumentNode(use, 'deleteOn')
  const path = `Subscription.${field.name}`
  if (isUnionType(type) && deleteOn.length > 0) {
    const names = type.getTypes().flatMap((member) => mappings.eventTypes.get(member.name) ?? [])
    const missing = deleteOn.filter((name) => !names.includes(name) && !names.includes('*'))
    if (missing.length === 0) return { kind: 'member' }
    mistakes.error(
      node,
      `no member of ${type.name} stands for the event type ${listed(missing.map(quoted))}, so ${path} could not tell clients that the key is removed: add a member with @eventType(name: ${quoted(missing[0] ?? '')})`,
    )
    return undefined
  }
  if (isObjectType(type)) {
    const removed = removedFieldOf(reading, type)
    if (removed !== undefined)
      return checkRemoved(reading, type, removed, key, path) ? { kind: 'field', field: removed } : undefined
  }
  if (isNullable) return { kind: 'null' }
  if (deleteOn.length === 0) return { kind: 'none' }
  mistakes.error(
    node,
    `${path} cannot tell clients that a key is removed: make the field nullable, return a union with a member for each type of deleteOn, or add a field Boolean! @from(property: REMOVED) to ${String(type)}`,
  )
  return undefined
}

function removedFieldOf({ mappings }: StateReading, type: GraphQLObjectType): string | undefined {
  return [...(mappings.objects.get(type.name) ?? [])].find(([, { place }]) => isProperty(place, 'REMOVED'))?.[0]
}

function isProperty(place: Place | undefined, name: string): boolean {
  return place?.kind === 'property' && place.property === name
}

/** What comes from the payload may be missing in a message that removes a key, except the key. */
function checkRemoved(
  { context: { mistakes }, mappings }: StateReading,
  type: GraphQLObjectType,
  removed: string,
  key: Place,
  path: string,
): boolean {
  const places = mappings.objects.get(type.name)
  const inPayload = (name: string) => {
    const place = places?.get(name)?.place
    return (place?.kind === 'body' || place?.kind === 'envelope') && JSON.stringify(place) !== JSON.stringify(key)
  }
  const fields = Object.values(type.getFields())
  const strict = fields.filter(({ name, type: fieldType }) => isNonNullType(fieldType) && inPayload(name))
  for (const { name, astNode } of strict) {
    mistakes.error(
      astNode?.type ?? {},
      `${type.name}.${name} must be nullable: where ${path} removes a key, ${type.name}.${removed} is true, and what the payload lacks is null`,
    )
  }
  return strict.length === 0
}
