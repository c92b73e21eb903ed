import { decodeProtectedHeader } from 'jose'
import type { TokenVerifier } from './token-verifier.ts'

/**
 * Tokens that Warren signed itself, beside those of an identity provider. The algorithm that a
 * token names decides who checks it, and each takes its own algorithms only: what a token claims
 * about itself can't choose a weaker check.
 */
export function eitherVerifier(own: TokenVerifier, provider: TokenVerifier): TokenVerifier {
  return { verify: (token) => (isSymmetric(token) ? own : provider).verify(token) }
}

function isSymmetric(token: string): boolean {
  try {
    return decodeProtectedHeader(token).alg === 'HS256'
  } catch {
    return true
  }
}
