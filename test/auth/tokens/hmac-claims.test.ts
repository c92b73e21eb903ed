import { createHmac } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { type JWTPayload, jwtVerify } from 'jose'
import { type ClaimRules, verifyOptions } from '../../../src/auth/tokens/checked-claims.ts'
import { hmacClaims } from '../../../src/auth/tokens/hmac-claims.ts'
import { Seeded } from '../../ledger/seeded.ts'

const secret = new TextEncoder().encode('a secret of thirty-two bytes or more')
const strict = { issuer: 'https://id.example', audience: 'warren' }
const now = () => Math.floor(Date.now() / 1_000)

function encoded(part: string | Uint8Array): string {
  return Buffer.from(part).toString('base64url')
}

function signed(header: string, payload: string | Uint8Array, algorithm = 'sha256'): string {
  const content = `${encoded(header)}.${encoded(payload)}`
  return `${content}.${createHmac(algorithm, secret).update(content).digest('base64url')}`
}

async function byJose(token: string, rules: ClaimRules): Promise<JWTPayload | undefined> {
  return jwtVerify(token, secret, verifyOptions(rules, ['HS256'])).then(
    ({ payload }) => payload,
    () => undefined,
  )
}

const headers = [
  '{"alg":"HS256"}',
  '{"alg":"HS256","typ":"JWT"}',
  '{"typ":"JWT","alg":"HS256","kid":"one"}',
  '{"alg":"HS256","alg":"none"}',
  '{"alg":"none","alg":"HS256"}',
  '{"alg":"hs256"}',
  '{"alg":"HS512"}',
  '{"alg":"RS256"}',
  '{"alg":["HS256"]}',
  '{"alg":"HS256","b64":false}',
  '{"alg":"HS256","b64":false,"crit":["b64"]}',
  '{"alg":"HS256","crit":["exp"],"exp":1}',
  '{"alg":"HS256","crit":[]}',
  '{"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"}}',
  '{"__proto__":{"alg":"HS256"}}',
  '[{"alg":"HS256"}]',
  '"HS256"',
  'null',
  '',
]

const times: readonly unknown[] = [undefined, -1, 0, 1e300, '9999999999', null, true, [], {}]
const anyTime = (random: Seeded): unknown =>
  random.next() < 0.5 ? now() + Math.floor(random.next() * 40) - 20 : random.pick(times)

function anyClaims(random: Seeded): string {
  return random.next() < 0.1
    ? random.pick(['null', '[]', '"text"', '7', '{', '', '{"exp":9999999999', '\uFEFF{"sub":"a"}'])
    : JSON.stringify({
        sub: random.pick(['alice', 'é', '\u{1F407}']),
        ...(random.next() < 0.7 ? { exp: anyTime(random) } : {}),
        ...(random.next() < 0.3 ? { nbf: anyTime(random) } : {}),
        ...(random.next() < 0.3 ? { iat: anyTime(random) } : {}),
        ...(random.next() < 0.8
          ? { iss: random.pick([strict.issuer, 'https://id.example.evil', 7, [strict.issuer]]) }
          : {}),
        ...(random.next() < 0.8
          ? { aud: random.pick([strict.audience, ['other', 'warren'], 'other', [], [['warren']]]) }
          : {}),
      })
}

/** Changes a token as an attacker on the way might. */
function mutated(token: string, random: Seeded): string {
  const at = Math.floor(random.next() * token.length)
  const characters = ['A', 'B', 'c', '0', '-', '_', '.', '=', '+', '/', ' ', '\n', '\u00e9', '']
  return `${token.slice(0, at)}${random.pick(characters)}${token.slice(at + (random.next() < 0.8 ? 1 : 0))}`
}

describe('the check without jose', () => {
  test.each([1, 2, 3])(
    'accepts only what jose accepts, with the same claims, for generated and mutated tokens (seed %i)',
    async (seed) => {
      const random = new Seeded(seed)
      const quick = new Map([{}, strict].map((rules) => [rules, hmacClaims(secret, rules)]))
      let good = 0
      for (let number = 0; number < 1_500; number += 1) {
        const header = random.next() < 0.6 ? '{"alg":"HS256"}' : random.pick(headers)
        const whole = signed(header, anyClaims(random), random.next() < 0.95 ? 'sha256' : 'sha512')
        const token = random.next() < 0.5 ? whole : mutated(whole, random)
        for (const [rules, claimsOf] of quick) {
          const claims = claimsOf(token)
          if (claims === undefined) continue
          good += 1
          expect([token, await byJose(token, rules)]).toEqual([token, claims])
        }
      }
      expect(good).toBeGreaterThan(100)
    },
  )

  test('accepts every token as Warren and most providers print it', () => {
    for (const header of headers.slice(0, 3)) {
      const claims = { sub: 'alice', iss: strict.issuer, aud: ['warren'], exp: now() + 60, nbf: now(), iat: now() }
      expect(hmacClaims(secret, strict)(signed(header, JSON.stringify(claims)))).toEqual(claims)
    }
  })

  test('rejects a token with one changed bit, at any position', () => {
    const token = signed('{"alg":"HS256"}', JSON.stringify({ sub: 'alice', exp: now() + 600 }))
    const claimsOf = hmacClaims(secret, {})
    expect(claimsOf(token)).toMatchObject({ sub: 'alice' })
    const bytes = Buffer.from(token)
    for (let bit = 0; bit < (bytes.length - 1) * 8; bit += 1) {
      const other = Buffer.from(bytes)
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect([bit, claimsOf(other.toString('latin1'))]).toEqual([bit, undefined])
    }
  })

  test('rejects a token that is not UTF-8, and one above the length limit', () => {
    const claimsOf = hmacClaims(secret, {})
    expect(claimsOf(signed('{"alg":"HS256"}', Buffer.from('{"sub":"\xff"}', 'latin1')))).toBeUndefined()
    expect(claimsOf(signed('{"alg":"HS256"}', JSON.stringify({ sub: 'a'.repeat(9_000) })))).toBeUndefined()
  })
})
