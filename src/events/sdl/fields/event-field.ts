import { type GraphQLArgument, type GraphQLField, type GraphQLNamedType, getNamedType, isNonNullType } from 'graphql'
import type { EventField, OwnerPlace } from '../../model/event-schema.ts'
import type { Place } from '../../model/place.ts'
import type { SdlContext } from '../context.ts'
import { argumentNode } from '../directives/uses.ts'
import { gapFormOf } from '../mappings/gap-form.ts'
import type { TypeMappings } from '../mappings/object-mappings.ts'
import type { TypeReach } from '../mappings/reach.ts'
import { listed } from '../mistakes.ts'
import { argumentNames, type BuiltInChoice, builtInArguments } from '../type-system/built-in-arguments.ts'
import type { FilterTypes } from '../type-system/filter-types.ts'
import type { KnownTypes } from '../type-system/known-types.ts'
import { isUnresolved } from '../type-system/type-builder.ts'
import { claimOf, readAllow } from './access.ts'
import { checkWord, readEventArguments } from './condition-arguments.ts'
import { type EventBindings, readBindings } from './event-bindings.ts'
import type { SdlExchanges } from './exchanges.ts'
import { capturesOf } from './key-pattern.ts'
import { placeOfUse, requirePlace } from './places.ts'
import { readState } from './state-field.ts'

/** What root fields are read with. */
export interface FieldReading {
  readonly context: SdlContext
  readonly known: KnownTypes
  /** Of the team. */
  readonly types: ReadonlyMap<string, GraphQLNamedType>
  readonly exchanges: SdlExchanges
  readonly mappings: TypeMappings
  readonly reach: TypeReach
  readonly filters: FilterTypes
  /** Words of `@from` that some event field captures, by type and field. */
  readonly capturedWords: Set<string>
}

/** An event field, and the arguments that clients see. */
export interface ReadEventField {
  readonly event: EventField
  readonly served: readonly GraphQLArgument[]
}

/** Reads a subscription field. Undefined: it has no usable `@events`, which is reported. */
export function readEventField(
  reading: FieldReading,
  field: GraphQLField<unknown, unknown>,
): ReadEventField | undefined {
  const { context, known, exchanges, mappings } = reading
  const { mistakes, uses } = context
  const { astNode: node, name } = field
  const path = `Subscription.${name}`
  if (!node) return undefined
  if (!uses.has(node, 'events')) {
    mistakes.error(node, `${path} has no source: expected @events(exchange: …)`)
    return undefined
  }
  const bindings = readBindings(context, exchanges, node)
  const isNullable = !isNonNullType(field.type)
  const args = readEventArguments(context, known, { path, args: field.args, isNullable }, bindings)
  const only = uses.of(node, 'only').flatMap((use) => {
    const place = requirePlace(context, placeOfUse(use))
    if (use.args.in.length === 0)
      mistakes.error(argumentNode(use, 'in'), 'expected at least one text in @only(in:), got an empty list')
    return place && checkWord(context, place, argumentNode(use, 'word'), path, bindings)
      ? { place, in: use.args.in }
      : []
  })
  const ownerPlaces = uses.of(node, 'owner').flatMap((use): OwnerPlace[] => {
    const place = requirePlace(context, placeOfUse(use))
    const claim = claimOf(context, use)
    if (!place || !claim || !checkWord(context, place, argumentNode(use, 'word'), path, bindings)) return []
    return [{ place, claim }]
  })
  const owned = uses.has(node, 'owner') || field.args.some(({ astNode }) => uses.has(astNode, 'owner'))
  const byName = new Map(args.conditions.map((condition) => [condition.name, condition]))
  const allow = readAllow(context, uses.of(node, 'allow'), owned, {
    names: [...byName.keys()],
    typeOf: ([first = '', ...rest]) =>
      rest.length === 0 && byName.has(first) ? field.args.find((argument) => argument.name === first)?.type : undefined,
  })
  const firstUse = uses.first(node, 'events')
  if (!firstUse || !bindings.isComplete) {
    captureAll(reading, field)
    return undefined
  }
  const usedWords = [
    ...args.conditions.map(({ place }) => place),
    ...only.map(({ place }) => place),
    ...ownerPlaces.map(({ place }) => place),
    ...bindings.bindings.flatMap(({ typeFrom }) => typeFrom ?? []),
  ].flatMap(wordIn)
  // An argument with the name of such a capture is reported itself.
  const misplaced = field.args
    .map(({ name: argument }) => argument)
    .filter((argument) => {
      return bindings.partialCaptures.includes(argument)
    })
  checkTypeFrom(reading, field, bindings)
  const gapForm = isUnresolved(field.type)
    ? ({ kind: 'null' } as const)
    : gapFormOf(
        { context, known, objects: mappings.objects },
        { path, type: field.type, gap: firstUse.args.gap, node: argumentNode(firstUse, 'gap') },
      )
  if (getNamedType(field.type) === known.eventGap) {
    mistakes.error(
      node.type,
      `${path} returns EventGap alone: expected a union with that member, or a type of the files`,
    )
  } else if (getNamedType(field.type) === known.published) {
    mistakes.error(node.type, `${path} returns Published, which only fields with @publish do`)
  }
  const state = readState(reading, field, bindings)
  if (state?.key.kind === 'word') usedWords.push(state.key.name)
  checkCaptures(reading, field, bindings, [...usedWords, ...misplaced])
  const filter = isUnresolved(field.type) ? undefined : reading.filters.of(field.type)
  const choice: BuiltInChoice = { ...args, isNullable, filter }
  const builtIn = argumentNames(choice)
  const { invalid, history } = firstUse.args
  return {
    event: {
      name,
      location: mistakes.locationOf(node),
      bindings: bindings.bindings,
      conditions: args.conditions,
      only,
      ownerPlaces,
      access: { allow, owned },
      invalid,
      gapForm,
      history,
      builtIn,
      filterable: builtIn.filter !== undefined,
      state,
    },
    served: [...field.args, ...builtInArguments(known, choice)],
  }
}

