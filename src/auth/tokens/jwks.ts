import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { pause } from '../../core/timing/pause.ts'
import { type ClaimRules, checkedClaims, verifyOptions } from './checked-claims.ts'
import { type ClaimMapping, claimReader, defaultMapping } from './claim-rules.ts'
import { identityOf, refuseToken, TokenRejection, type TokenVerifier } from './token-verifier.ts'

/** Asymmetric signatures only. If HS256 were accepted, anyone with the public key could sign. */
const algorithms = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ')

/**
 * How long fetched keys are considered current, and so the longest time that a withdrawn key stays
 * valid.
 */
const maxAgeMs = 600_000
/**
 * Minimum time between two requests that tokens with unknown keys cause, so that no client can make
 * the gateway flood the provider.
 */
const defaultCooldownMs = 1_000
const answerMs = 5_000

export interface JwksOptions extends ClaimRules {
  readonly url: URL
  readonly mapping?: ClaimMapping
  readonly cooldownMs?: number
}

/**
 * Verifies tokens of an identity provider. Keys are fetched for the first token and cached, and
 * fetched again when a token names an unknown key.
 */
export function jwksVerifier({
  url,
  cooldownMs = defaultCooldownMs,
  mapping = defaultMapping,
  ...rules
}: JwksOptions): TokenVerifier {
  const keyOf = keyFinder(url, cooldownMs)
  const options = verifyOptions(rules, algorithms)
  const readGrant = claimReader(mapping)
  return {
    async verify(token) {
      try {
        const claims = await checkedClaims(token, (text) => jwtVerify(text, keyOf, options))
        return { ...identityOf(claims, token, readGrant), fromProvider: true }
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
      // The provider may have rotated its keys within the cooldown. Wait until it ends instead of
      // rejecting a valid token.
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

/** `fetch` fails with "fetch failed" and has the reason as its cause. */
function unavailable(error: unknown): TokenRejection {
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : ''
  return new TokenRejection('keys-unavailable', `the key server: ${String(error)}${cause}`)
}
