import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { pause } from '../../core/timing/pause.ts'
import { type ClaimRules, checkedClaims, verifyOptions } from './checked-claims.ts'
import { identityOf, refuseToken, TokenRejection, type TokenVerifier } from './token-verifier.ts'

/**
 * Signatures by a private key only. Were HS256 among them, whoever knows the public key could sign.
 */
const algorithms = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ')

/**
 * How long keys are taken for current; a key that the provider has withdrawn is good no longer than
 * this.
 */
const maxAgeMs = 600_000
/**
 * Between two requests that tokens with unknown keys cause: nobody makes the gateway flood the
 * provider.
 */
const defaultCooldownMs = 1_000
const answerMs = 5_000

export interface JwksOptions extends ClaimRules {
  readonly url: URL
  /**
   * What the ids of registered clients begin with: a `sub` that does too is refused. Undefined:
   * none is.
   */
  readonly reservedPrefix?: string | undefined
  readonly cooldownMs?: number
}

/**
 * Tokens of an identity provider. Keys are fetched when the first token comes, kept, and fetched
 * again when a token names one not seen yet.
 */
export function jwksVerifier({
  url,
  cooldownMs = defaultCooldownMs,
  reservedPrefix,
  ...rules
}: JwksOptions): TokenVerifier {
  const keyOf = keyFinder(url, cooldownMs)
  const options = verifyOptions(rules, algorithms)
  return {
    async verify(token) {
      try {
        const identity = identityOf(await checkedClaims(token, (text) => jwtVerify(text, keyOf, options)))
        if (reservedPrefix !== undefined && identity.clientId?.startsWith(reservedPrefix)) {
          const reserved = 'sub: begins with WARREN_REGISTRATION_PREFIX, which is for ids that are registered here'
          throw new TokenRejection('subject', reserved)
        }
        return { ...identity, fromProvider: true }
      } catch (error) {
        throw error instanceof TokenRejection ? refuseToken(error) : error
      }
    },
  }
}

function keyFinder(url: URL, cooldownMs: number): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(url, {
    cooldownDuration: cooldownMs,
    cacheMaxAge: maxAgeMs,
    timeoutDuration: answerMs,
  })
  const find: JWTVerifyGetKey = async (header, token) => {
    try {
      return await keys(header, token)
    } catch (error) {
      throw isAboutToken(error) ? error : unavailable(error)
    }
  }
  return async (header, token) => {
    try {
      return await find(header, token)
    } catch (error) {
      // Keys may have been rotated within the cooldown. The token waits it out rather than be
      // refused wrongly.
      if (!(error instanceof errors.JWKSNoMatchingKey) || !keys.coolingDown) throw error
      await pause(cooldownMs)
      return find(header, token)
    }
  }
}

function isAboutToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  )
}

/** `fetch` says "fetch failed" and has the reason as its cause. */
function unavailable(error: unknown): TokenRejection {
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : ''
  return new TokenRejection('keys-unavailable', `the key server: ${String(error)}${cause}`)
}
