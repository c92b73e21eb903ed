import { checkClientId } from '../../core/model/channel-event.ts'
import { type Identity, parseScope } from '../../core/model/identity.ts'
import { TokenClaims } from '../../core/model/token-claims.ts'
import { GatewayError } from '../../errors.ts'

/**
 * Derives the identity of a caller from a token. Implementations: the secret of the deployment
 * (HS256) and the keys of an identity provider (JWKS).
 */
export interface TokenVerifier {
  /**
   * Rejects with `UNAUTHENTICATED`. The message is for the client; the `cause` is a
   * `TokenRejection` for the log.
   */
  verify(token: string): Promise<Identity>
}

export const rejectionReasons = [
  'too-long',
  'malformed',
  'algorithm',
  'signature',
  'expired',
  'not-yet-valid',
  'issuer',
  'audience',
  'claims',
  'subject',
  'scope',
  'unknown-key',
  'keys-unavailable',
] as const
export type RejectionReason = (typeof rejectionReasons)[number]

/**
 * Why a token was refused, for the log. Names claims but never contains their values, the token or
 * the subject.
 */
export class TokenRejection extends Error {
  override readonly name = 'TokenRejection'
  readonly reason: RejectionReason

  constructor(reason: RejectionReason, message: string) {
    super(message)
    this.reason = reason
  }
}

/** The error for the client. Its message does not depend on what was wrong with the token. */
export function refuseToken(rejection: TokenRejection): GatewayError {
  const isUnchecked = rejection.reason === 'keys-unavailable'
  const sentence = isUnchecked
    ? 'The token cannot be checked just now; try again in a moment.'
    : 'The token is not valid, or no longer valid.'
  return new GatewayError('UNAUTHENTICATED', sentence, {
    newToken: isUnchecked ? 'unneeded' : undefined,
    cause: rejection,
  })
}

/** Claims of a token with verified signature, `exp`, `nbf`, `iss` and `aud`. */
export interface CheckedClaims {
  readonly sub?: unknown
  readonly scope?: unknown
  readonly iat?: number | undefined
  readonly exp?: number | undefined
}

/** Claims that the other members of `Identity` hold, or that only the verifier needs. */
const plainClaims = new Set(['sub', 'scope', 'iat', 'exp', 'nbf'])

/**
 * `token`: the token that the claims are of. `readGrant` reads the client id and the scope of its
 * payload; by default they are `sub` and `scope`. Throws `TokenRejection`.
 */
export function identityOf(
  claims: CheckedClaims,
  token: string,
  readGrant?: (payload: string) => Pick<Identity, 'clientId' | 'scope'>,
): Identity {
  const { sub, scope, iat, exp } = claims
  const grant = readGrant?.(payloadOf(token)) ?? { clientId: clientIdOf(sub), scope: parseScope(scopeText(scope)) }
  const identity = {
    clientId: grant.clientId,
    scope: grant.scope,
    issuedAt: dateOf(iat),
    expiresAt: dateOf(exp),
  }
  if (Object.keys(claims).every((name) => plainClaims.has(name))) return identity
  return { ...identity, claims: new TokenClaims(payloadOf(token)) }
}

/** RFC 7515 §7.1: the second part of a compact JWS. */
function payloadOf(token: string): string {
  return Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
}

function clientIdOf(sub: unknown): string | undefined {
  if (sub === undefined) return undefined
  try {
    return checkClientId(sub, 'sub')
  } catch (error) {
    throw new TokenRejection('subject', error instanceof GatewayError ? error.message : 'sub: not a client id')
  }
}

/** A string by RFC 8693 §4.2; some providers send a list. */
function scopeText(scope: unknown): string {
  if (scope === undefined) return ''
  if (typeof scope === 'string') return scope
  if (Array.isArray(scope) && scope.every((word) => typeof word === 'string')) return scope.join(' ')
  throw new TokenRejection('scope', 'scope: expected a string, or a list of strings')
}

const lastMoment = 8.64e15 // ms; ECMA-262 §21.4.1.1

function dateOf(seconds: number | undefined): Date | undefined {
  if (seconds === undefined) return undefined
  return new Date(Math.max(-lastMoment, Math.min(seconds * 1_000, lastMoment)))
}
