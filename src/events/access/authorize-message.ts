import {
  type GraphQLArgument,
  type GraphQLInputType,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
} from 'graphql'
import { hasToken } from '../../core/model/identity.ts'
import { badInput } from '../../errors.ts'
import { type Equality, equalityOf } from '../matching/equality.ts'
import type {
  ClaimPath,
  EventSchema,
  InputFieldMapping,
  PublishField,
  RequestField,
  ValueKind,
} from '../model/event-schema.ts'
import { type ArgumentTexts, isAllowed } from './allow-rules.ts'
import { ownedTexts } from './authorize.ts'
import { claimValuesOf, type EventCaller, isPrivileged, refusal, type UsedField } from './event-caller.ts'
import { inputTextsAt } from './input-text.ts'

/** What `authorizeMessage` reads of the schema. */
export type InputSchema = Pick<EventSchema, 'schema' | 'enums' | 'inputs'>
export type Arguments = Readonly<Record<string, unknown>>

/** A field that sends a message. */
export function usedFieldOf(field: PublishField | RequestField): UsedField {
  return { operation: 'operation' in field ? field.operation : 'Mutation', name: field.name }
}

/** The declared arguments of the field, with their types. */
export function argumentTypesOf(
  { schema }: InputSchema,
  field: PublishField | RequestField,
): ReadonlyMap<string, GraphQLInputType> {
  const { operation, name } = usedFieldOf(field)
  const root = operation === 'Query' ? schema.getQueryType() : schema.getMutationType()
  const args: readonly GraphQLArgument[] = root?.getFields()[name]?.args ?? []
  return new Map(
    args.filter((argument) => field.arguments.has(argument.name)).map(({ name: key, type }) => [key, type]),
  )
}

/**
 * Decides whether the caller may publish or request with these arguments (after GraphQL has coerced
 * them), and returns them with each absent `@owner` value filled in from the caller's claim: all
 * its values for a list, else its only value. Nothing is filled in for a caller with a scope above
 * `@owner`.
 *
 * Throws `UNAUTHENTICATED`, `FORBIDDEN`, and `BAD_USER_INPUT` with the path of the argument.
 */
export function authorizeMessage(
  schema: InputSchema,
  field: PublishField | RequestField,
  args: Arguments,
  caller: EventCaller,
): Arguments {
  const used = usedFieldOf(field)
  const types = argumentTypesOf(schema, field)
  if (isPrivileged(caller, used)) return args
  const { allow, owned } = field.access
  const textsOf: ArgumentTexts = ([name = '', ...path]) => {
    const type = types.get(name)
    return type ? inputTextsAt(schema, type, args[name], path) : []
  }
  if ((allow.length > 0 || !owned) && !isAllowed(allow, caller, textsOf)) throw refusal(caller, used)
  if (!owned) return args
  if (!hasToken(caller.identity)) throw refusal(caller, used)
  const owners = new InputOwners(schema, caller, used)
  const filled: Record<string, unknown> = { ...args }
  for (const [name, type] of types) {
    owners.complete(filled, name, type, field.arguments.get(name), name)
  }
  return filled
}

/** Checks the `@owner` values in arguments and fills in absent ones. */
class InputOwners {
  readonly #schema: InputSchema
  readonly #caller: EventCaller
  readonly #used: UsedField

  constructor(schema: InputSchema, caller: EventCaller, used: UsedField) {
    this.#schema = schema
    this.#caller = caller
    this.#used = used
  }

  /** Checks and completes `object[name]`. `path`: its path in the operation. */
  complete(
    object: Record<string, unknown>,
    name: string,
    type: GraphQLInputType,
    mapping: InputFieldMapping | undefined,
    path: string,
  ): void {
    const value = object[name]
    if (mapping && mapping.owners.length > 0) object[name] = this.#owned(type, mapping.owners, value, path)
    else if (value !== undefined && value !== null) object[name] = this.#inside(type, value, path)
  }

  #inside(type: GraphQLInputType, value: unknown, path: string): unknown {
    const nullable = getNullableType(type)
    if (value === null || isLeafType(nullable)) return value
    if (isListType(nullable)) {
      if (!Array.isArray(value)) return value
      return value.map((item: unknown, index) => this.#inside(nullable.ofType, item, `${path}.${index}`))
    }
    if (!isInputObjectType(nullable)) return value
    const filled: Record<string, unknown> = { ...(value as object) }
    const mappings = this.#schema.inputs.get(nullable.name)
    for (const field of Object.values(nullable.getFields())) {
      this.complete(filled, field.name, field.type, mappings?.get(field.name), `${path}.${field.name}`)
    }
    return filled
  }

  #owned(type: GraphQLInputType, owners: readonly ClaimPath[], value: unknown, path: string): unknown {
    const claims = owners.map((claim) => {
      const values = claimValuesOf(this.#caller, claim)
      if (!values) throw this.#refusal
      return values
    })
    const { equality, valueOf } = this.#kindOf(type)
    const allowed = ownedTexts(claims, equality)
    if (allowed.size === 0) throw this.#refusal
    const isList = isListType(getNullableType(type))
    if (value === undefined || value === null) {
      const values = [...allowed].map(valueOf)
      if (isList) return values
      if (values.length === 1) return values[0]
      throw badInput(path, 'expected a value, because the token of the caller allows several')
    }
    const given: readonly unknown[] = Array.isArray(value) ? value.flat(Number.POSITIVE_INFINITY) : [value]
    if (given.length === 0) throw badInput(path, 'expected at least one value, got an empty list')
    for (const item of given) {
      const text = equality.ofArgument(item)
      if (text === undefined || !allowed.has(text)) throw this.#refusal
    }
    return value
  }

  get #refusal() {
    return refusal(this.#caller, this.#used)
  }

  /** `valueOf`: the argument's value with this canonical text. */
  #kindOf(type: GraphQLInputType): { equality: Equality; valueOf: (text: string) => unknown } {
    const named = getNamedType(type)
    if (isEnumType(named)) return { equality: equalityOf('enum', this.#schema.enums.get(named.name)), valueOf: asText }
    const equality = equalityOf(named.name as ValueKind)
    switch (named.name) {
      case 'Int':
      case 'Float':
        return { equality, valueOf: Number }
      case 'Boolean':
        return { equality, valueOf: (text) => text === 'true' }
      default:
        return { equality, valueOf: asText }
    }
  }
}

function asText(text: string): string {
  return text
}
