import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { errors, SignJWT } from 'jose'
import { anonymousFor } from '../../../src/auth/legacy-access.ts'
import { checkedClaims } from '../../../src/auth/tokens/checked-claims.ts'
import { eitherVerifier } from '../../../src/auth/tokens/either-verifier.ts'
import { hmacSigner, hmacVerifier } from '../../../src/auth/tokens/jwt.ts'
import { logRejections } from '../../../src/auth/tokens/log-rejections.ts'
import { identityOf, refuseToken, TokenRejection, type TokenVerifier } from '../../../src/auth/tokens/token-verifier.ts'
import { anonymous, anyListener, noScope } from '../../../src/core/model/identity.ts'
import { GatewayError } from '../../../src/errors.ts'

describe('with two verifiers', () => {
  const named = (clientId: string): TokenVerifier => ({ verify: async () => ({ ...anonymous, clientId }) })
  const either = eitherVerifier(named('own'), named('provider'))
  const headerOnly = (header: string) => `${Buffer.from(header).toString('base64url')}.e30.x`

  test.each([
    ['own', '{"alg":"HS256"}'],
    ['provider', '{"alg":"RS256"}'],
    ['provider', '{"alg":"HS512"}'],
    ['provider', '{"alg":"none"}'],
    ['provider', '{}'],
    ['own', 'not JSON'],
  ])('%s checks a token with the header %s', async (verifier, header) => {
    expect(await either.verify(headerOnly(header))).toMatchObject({ clientId: verifier })
  })

  test('the algorithm of a signed token counts', async () => {
    const signed = await new SignJWT({}).setProtectedHeader({ alg: 'HS256' }).sign(new Uint8Array(32))
    expect(await either.verify(signed)).toMatchObject({ clientId: 'own' })
    expect(await either.verify('')).toMatchObject({ clientId: 'own' })
  })
})

describe('claims', () => {
  test('become an identity', () => {
    expect(identityOf({ sub: 'alice', scope: ['room', 'publish'], iat: 10, exp: 20.5 }, '')).toEqual({
      clientId: 'alice',
      scope: { ...noScope, room: true, publish: true, words: ['room', 'publish'] },
      issuedAt: new Date(10_000),
      expiresAt: new Date(20_500),
    })
    expect(identityOf({}, '')).toEqual(anonymous)
  })

  test('with times beyond every date have the nearest date', () => {
    expect(identityOf({ iat: -1e300, exp: 1e300 }, '')).toMatchObject({
      issuedAt: new Date(-8.64e15),
      expiresAt: new Date(8.64e15),
    })
  })

  test.each([
    ['subject', { sub: 7 }],
    ['subject', { sub: null }],
    ['scope', { scope: 7 }],
    ['scope', { scope: ['a', 7] }],
    ['scope', { scope: null }],
  ])('with an invalid %s are refused: %j', (reason, claims) => {
    expect(() => identityOf(claims, '')).toThrow(expect.objectContaining({ name: 'TokenRejection', reason }))
  })

  test('that were refused have one message for the client, and another if it may try again', () => {
    const sentence = (reason: 'expired' | 'keys-unavailable') => refuseToken(new TokenRejection(reason, 'why')).message
    expect(sentence('expired')).toBe('The token is not valid, or no longer valid.')
    expect(sentence('keys-unavailable')).toBe('The token cannot be checked just now; try again in a moment.')
  })
})

test('without a token, open access subscribes to everything and other access to nothing', () => {
  expect([anonymousFor('open'), anonymousFor('token')]).toEqual([anyListener, anonymous])
})

