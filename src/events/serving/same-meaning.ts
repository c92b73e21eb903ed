import {
  type DocumentNode,
  type GraphQLField,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isEnumType,
  validate,
} from 'graphql'
import type { EventField, EventSchema } from '../model/event-schema.ts'

/** One subscription, as it began. */
export interface SubscriptionUse {
  readonly field: EventField
  /** The coerced arguments. */
  readonly args: Readonly<Record<string, unknown>>
  /** The selected fields below the field, as `Type.field`. */
  readonly selected: Iterable<string>
  /** Undefined for clients that send no documents. */
  readonly document: DocumentNode | undefined
}

/**
 * The field of the next schema by which the subscription may continue after a reload: its document
 * is valid there, and its conditions and the fields that it selects mean the same. Who may use the
 * field is not compared. Undefined: it may not continue.
 */
export function continuingField(old: EventSchema, next: EventSchema, use: SubscriptionUse): EventField | undefined {
  const { field, args, document } = use
  const other = next.events.get(field.name)
  if (!other) return undefined
  const [before, after] = [rootField(old.schema, field.name), rootField(next.schema, field.name)]
  if (!before || !after || String(before.type) !== String(after.type)) return undefined
  if (streamOf(field) !== streamOf(other)) return undefined
  const given = Object.keys(args).filter((name) => args[name] !== undefined && args[name] !== null)
  if (!given.every((name) => argumentOf(field, before, name) === argumentOf(other, after, name))) return undefined
  const members = eventTypesOf(next, after)
  if (![...eventTypesOf(old, before)].every(([name, types]) => members.get(name) === types)) return undefined
  for (const name of use.selected) {
    if (selectionOf(old, name) !== selectionOf(next, name) || !keepsValues(old, next, name)) return undefined
  }
  if (document && validate(next.schema, document).length > 0) return undefined
  return other
}

function rootField(schema: GraphQLSchema, name: string): GraphQLField<unknown, unknown> | undefined {
  return schema.getSubscriptionType()?.getFields()[name]
}

/** Which messages the field has, and in which form they and its gaps arrive. */
function streamOf({ bindings, only, invalid, gapForm, state }: EventField): string {
  return JSON.stringify([bindings.map(({ location: _location, ...binding }) => binding), only, invalid, gapForm, state])
}

/** What an argument means: the condition or the built-in role, and its type. */
function argumentOf(field: EventField, definition: GraphQLField<unknown, unknown>, name: string): string {
  const type = definition.args.find((argument) => argument.name === name)?.type
  const condition = field.conditions.find((one) => one.name === name)
  const role = Object.entries(field.builtIn).find(([, argument]) => argument === name)?.[0]
  const meaning = condition && [condition.kind, condition.enumName, condition.list, condition.place]
  return JSON.stringify([String(type), meaning, role])
}

/** The event types of each type that an event of the field may have, by the name of the type. */
function eventTypesOf(
  { schema, eventTypes }: EventSchema,
  { type }: GraphQLField<unknown, unknown>,
): ReadonlyMap<string, string> {
  const named = getNamedType(type)
  const members = isAbstractType(named) ? schema.getPossibleTypes(named) : [named]
  return new Map(members.map(({ name }) => [name, JSON.stringify(eventTypes.get(name) ?? [])]))
}

/** Where a field of a type is read, and as what. */
function selectionOf(schema: EventSchema, name: string): string {
  const mapping = mappingOf(schema, name)
  return JSON.stringify([String(definitionOf(schema, name)?.type), mapping && [mapping.place, mapping.as]])
}

/** Whether each value that a selected enum has means the same. It may get new ones. */
function keepsValues(old: EventSchema, next: EventSchema, name: string): boolean {
  const before = enumOf(old, name)
  const after = enumOf(next, name)
  if (!before || !after) return before === after
  return (
    before.unknown === after.unknown && [...before.byText].every(([text, value]) => after.byText.get(text) === value)
  )
}

function enumOf(schema: EventSchema, name: string) {
  const definition = definitionOf(schema, name)
  const type = definition && getNamedType(definition.type)
  return type && isEnumType(type) ? schema.enums.get(type.name) : undefined
}

function definitionOf({ schema }: EventSchema, name: string): GraphQLField<unknown, unknown> | undefined {
  const [typeName = '', fieldName = ''] = name.split('.')
  const type = schema.getType(typeName)
  return type && 'getFields' in type ? (type.getFields()[fieldName] as GraphQLField<unknown, unknown>) : undefined
}

function mappingOf({ objects }: EventSchema, name: string) {
  const [typeName = '', fieldName = ''] = name.split('.')
  return objects.get(typeName)?.get(fieldName)
}
