import { JsonNumber } from '../../core/json/json-number.ts'
import { anyListener, hasToken, type Identity } from '../../core/model/identity.ts'
import { matchesTopic } from '../../core/model/topic-pattern.ts'
import { GatewayError } from '../../errors.ts'
import { integerDigits } from '../matching/equality.ts'
import type { ClaimPath } from '../model/event-schema.ts'

/** Who uses a typed field. */
export interface EventCaller {
  readonly identity: Identity
  /**
   * The value of a claim of the token at this JSON pointer, with every digit of a number;
   * undefined if the token has no such claim.
   */
  readonly claims: (pointer: readonly string[]) => unknown
}

/** The root type of the field that is used. */
export type OperationKind = 'Subscription' | 'Query' | 'Mutation'

/** A field as errors and scopes name it. */
export interface UsedField {
  readonly operation: OperationKind
  readonly name: string
}

/** A list claim may have at most this many values. */
export const maxClaimValues = 1_000

/**
 * Whether a scope of the caller stands above `@owner` and `@allow`. A pattern such as `event:*`
 * never reaches mutations.
 */
export function isPrivileged({ identity: { scope } }: EventCaller, { operation, name }: UsedField): boolean {
  if (scope.operator || scope.events.includes(name)) return true
  if (operation === 'Mutation') return false
  return scope.observe || scope.events.some((pattern) => matchesTopic(pattern, name))
}

/**
 * The error for a caller that may not use the field. Its text depends on nothing but the field, so
 * that it reveals nothing about what exists.
 */
export function refusal(caller: EventCaller, { operation, name }: UsedField): GatewayError {
  const what = `use ${operation}.${name} in this way`
  return hasToken(caller.identity)
    ? new GatewayError('FORBIDDEN', `this token does not allow you to ${what}`)
    : new GatewayError('UNAUTHENTICATED', `a token is needed to ${what}`)
}

export type ClaimValue = string | boolean | number | bigint | JsonNumber

/**
 * The values of a claim: a string, an integer or a boolean, or a list of these. Undefined if the
 * token has no such claim, if it is anything else, empty or longer than 1,000, and for a client
 * that was deleted: then only scopes grant anything.
 */
export function claimValuesOf({ identity, claims }: EventCaller, path: ClaimPath): readonly ClaimValue[] | undefined {
  if (identity.disowned === true || identity === anyListener) return undefined
  const value = path.kind === 'clientId' ? identity.clientId : claims(path.pointer)
  const values: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (values.length === 0 || values.length > maxClaimValues || !values.every(isClaimValue)) return undefined
  return values
}

function isClaimValue(value: unknown): value is ClaimValue {
  return typeof value === 'string' || typeof value === 'boolean' || integerDigits(value) !== undefined
}

export function callerOf(identity: Identity): EventCaller {
  return {
    identity,
    claims: (path) =>
      // A token with no other claims keeps none.
      identity.claims?.at(path) ?? (path.length === 1 && path[0] === 'sub' ? identity.clientId : undefined),
  }
}
