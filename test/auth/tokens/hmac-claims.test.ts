import { createHmac } from 'node:crypto'
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import * as fc from 'fast-check'
import { type JWTPayload, jwtVerify } from 'jose'
import { type ClaimRules, verifyOptions } from '../../../src/auth/tokens/checked-claims.ts'
import { hmacClaims } from '../../../src/auth/tokens/hmac-claims.ts'
import { isWholeRun, pick, runs, weighted } from '../../support/property.ts'

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
// Not within a second of the limits: the two checks do not read the clock at the same moment.
const anyTime = weighted<unknown>(
  [1, pick(-20, -7, -3, 0, 3, 7, 20).map((seconds) => now() + seconds)],
  [1, pick(...times)],
)
const claims = fc
  .record(
    {
      sub: pick('alice', 'é', '\u{1F407}'),
      exp: anyTime,
      nbf: anyTime,
      iat: anyTime,
      iss: pick<unknown>(strict.issuer, 'https://id.example.evil', 7, [strict.issuer]),
      aud: pick<unknown>(strict.audience, ['other', 'warren'], 'other', [], [['warren']]),
    },
    { requiredKeys: ['sub'] },
  )
  .map((record) => JSON.stringify(record))
const payload = weighted(
  [9, claims],
  [1, pick('null', '[]', '"text"', '7', '{', '', '{"exp":9999999999', '\uFEFF{"sub":"a"}')],
)
const whole = fc
  .tuple(
    weighted([6, pick('{"alg":"HS256"}')], [4, pick(...headers)]),
    payload,
    weighted([19, pick('sha256')], [1, pick('sha512')]),
  )
  .map((parts) => signed(...parts))
/** A token that an attacker on the way has changed at one place. */
const mutated = fc
  .record({
    token: whole,
    at: fc.nat(),
    by: pick('A', 'B', 'c', '0', '-', '_', '.', '=', '+', '/', ' ', '\n', '\u00e9', ''),
    removes: weighted([4, pick(1)], [1, pick(0)]),
  })
  .map(({ token, at, by, removes }) => {
    const place = at % token.length
    return `${token.slice(0, place)}${by}${token.slice(place + removes)}`
  })

describe('the check without jose', () => {
  test('accepts only what jose accepts, with the same claims, for generated and mutated tokens', async () => {
    const quick = new Map([{}, strict].map((rules) => [rules, hmacClaims(secret, rules)]))
    let accepted = 0
    await fc.assert(
      fc.asyncProperty(fc.oneof(whole, mutated), async (token) => {
        for (const [rules, claimsOf] of quick) {
          const found = claimsOf(token)
          if (found === undefined) continue
          accepted += 1
          expect(await byJose(token, rules)).toEqual(found)
        }
      }),
      runs(1_500),
    )
    if (isWholeRun) expect(accepted).toBeGreaterThan(100)
  })

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

  test('rejects headers with anything that jose would have to handle', async () => {
    const claimsOf = hmacClaims(secret, {})
    const quick = headers.filter((header) => claimsOf(signed(header, '{"sub":"alice"}')) !== undefined)
    // In JSON the last of two members counts.
    expect(quick).toEqual([...headers.slice(0, 3), '{"alg":"none","alg":"HS256"}'])
    for (const header of quick) expect(await byJose(signed(header, '{}'), {})).toEqual({})
  })

  test.each(['null', '[]', '[1]', '"text"', '7', 'true', '{', ''])('rejects the payload %s', (payload) => {
    expect(hmacClaims(secret, {})(signed('{"alg":"HS256"}', payload))).toBeUndefined()
  })

  test('rejects texts that are not three parts of base64url, although their signature is right', async () => {
    const [header, payload] = [encoded('{"alg":"HS256"}'), encoded('{"sub":"alice"} ')]
    const claimsOf = hmacClaims(secret, {})
    const sign = (text: string) => `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
    expect(claimsOf(sign(`${header}.${payload}`))).toEqual({ sub: 'alice' })
    const whole = encoded('{"sub":"alice1"}  ')
    expect([whole.length % 4, claimsOf(sign(`${header}.${whole}`))]).toEqual([0, { sub: 'alice1' }])
    const odd = [
      header,
      `${header}.${payload}`,
      sign(header),
      `${sign(`${header}.${payload}`)}.x`,
      sign(`${header}.${payload}=`),
      sign(`${header}.=${payload}`),
      sign(`${header}. ${payload}`),
      sign(`${header}=.${payload}`),
      sign(`${header}.${whole}A`),
      `${sign(`${header}.${payload}`)}=`,
      `${sign(`${header}.${payload}`)}A`,
    ]
    for (const token of odd) expect([token, claimsOf(token)]).toEqual([token, undefined])
  })

  test('accepts 8,192 characters', () => {
    const token = (length: number) => {
      const payload = JSON.stringify({ sub: 'a'.repeat(length) })
      return signed('{"alg":"HS256"}', payload)
    }
    const claimsOf = hmacClaims(secret, {})
    expect([token(6_085).length, claimsOf(token(6_085)) !== undefined, claimsOf(token(6_086))]).toEqual([
      8_192,
      true,
      undefined,
    ])
  })

  describe('at the limits', () => {
    afterEach(() => void jest.useRealTimers())

    test('of time: five seconds either way', () => {
      jest.useFakeTimers({ now: 1_000_000_900 })
      const second = 1_000_000
      const claimsOf = hmacClaims(secret, {})
      const isAccepted = (claims: object) => claimsOf(signed('{"alg":"HS256"}', JSON.stringify(claims))) !== undefined
      expect([second - 5, second - 4].map((exp) => isAccepted({ exp }))).toEqual([false, true])
      expect([second + 5, second + 6].map((nbf) => isAccepted({ nbf }))).toEqual([true, false])
      expect(
        ['1', null].map((time) => [isAccepted({ exp: time }), isAccepted({ nbf: time }), isAccepted({ iat: time })]),
      ).toEqual([
        [false, false, false],
        [false, false, false],
      ])
      expect([isAccepted({}), isAccepted({ iat: second + 99 })]).toEqual([true, true])
    })

    test('of issuer and audience', () => {
      const accepted = (rules: ClaimRules, claims: object) =>
        hmacClaims(secret, rules)(signed('{"alg":"HS256"}', JSON.stringify(claims))) !== undefined
      const any = [{}, { iss: 'x' }, { aud: 'x' }]
      expect(any.map((claims) => accepted({}, claims))).toEqual([true, true, true])
      const issuers = [{ iss: 'x' }, { iss: 'y' }, { iss: ['x'] }, {}]
      expect(issuers.map((claims) => accepted({ issuer: 'x' }, claims))).toEqual([true, false, false, false])
      const audiences = [{ aud: 'x' }, { aud: ['y', 'x'] }, { aud: 'y' }, { aud: ['y'] }, { aud: 'xx' }, {}]
      expect(audiences.map((claims) => accepted({ audience: 'x' }, claims))).toEqual([
        true,
        true,
        false,
        false,
        false,
        false,
      ])
    })
  })
})