describe('the log of refused tokens', () => {
  beforeEach(() => void jest.useFakeTimers())
  afterEach(() => void jest.useRealTimers())

  const refused = refuseToken(new TokenRejection('expired', 'the time is over'))

  test('has the reason and not the message for the client, and passes on results and errors', async () => {
    const lines: unknown[] = []
    const logged = logRejections((text, details) => lines.push([text, details]))
    expect(await logged(async () => 7)).toBe(7)
    await expect(logged(() => Promise.reject(refused))).rejects.toBe(refused)
    const revoked = new GatewayError('UNAUTHENTICATED', 'no', { cause: new Error('revoked at noon') })
    await expect(logged(() => Promise.reject(revoked))).rejects.toBe(revoked)
    const bare = new GatewayError('UNAUTHENTICATED', 'no')
    await expect(logged(() => Promise.reject(bare))).rejects.toBe(bare)
    const other = new Error('no', { cause: new Error('x') })
    await expect(logged(() => Promise.reject(other))).rejects.toBe(other)
    expect(lines).toEqual([
      ['a token was refused', { reason: 'expired', why: 'the time is over' }],
      ['a token was refused', { reason: 'revoked', why: 'revoked at noon' }],
    ])
  })

  test('has at most ten lines a second', async () => {
    jest.setSystemTime(5_000)
    let lines = 0
    const logged = logRejections(() => (lines += 1))
    const refuse = async (times: number) => {
      for (let n = 0; n < times; n += 1) await logged(() => Promise.reject(refused)).catch(() => undefined)
    }
    await refuse(10)
    expect(lines).toBe(10)
    jest.setSystemTime(5_999)
    await refuse(5)
    expect(lines).toBe(10)
    jest.setSystemTime(6_000)
    await refuse(12)
    expect(lines).toBe(20)
  })
})

describe('a failed check', () => {
  const reasonOf = async (failure: unknown) => {
    const rejection = await checkedClaims('x', () => Promise.reject(failure)).catch((thrown: unknown) => thrown)
    expect(rejection).toBeInstanceOf(TokenRejection)
    const { reason, message } = rejection as TokenRejection
    return [reason, message]
  }

  test('has a reason, whatever failed', async () => {
    const own = new TokenRejection('subject', 'own')
    await expect(checkedClaims('x', () => Promise.reject(own))).rejects.toBe(own)
    const claim = (name: string) => new errors.JWTClaimValidationFailed('m', {}, name)
    expect(await Promise.all(['nbf', 'iss', 'aud', 'other'].map((name) => reasonOf(claim(name))))).toEqual([
      ['not-yet-valid', 'm'],
      ['issuer', 'm'],
      ['audience', 'm'],
      ['claims', 'm'],
    ])
    const all = [
      new errors.JWTExpired('m', {}),
      new errors.JOSEAlgNotAllowed('m'),
      new errors.JOSENotSupported('m'),
      new errors.JWSSignatureVerificationFailed('m'),
      new errors.JWKSNoMatchingKey('m'),
      new errors.JWKSMultipleMatchingKeys('m'),
      new errors.JWSInvalid('m'),
    ]
    expect(await Promise.all(all.map(async (error) => (await reasonOf(error))[0]))).toEqual([
      'expired',
      'algorithm',
      'algorithm',
      'signature',
      'unknown-key',
      'unknown-key',
      'malformed',
    ])
    expect(await reasonOf(new TypeError('odd'))).toEqual(['malformed', 'unexpected: TypeError: odd'])
  })

  test('is not begun for more than 8,192 characters', async () => {
    const check = async () => ({ payload: { sub: 'a' } })
    expect(await checkedClaims('x'.repeat(8_192), check)).toEqual({ sub: 'a' })
    await expect(checkedClaims('x'.repeat(8_193), check)).rejects.toMatchObject({ reason: 'too-long' })
  })
})

test('a token is dated into the second after the given moment, and its scope has words without white space', async () => {
  const signer = hmacSigner({ secret: 'a secret of thirty-two bytes or more' })
  const verifier = hmacVerifier({ secret: 'a secret of thirty-two bytes or more' })
  const later = new Date((Math.floor(Date.now() / 1_000) + 100) * 1_000 + 500)
  const issued = async (issuedAfter: Date | undefined) => {
    const { token } = await signer.sign({ clientId: 'a', scope: ['x'], ttlSeconds: 600, issuedAfter })
    return (await verifier.verify(token)).issuedAt?.getTime() ?? 0
  }
  expect(await issued(later)).toBe(later.getTime() + 500)
  for (const past of [undefined, new Date(0)]) expect(Math.abs((await issued(past)) - Date.now())).toBeLessThan(30_000)
  for (const word of ['', 'a b', 'a\tb'])
    await expect(signer.sign({ clientId: 'a', scope: ['x', word], ttlSeconds: 1 })).rejects.toThrow(
      'without white space',
    )
})
