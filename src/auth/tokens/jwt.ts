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
  /** Whose token it is; unset: nobody's in particular (an operator's, a publisher's). */
  readonly clientId?: string | undefined
  /**
   * Words as `parseScope` reads them: `operator`, `publish`, `publish:<exchange>[:<key>]`,
   * `channel:<pattern>`.
   */
  readonly scope: readonly string[]
  readonly ttlSeconds: number
  /**
   * A revocation of this moment must not bar it: `iat` lies behind, even within the same second.
   */
  readonly issuedAfter?: Date | undefined
}

export interface TokenSigner {
  /**
   * `expiresAt` falls on a whole second, as in the token. Rejects with `BAD_USER_INPUT` for a
   * client id or scope that no token can carry.
   */
  sign(grant: TokenGrant): Promise<{ token: string; expiresAt: Date }>
}

/**
 * Signs with the secret of the deployment. The claims are `sub`, `scope`, `iat`, `exp`, and `iss`
 * and `aud` where they are set: no more.
 */
export function hmacSigner({ secret, issuer, audience }: HmacOptions): TokenSigner {
  const key = keyOf(secret)
  return {
    async sign({ clientId, scope, ttlSeconds, issuedAfter }) {
      if (!(ttlSeconds > 0 && Number.isFinite(ttlSeconds))) {
        throw badInput('ttl', `expected a number of seconds above 0, got ${ttlSeconds}`)
      }
      const spaced = scope.find((word) => word === '' || /\s/.test(word))
      if (spaced !== undefined) throw badInput('scope', `expected words without white space, got "${spaced}"`)
      const now = Math.floor(Date.now() / 1_000)
      const issuedAt = issuedAfter === undefined ? now : Math.max(now, Math.floor(issuedAfter.getTime() / 1_000) + 1)
      const expiresAt = Math.ceil(now + ttlSeconds)
      const jwt = new SignJWT({ scope: scope.join(' ') })
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
 * Takes HS256 and nothing else: a token that names another algorithm, or none, is refused before
 * any key is touched.
 */
export function hmacVerifier({ secret, ...rules }: HmacOptions): TokenVerifier {
  const key = keyOf(secret)
  const options = verifyOptions(rules, [algorithm])
  const plainlyGood = hmacClaims(bytesOf(secret), rules)
  const judge = (token: string) => checkedClaims(token, async (text) => jwtVerify(text, await key, options))
  return {
    async verify(token) {
      try {
        return identityOf(plainlyGood(token) ?? (await judge(token)))
      } catch (error) {
        throw error instanceof TokenRejection ? refuseToken(error) : error
      }
    },
  }
}

/** Made once: jose would import bytes anew for each token. */
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
