import { anonymous, type Identity } from '../core/model/identity.ts'
import { GatewayError } from '../errors.ts'
import type { TokenVerifier } from './tokens/token-verifier.ts'

/** Where a caller may have put its token. The values are as they came from the wire. */
export interface Credentials {
  /** The HTTP header `Authorization`. */
  readonly authorization?: string | undefined
  /**
   * The payload of `connection_init`: `{"Authorization": "Bearer …"}`, the same within `headers`,
   * or `{"token": "…"}`, with `Bearer` or without. Apollo Router nests them in `connectionParams`.
   */
  readonly connectionParams?: unknown
  /**
   * `extensions.headers` of an operation, which GraphiQL fills from its Headers tab:
   * `{"Authorization": "Bearer …"}`.
   */
  readonly extensionsHeaders?: unknown
}

/** What one place holds. An error: the caller meant to send a token there, and it is no token. */
type Held = string | GatewayError | undefined

/**
 * Identifies the caller by the first place that has a token, in the order of `Credentials`. Without
 * any token the caller is `anonymous`. An invalid token rejects with `UNAUTHENTICATED`, even if a
 * later place has a valid one. A value that cannot be a token is passed over if a later place has a
 * token, and rejects otherwise.
 */
export async function authenticate(verifier: TokenVerifier, credentials: Credentials): Promise<Identity> {
  const held = placesOf(credentials).find((place) => typeof place === 'string')
  if (typeof held === 'string') return verifier.verify(held)
  const problem = placesOf(credentials).find((place) => place instanceof GatewayError)
  if (problem) throw problem
  return anonymous
}

/**
 * Whether the header can be meant as a token for the gateway. Not if it is empty, and not with
 * another scheme, which is for a proxy in front (`Authorization: Basic …`).
 */
export function mayBearToken(authorization: string | undefined): authorization is string {
  const text = authorization?.trim() ?? ''
  // RFC 9110 §11.4: a scheme, a space, credentials.
  const scheme = /^(\S+) +\S/.exec(text)?.[1]?.toLowerCase()
  return text !== '' && (scheme === undefined || scheme === 'bearer')
}

function placesOf({ authorization, connectionParams, extensionsHeaders }: Credentials): Held[] {
  return [
    mayBearToken(authorization) ? bearer(authorization) : undefined,
    ...placesIn(connectionParams),
    // Apollo Router sends its parameters as the member of that name.
    ...placesIn(valueOf(connectionParams, 'connectionparams')),
    bearer(valueOf(extensionsHeaders, 'authorization')),
  ]
}

/** Where clients put a token in the parameters of a connection. */
function placesIn(params: unknown): Held[] {
  return [
    bearer(valueOf(params, 'authorization')),
    bearer(valueOf(valueOf(params, 'headers'), 'authorization')),
    withoutScheme(valueOf(params, 'token')),
  ]
}

/**
 * RFC 6750 §2.1. Clients without a token often send an empty header or null. Both count as no
 * token, not as an invalid one.
 */
function bearer(value: unknown): Held {
  const text = plain(value)
  if (typeof text !== 'string') return text
  return bearerOf(text) ?? new GatewayError('UNAUTHENTICATED', 'Authorization: expected "Bearer", a space and a token.')
}

function withoutScheme(value: unknown): Held {
  const text = plain(value)
  return typeof text === 'string' ? (bearerOf(text) ?? text) : text
}

function bearerOf(text: string): string | undefined {
  return /^Bearer +(\S+)$/i.exec(text)?.[1]
}

function plain(value: unknown): Held {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') return new GatewayError('UNAUTHENTICATED', 'The token: expected a string.')
  return value.trim() || undefined
}

/** Header names are case-insensitive, and clients spell them differently in JSON. */
function valueOf(given: unknown, name: string): unknown {
  if (typeof given !== 'object' || given === null) return undefined
  return Object.entries(given).find(([key]) => key.toLowerCase() === name)?.[1]
}
