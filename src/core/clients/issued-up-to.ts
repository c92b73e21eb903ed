import type { Identity } from '../model/identity.ts'

/**
 * Whether the token of an identity was issued in the second of `at` or before it: `iat` has whole
 * seconds. A token that does not say when it was issued cannot be told from an old one.
 */
export function issuedUpTo({ issuedAt }: Identity, at: Date): boolean {
  return issuedAt === undefined || secondOf(issuedAt) <= secondOf(at)
}

function secondOf(date: Date): number {
  return Math.floor(date.getTime() / 1_000)
}
