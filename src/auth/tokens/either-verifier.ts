import { decodeProtectedHeader } from 'jose'
import type { TokenVerifier } from './token-verifier.ts'

/**
 * Accepts tokens that Warren signed and tokens of an identity provider. The algorithm in the header
 * selects the verifier, and each verifier accepts its own algorithms only. So a token cannot choose
 * a weaker check.
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
