import { splitPointer } from '../../core/json/json-pointer.ts'
import { TokenClaims } from '../../core/model/token-claims.ts'

/** What a user of an identity provider may do in the console. */
export type ConsoleRole = 'operator' | 'observe'

export interface RoleRules {
  /** The claims with roles or groups: names, or JSON pointers that begin with a slash. */
  readonly claims: readonly string[]
  /** Roles or groups of operators, and of users who may only read. `*`: every user. */
  readonly operator: readonly string[]
  readonly observe: readonly string[]
}

/** Undefined: the claims grant no role. A text of a claim is one role; a list has one each. */
export function consoleRoleOf(claims: object, rules: RoleRules): ConsoleRole | undefined {
  const held = new TokenClaims(JSON.stringify(claims))
  const roles = rules.claims.flatMap((claim) => rolesIn(held.at(pathOf(claim))))
  const has = (wanted: readonly string[]): boolean =>
    wanted.includes('*') || roles.some((role) => wanted.includes(role))
  if (has(rules.operator)) return 'operator'
  return has(rules.observe) ? 'observe' : undefined
}

function pathOf(claim: string): readonly string[] {
  return claim.startsWith('/') ? (splitPointer(claim) ?? []) : [claim]
}

function rolesIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.filter((role) => typeof role === 'string') : []
}