/** Reports no word of the type as one that nothing captures: a binding with a mistake may do so. */
function captureAll({ reach, mappings, capturedWords }: FieldReading, field: GraphQLField<unknown, unknown>): void {
  for (const { owner, field: inner } of reach.from(field.type).fields) {
    if (mappings.objects.get(owner.name)?.get(inner.name)?.place.kind !== 'word') continue
    capturedWords.add(`${owner.name}.${inner.name}`)
  }
}

function wordIn(place: Place): string[] {
  return place.kind === 'word' ? [place.name] : []
}

function checkTypeFrom(
  { context: { mistakes }, reach, mappings }: FieldReading,
  field: GraphQLField<unknown, unknown>,
  { bindings, uses }: EventBindings,
): void {
  const { objects } = reach.from(field.type)
  const isUsed = [...objects].some(({ name }) => mappings.eventTypes.has(name))
  for (const [index, { typeFrom }] of bindings.entries()) {
    const use = uses[index]
    if (!typeFrom || !use) continue
    checkTypeWord(mistakes, typeFrom, use, bindings[index])
    if (!isUsed) {
      mistakes.remark(
        argumentNode(use, 'typeFrom'),
        `typeFrom has no effect: no type that Subscription.${field.name} returns has @eventType`,
      )
    }
  }
}

function checkTypeWord(
  mistakes: SdlContext['mistakes'],
  place: Place,
  use: EventBindings['uses'][number],
  binding: EventBindings['bindings'][number] | undefined,
): void {
  if (place.kind !== 'word' || !binding || capturesOf(binding.pattern).includes(place.name)) return
  mistakes.error(
    argumentNode(use, 'typeFrom'),
    `the routing key ${JSON.stringify(binding.routingKey)} does not capture {${place.name}}`,
  )
}

/** A capture that nothing uses is a mistake of spelling, and so is a word that nothing captures. */
function checkCaptures(
  { context: { mistakes }, reach, mappings, capturedWords }: FieldReading,
  field: GraphQLField<unknown, unknown>,
  { bindings, uses, captures, partialCaptures }: EventBindings,
  usedWords: readonly string[],
): void {
  const used = new Set(usedWords)
  for (const { owner, field: inner } of reach.from(field.type).fields) {
    const place = mappings.objects.get(owner.name)?.get(inner.name)?.place
    if (place?.kind !== 'word') continue
    used.add(place.name)
    if (captures.includes(place.name) || partialCaptures.includes(place.name)) {
      capturedWords.add(`${owner.name}.${inner.name}`)
    }
    if (!isNonNullType(inner.type) || captures.includes(place.name)) continue
    mistakes.error(
      inner.astNode ?? {},
      `${owner.name}.${inner.name} cannot be null, and not every routing key of Subscription.${field.name} captures {${place.name}}: capture it, or make the field nullable`,
    )
    capturedWords.add(`${owner.name}.${inner.name}`)
  }
  for (const [index, { pattern }] of bindings.entries()) {
    const unused = capturesOf(pattern).filter((name) => !used.has(name))
    const use = uses[index]
    if (unused.length === 0 || !use) continue
    mistakes.error(
      argumentNode(use, 'routingKey'),
      `nothing uses the capture ${listed(unused.map((name) => `{${name}}`))}: declare an argument of that name, use it in a place (word:), or write * instead`,
    )
  }
}
