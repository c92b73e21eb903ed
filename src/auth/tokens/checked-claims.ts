import { errors, type JWTPayload, type JWTVerifyOptions } from 'jose'
import { type RejectionReason, TokenRejection } from './token-verifier.ts'

/** Characters. A token travels in a header, and Node.js accepts 16 KiB of headers in total. */
export const maxTokenLength = 8_192
export const clockToleranceSeconds = 5

export interface ClaimRules {
  /** The only accepted `iss`. Undefined: any, or none. */
  readonly issuer?: string | undefined
  /** What `aud` must equal or contain. Undefined: any, or none. */
  readonly audience?: string | undefined
}

/**
 * The checks that apply to every token, independent of its signer. `exp` and `nbf` are checked if
 * present.
 */
export function verifyOptions(rules: ClaimRules, algorithms: readonly string[]): JWTVerifyOptions {
  return {
    algorithms: [...algorithms],
    clockTolerance: clockToleranceSeconds,
    ...(rules.issuer === undefined ? {} : { issuer: rules.issuer }),
    ...(rules.audience === undefined ? {} : { audience: rules.audience }),
  }
}

/** Verifies a token with jose. Every failure becomes a `TokenRejection`. */
export async function checkedClaims(
  token: string,
  check: (token: string) => Promise<{ payload: JWTPayload }>,
): Promise<JWTPayload> {
  if (token.length > maxTokenLength) {
    throw new TokenRejection('too-long', `expected at most ${maxTokenLength} characters, got ${token.length}`)
  }
  try {
    return (await check(token)).payload
  } catch (error) {
    throw rejectionOf(error)
  }
}

function rejectionOf(error: unknown): TokenRejection {
  if (error instanceof TokenRejection) return error
  // jose's own error must not become the cause because it carries the claims.
  if (error instanceof errors.JWTClaimValidationFailed) {
    return new TokenRejection(claimReasons.get(error.claim) ?? 'claims', error.message)
  }
  if (error instanceof errors.JOSEError)
    return new TokenRejection(reasons.get(error.code) ?? 'malformed', error.message)
  // For example, the type of a key does not fit the algorithm of the token. Any unexpected error
  // means that the token was not verified.
  return new TokenRejection('malformed', `unexpected: ${String(error)}`)
}

const claimReasons = new Map<string, RejectionReason>([
  ['nbf', 'not-yet-valid'],
  ['iss', 'issuer'],
  ['aud', 'audience'],
])

const reasons = new Map<string, RejectionReason>([
  [errors.JWTExpired.code, 'expired'],
  [errors.JOSEAlgNotAllowed.code, 'algorithm'],
  [errors.JOSENotSupported.code, 'algorithm'],
  [errors.JWSSignatureVerificationFailed.code, 'signature'],
  [errors.JWKSNoMatchingKey.code, 'unknown-key'],
  [errors.JWKSMultipleMatchingKeys.code, 'unknown-key'],
])
