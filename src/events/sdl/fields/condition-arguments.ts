import { type GraphQLArgument, getNullableType, isEnumType, isListType, isNonNullType } from 'graphql'
import {
  type BuiltInArguments,
  type ConditionArgument,
  maxOptionalConditions,
  type ValueKind,
} from '../../model/event-schema.ts'
import type { Place } from '../../model/place.ts'
import type { SdlContext } from '../context.ts'
import { listed } from '../mistakes.ts'
import type { KnownTypes } from '../type-system/known-types.ts'
import { isUnresolved } from '../type-system/type-builder.ts'
import { ownersOf } from './access.ts'
import type { EventBindings } from './event-bindings.ts'
import { givenMembers, placeOfUse, readPlace } from './places.ts'

const scalarKinds = ['ID', 'String', 'Int', 'Boolean', 'BigInt', 'Decimal', 'Float', 'UUID'] as const

/** What built-in arguments do that could as well be conditions. */
const meanings: ReadonlyMap<BuiltInRole, string> = new Map([
  ['last', 'begins with so many of the last events'],
  ['position', 'continues at a position that the gateway keeps for the caller'],
  ['every', 'delivers the newest message once in this time'],
])

const defaultRefusals: ReadonlyMap<BuiltInRole, string> = new Map([
  ['last', 'a client that resumes gives after, and never both'],
  ['position', 'each device of a client has its own, or they take it from each other'],
])

export type BuiltInRole = keyof BuiltInArguments

/** What the declared arguments of an event field are. */
export interface EventArguments {
  readonly conditions: readonly ConditionArgument[]
  /** Declared arguments that play a built-in role, by role. */
  readonly builtIn: ReadonlyMap<BuiltInRole, string>
  /** Names that are the author's own, so that no built-in argument has them. */
  readonly taken: ReadonlySet<string>
}

/** `path`: the field in messages. `isNullable`: whether the field has checkpoints. */
export function readEventArguments(
  context: SdlContext,
  known: KnownTypes,
  { path, args, isNullable }: { path: string; args: readonly GraphQLArgument[]; isNullable: boolean },
  bindings: EventBindings,
): EventArguments {
  const { mistakes, uses } = context
  const conditions: ConditionArgument[] = []
  const builtIn = new Map<BuiltInRole, string>()
  let optional = 0
  for (const argument of args) {
    const node = argument.astNode ?? {}
    const hasDirective = uses.has(argument.astNode, 'match') || uses.has(argument.astNode, 'owner')
    if (!hasDirective) {
      const role = roleOf(argument, known, isNullable)
      const meaning = role && meanings.get(role)
      if (meaning !== undefined) {
        mistakes.remark(
          node,
          `"${argument.name}: ${String(argument.type)}" without a directive is the built-in argument, which ${meaning}: write @match to compare it with the message`,
        )
        const refusal = role && defaultRefusals.get(role)
        if (refusal !== undefined && argument.astNode?.defaultValue) {
          mistakes.error(
            argument.astNode.defaultValue,
            `${role} is the built-in argument, which cannot have a default value: ${refusal}`,
          )
        }
      }
      if (role !== undefined) {
        const other = builtIn.get(role)
        if (other === undefined) builtIn.set(role, argument.name)
        else
          mistakes.error(
            node,
            `${path} has two arguments of the type Cursor without a directive, ${other} and ${argument.name}: one is the position to resume after`,
          )
        continue
      }
    }
    const condition = readCondition(context, argument, path, bindings)
    if (!condition) continue
    conditions.push(condition)
    optional += condition.required ? 0 : 1
    if (optional > maxOptionalConditions) {
      mistakes.error(
        node,
        `${path} has more than ${maxOptionalConditions} optional arguments that are conditions: make ${argument.name} required, or use @filterable and filter`,
      )
    }
  }
  const roles = new Set(builtIn.values())
  const taken = new Set(args.map(({ name }) => name).filter((name) => !roles.has(name)))
  return { conditions, builtIn, taken }
}

