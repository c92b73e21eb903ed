import { anonymous, type Identity } from '../core/model/identity.ts'
import { GatewayError } from '../errors.ts'
import type { TokenVerifier } from './tokens/token-verifier.ts'

/** Where a caller may have put its token. The values are as they came from the wire. */
export interface Credentials {
  /** The HTTP header `Authorization`. */
  readonly authorization?: string | undefined
  /**
   * The payload of `connection_init` on graphql-transport-ws: `{"Authorization": "Bearer …"}` or
   * `{"token": "…"}`.
   */
  readonly connectionParams?: unknown
  /**
   * `extensions.headers` of an operation, which GraphiQL fills from its Headers tab:
   * `{"Authorization": "Bearer …"}`.
   */
  readonly extensionsHeaders?: unknown
}

/**
 * Identifies the caller by the first place that has a token, in the order of `Credentials`. Without
 * any token the caller is `anonymous`. An invalid token rejects with `UNAUTHENTICATED`, even if a
 * later place has a valid one.
 */
export async function authenticate(verifier: TokenVerifier, credentials: Credentials): Promise<Identity> {
  const token = tokenIn(credentials)
  return token === undefined ? anonymous : verifier.verify(token)
}

function tokenIn({ authorization, connectionParams, extensionsHeaders }: Credentials): string | undefined {
  return (
    bearer(authorization) ??
    bearer(valueOf(connectionParams, 'authorization')) ??
    plain(valueOf(connectionParams, 'token')) ??
    bearer(valueOf(extensionsHeaders, 'authorization'))
  )
}

/**
 * RFC 6750 §2.1. Clients without a token often send an empty header or null. Both count as no
 * token, not as an invalid one.
 */
function bearer(value: unknown): string | undefined {
  const text = plain(value)
  if (text === undefined) return undefined
  const token = /^Bearer +(\S+)$/i.exec(text)?.[1]
  if (token === undefined) {
    throw new GatewayError('UNAUTHENTICATED', 'Authorization: expected "Bearer", a space and a token.')
  }
  return token
}

function plain(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw new GatewayError('UNAUTHENTICATED', 'The token: expected a string.')
  return value.trim() || undefined
}

/** Header names are case-insensitive, and clients spell them differently in JSON. */
function valueOf(given: unknown, name: string): unknown {
  if (typeof given !== 'object' || given === null) return undefined
  return Object.entries(given).find(([key]) => key.toLowerCase() === name)?.[1]
}
