import { webcrypto } from 'node:crypto'
import { type CryptoKey, jwtVerify, SignJWT } from 'jose'
import { checkClientId } from '../../core/model/channel-event.ts'
import { badInput } from '../../errors.ts'
import { type ClaimRules, checkedClaims, verifyOptions } from './checked-claims.ts'
import { hmacClaims } from './hmac-claims.ts'
import { identityOf, refuseToken, TokenRejection, type TokenVerifier } from './token-verifier.ts'

const algorithm = 'HS256'
const minSecretBytes = 32 // RFC 7518 §3.2: as long as the hash

export interface HmacOptions extends ClaimRules {
  /** At least 32 bytes in UTF-8. */
  readonly secret: string
}

export interface TokenGrant {
  /**
   * The client that the token identifies. Undefined: no client (an operator's or a publisher's
   * token).
   */
  readonly clientId?: string | undefined
  /** For people, in the log and in the console. */
  readonly name?: string | undefined
  /**
   * Words in the syntax of `parseScope`: `operator`, `publish`, `publish:<exchange>[:<key>]`,
   * `channel:<pattern>`.
   */
  readonly scope: readonly string[]
  readonly ttlSeconds: number
  /**
   * The time of a revocation that must not affect this token. `iat` is set after it, even within
   * the same second.
   */
  readonly issuedAfter?: Date | undefined
}

export interface TokenSigner {
  /**
   * `expiresAt` is a whole second, as in the token. Rejects with `BAD_USER_INPUT` if a token cannot
   * carry the client id or the scope.
   */
  sign(grant: TokenGrant): Promise<{ token: string; expiresAt: Date }>
}

/**
 * Signs with the secret of the deployment. The claims are `sub`, `scope`, `iat`, `exp`, and `iss`
 * and `aud` if configured.
 */
export function hmacSigner({ secret, issuer, audience }: HmacOptions): TokenSigner {
  const key = keyOf(secret)
  return {
    async sign({ clientId, name, scope, ttlSeconds, issuedAfter }) {
      if (!(ttlSeconds > 0 && Number.isFinite(ttlSeconds))) {
        throw badInput('ttl', `expected a number of seconds above 0, got ${ttlSeconds}`)
      }
      const spaced = scope.find((word) => word === '' || /\s/.test(word))
      if (spaced !== undefined) throw badInput('scope', `expected words without white space, got "${spaced}"`)
      const now = Math.floor(Date.now() / 1_000)
      const issuedAt = issuedAfter === undefined ? now : Math.max(now, Math.floor(issuedAfter.getTime() / 1_000) + 1)
      const expiresAt = Math.ceil(now + ttlSeconds)
      const jwt = new SignJWT({ scope: scope.join(' '), ...(name === undefined ? {} : { name }) })
        .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
        .setIssuedAt(issuedAt)
        .setExpirationTime(expiresAt)
      if (clientId !== undefined) jwt.setSubject(checkClientId(clientId))
      if (issuer !== undefined) jwt.setIssuer(issuer)
      if (audience !== undefined) jwt.setAudience(audience)
      return { token: await jwt.sign(await key), expiresAt: new Date(expiresAt * 1_000) }
    },
  }
}

/**
 * Accepts HS256 only. A token with another algorithm, or none, is rejected before any key is used.
 */
export function hmacVerifier({ secret, ...rules }: HmacOptions): TokenVerifier {
  const key = keyOf(secret)
  const options = verifyOptions(rules, [algorithm])
  const simpleClaims = hmacClaims(bytesOf(secret), rules)
  const verifyWithJose = (token: string) => checkedClaims(token, async (text) => jwtVerify(text, await key, options))
  return {
    async verify(token) {
      try {
        return identityOf(simpleClaims(token) ?? (await verifyWithJose(token)), token)
      } catch (error) {
        throw error instanceof TokenRejection ? refuseToken(error) : error
      }
    },
  }
}

/** Imported once because jose would import raw bytes again for each token. */
function keyOf(secret: string): Promise<CryptoKey> {
  return webcrypto.subtle.importKey('raw', bytesOf(secret), { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
    'verify',
  ])
}

function bytesOf(secret: string): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(secret)
  if (bytes.length < minSecretBytes) {
    throw new Error(`the JWT secret: expected at least ${minSecretBytes} bytes, got ${bytes.length}`)
  }
  return bytes
}
