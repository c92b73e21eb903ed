import { deepStrictEqual, ok } from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { jwtVerify } from 'jose'
import { verifyOptions } from '../../src/auth/tokens/checked-claims.ts'
import { hmacClaims } from '../../src/auth/tokens/hmac-claims.ts'
import { identityOf, TokenRejection } from '../../src/auth/tokens/token-verifier.ts'

const secret = new TextEncoder().encode('a secret of thirty-two bytes or more')
const strict = { issuer: 'me', audience: 'you' }
const checks = [{}, strict].map((rules) => ({ rules, claimsOf: hmacClaims(secret, rules) }))

/**
 * Header and payload, separated by a line end, are signed with the right secret, because no fuzzer
 * guesses a signature. The rest after a second line end replaces the token's last characters. The
 * quick check accepts nothing that jose refuses.
 */
export async function fuzz(data: Buffer): Promise<void> {
  const [header = '', payload = '', tail = ''] = data.toString('latin1').split('\n')
  const content = `${encoded(header)}.${encoded(payload)}`
  const whole = `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`
  const token = whole.slice(0, whole.length - tail.length) + tail
  for (const { rules, claimsOf } of checks) {
    const claims = claimsOf(token)
    if (claims === undefined) continue
    const { payload: byJose } = await jwtVerify(token, secret, verifyOptions(rules, ['HS256']))
    deepStrictEqual(claims, byJose)
    try {
      const { expiresAt } = identityOf(claims, token)
      ok(expiresAt === undefined || !Number.isNaN(expiresAt.getTime()))
    } catch (error) {
      ok(error instanceof TokenRejection)
    }
  }
}

function encoded(part: string): string {
  return Buffer.from(part, 'latin1').toString('base64url')
}
