import { hasToken } from '../../core/model/identity.ts'
import { badInput } from '../../errors.ts'
import { compileFilter } from '../filters/compile-filter.ts'
import { claimEquality, type Equality, equalityOf } from '../matching/equality.ts'
import type { ClaimPath, ConditionArgument, EventField, EventSchema } from '../model/event-schema.ts'
import { isTextPlace } from '../model/place.ts'
import { type ArgumentTexts, isAllowed } from './allow-rules.ts'
import { argumentTextsOf } from './argument-values.ts'
import { type Conditions, conditionsOf } from './conditions.ts'
import {
  type ClaimValue,
  claimValuesOf,
  type EventCaller,
  isPrivileged,
  refusal,
  type UsedField,
} from './event-caller.ts'
import { maySelect } from './selected-fields.ts'

/** What `authorize` reads of the schema. */
export type AccessSchema = Pick<EventSchema, 'schema' | 'enums' | 'objects'>

/**
 * Decides whether the caller may subscribe to the field with these arguments (after GraphQL has
 * coerced them), and turns them into conditions. Called before anything is subscribed, and again
 * when the token or the schema changes: arguments that are left out then take the new claims.
 * `operation` is `Query` for the field's history.
 *
 * Throws `UNAUTHENTICATED` without a token, `FORBIDDEN` if the token does not suffice,
 * `BAD_USER_INPUT` with the name of an invalid argument, and `LIMIT_EXCEEDED`.
 */
export function authorize(
  schema: AccessSchema,
  field: EventField,
  args: Readonly<Record<string, unknown>>,
  caller: EventCaller,
  operation: 'Subscription' | 'Query' = 'Subscription',
): Conditions {
  const used: UsedField = { operation, name: field.name }
  const privileged = isPrivileged(caller, used)
  const refuse = (): never => {
    throw refusal(caller, used)
  }
  const { allow, owned } = field.access
  // `@owner` alone needs no `@allow`; without either, only scopes above both suffice.
  const needsRule = allow.length > 0 || !owned
  if (!privileged && owned && !hasToken(caller.identity)) refuse()
  if (!privileged && needsRule && !isAllowed(allow, caller, argumentTexts(schema, field, args))) refuse()
  const owners = (claim: ClaimPath) => claimValuesOf(caller, claim) ?? refuse()

  const values = field.conditions.map((argument) => {
    const equality = equalityFor(schema, argument)
    const given = argumentTextsOf(argument, args[argument.name], equality)
    if (privileged || argument.owners.length === 0) {
      if (given === undefined && argument.required) throw badInput(argument.name, 'expected a value, got none')
      return given
    }
    const allowed = ownedTexts(argument.owners.map(owners), equality)
    if (allowed.size === 0) return refuse()
    if (given === undefined) return allowed
    return given.every((text) => allowed.has(text)) ? given : refuse()
  })
  const places = field.ownerPlaces.map(({ claim, place }) =>
    privileged ? undefined : ownedTexts([owners(claim)], claimEquality(isTextPlace(place))),
  )
  if (places.some((texts) => texts?.size === 0)) refuse()

  const filter = filterOf(schema, field, args)
  for (const name of filter?.fields ?? []) if (!maySelect(schema, caller, used, name)) refuse()
  return conditionsOf([...values, ...places], filter)
}

/** The values that all claims have, as canonical texts. */
export function ownedTexts(claims: readonly (readonly ClaimValue[])[], equality: Equality): ReadonlySet<string> {
  const [first = new Set<string>(), ...others] = claims.map(
    (values) => new Set(values.flatMap((value) => equality.ofClaim(value) ?? [])),
  )
  return new Set([...first].filter((text) => others.every((other) => other.has(text))))
}

function equalityFor({ enums }: AccessSchema, { kind, enumName }: ConditionArgument): Equality {
  return equalityOf(kind, enumName === undefined ? undefined : enums.get(enumName))
}

/** The texts of the field's arguments for the scopes of `@allow`. */
function argumentTexts(
  schema: AccessSchema,
  field: EventField,
  args: Readonly<Record<string, unknown>>,
): ArgumentTexts {
  return (path) => {
    const argument = path.length === 1 && field.conditions.find(({ name }) => name === path[0])
    if (!argument) return []
    const texts = argumentTextsOf(argument, args[argument.name], equalityFor(schema, argument)) ?? []
    const mapping = argument.enumName === undefined ? undefined : schema.enums.get(argument.enumName)
    return mapping ? texts.map((name) => mapping.textOf.get(name) ?? name) : texts
  }
}

function filterOf(schema: AccessSchema, { name, builtIn }: EventField, args: Readonly<Record<string, unknown>>) {
  if (builtIn.filter === undefined) return undefined
  const type = schema.schema.getSubscriptionType()?.getFields()[name]?.type
  return type && compileFilter(schema, type, args[builtIn.filter], builtIn.filter)
}