function roleOf({ name, type }: GraphQLArgument, known: KnownTypes, isNullable: boolean): BuiltInRole | undefined {
  if (getNullableType(type) === known.cursor) return 'after'
  if (name === 'last' && String(type) === 'Int') return 'last'
  if (name === 'position' && String(type) === 'String') return 'position'
  if (name === 'autoAck' && type === known.autoAck) return 'autoAck'
  if (name === 'every' && String(type) === 'String') return 'every'
  if (name === 'overflow' && type === known.overflowPolicy) return 'overflow'
  if (name === 'checkpoints' && String(type) === 'Boolean' && isNullable) return 'checkpoints'
  return undefined
}

function readCondition(
  context: SdlContext,
  argument: GraphQLArgument,
  path: string,
  bindings: EventBindings,
): ConditionArgument | undefined {
  const { mistakes, uses } = context
  const { name, type, astNode } = argument
  if (!astNode || isUnresolved(type)) return undefined
  const ownerUses = uses.of(astNode, 'owner')
  const owners = ownersOf(context, ownerUses, type, `${path}(${name}:)`)
  if (uses.has(astNode, 'owner') && astNode.defaultValue) {
    mistakes.error(
      astNode.defaultValue,
      `${name} has @owner, so it cannot have a default value: where it is absent, the caller's claim is taken`,
    )
  }
  const place = placeOf(context, argument, path, bindings)
  const nullable = getNullableType(type)
  const list = isListType(nullable)
  const item = list ? getNullableType(nullable.ofType) : nullable
  const enumName = isEnumType(item) ? item.name : undefined
  const kind = enumName === undefined ? scalarKinds.find((known) => known === String(item)) : 'enum'
  if (kind === undefined) {
    // A wrong type beside `@owner` is reported there.
    if (owners.length === ownerUses.length) {
      mistakes.error(
        astNode.type,
        `${path}(${name}:) has the type ${String(type)}, which cannot be a condition: allowed are ${listed(scalarKinds)}, enums and lists of these; for others use @filterable and filter`,
      )
    }
    return undefined
  }
  if (!place) return undefined
  return {
    name,
    kind: kind satisfies ValueKind,
    enumName,
    list,
    required: isNonNullType(type),
    place,
    owners,
    location: mistakes.locationOf(astNode),
  }
}

/** By default the captured word of the argument's name, else the payload's member of that name. */
function placeOf(
  context: SdlContext,
  argument: GraphQLArgument,
  path: string,
  bindings: EventBindings,
): Place | undefined {
  const { memberNames, mistakes, uses } = context
  const use = uses.first(argument.astNode, 'match')
  if (use && givenMembers(use.args).length > 0) {
    const place = readPlace(context, placeOfUse(use))
    return place && checkWord(context, place, placeOfUse(use).nodeOf('word'), path, bindings) ? place : undefined
  }
  if (bindings.captures.includes(argument.name)) return { kind: 'word', name: argument.name }
  if (bindings.isComplete && bindings.partialCaptures.includes(argument.name)) {
    mistakes.error(
      argument.astNode ?? {},
      `{${argument.name}} is captured by some @events of ${path} and not by others: capture it in all, or give the place with @match`,
    )
    return undefined
  }
  return { kind: 'body', pointer: [memberNames(argument.name)] }
}

/**
 * Reports a place that names a capture which not all bindings have. If a binding has a mistake,
 * nothing is reported, because it may have the capture.
 */
export function checkWord(
  { mistakes }: SdlContext,
  place: Place,
  node: object,
  path: string,
  { captures, partialCaptures, isComplete }: EventBindings,
): boolean {
  if (place.kind !== 'word' || captures.includes(place.name) || !isComplete) return true
  const why = partialCaptures.includes(place.name)
    ? 'only some of its @events capture it'
    : captures.length === 0
      ? 'they capture nothing'
      : `captured are ${listed(captures.map((name) => `{${name}}`))}`
  mistakes.error(node, `the routing keys of ${path} do not capture {${place.name}}: ${why}`)
  return false
}
