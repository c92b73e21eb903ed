import { decodeJwt, decodeProtectedHeader } from 'jose'
import { refuseToken, TokenRejection, type TokenVerifier } from './token-verifier.ts'

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

/**
 * Accepts tokens of several identity providers, by their `iss`. The claim is not verified yet. It
 * only selects the verifier, which accepts no other issuer and no keys of another provider.
 */
export function verifierByIssuer(providers: ReadonlyMap<string, TokenVerifier>): TokenVerifier {
  return {
    async verify(token) {
      const provider = providers.get(issuerOf(token) ?? '')
      if (!provider) throw refuseToken(new TokenRejection('issuer', 'iss: expected one of WARREN_JWT_ISSUER'))
      return provider.verify(token)
    },
  }
}

function issuerOf(token: string): string | undefined {
  try {
    const { iss } = decodeJwt(token)
    return typeof iss === 'string' ? iss : undefined
  } catch {
    return undefined
  }
}
