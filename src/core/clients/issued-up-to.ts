import type { Identity } from '../model/identity.ts'

/**
 * Whether the token of an identity was issued in the second of `at` or earlier: `iat` has whole
 * seconds. A token without `iat` counts as old, because its age is unknown.
 */
export function issuedUpTo({ issuedAt }: Identity, at: Date): boolean {
  return issuedAt === undefined || secondOf(issuedAt) <= secondOf(at)
}

function secondOf(date: Date): number {
  return Math.floor(date.getTime() / 1_000)
}
