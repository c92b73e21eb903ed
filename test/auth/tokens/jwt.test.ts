import { createHmac, generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { type JWTPayload, SignJWT } from 'jose'
import { hmacSigner, hmacVerifier } from '../../../src/auth/tokens/jwt.ts'
import type { RejectionReason, TokenVerifier } from '../../../src/auth/tokens/token-verifier.ts'
import { noScope } from '../../../src/core/model/identity.ts'

const secret = 'a secret of thirty-two bytes or more'
const signer = hmacSigner({ secret })
const verifier = hmacVerifier({ secret })
const now = () => Math.floor(Date.now() / 1_000)

function signed(claims: JWTPayload, header: { alg: string } = { alg: 'HS256' }, key = secret): Promise<string> {
  return new SignJWT(claims).setProtectedHeader(header).sign(new TextEncoder().encode(key))
}

function encoded(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

async function expectRefused(token: string, reason: RejectionReason, by: TokenVerifier = verifier): Promise<void> {
  const error: unknown = await by.verify(token).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({
    code: 'UNAUTHENTICATED',
    message: 'The token is not valid, or no longer valid.',
    cause: { name: 'TokenRejection', reason },
  })
  const inLog = inspect(error, { depth: 10, showHidden: true })
  expect(inLog).not.toContain('alice')
  if (token.length > 20) expect(inLog).not.toContain(token)
}

describe('a token signed with the secret', () => {
  test('yields its client, its scopes and its end', async () => {
    const before = now()
    const { token, expiresAt } = await signer.sign({
      clientId: 'alice',
      scope: ['publish', 'channel:team.#'],
      ttlSeconds: 60,
    })
    expect(await verifier.verify(token)).toEqual({
      clientId: 'alice',
      scope: { ...noScope, publish: true, channels: ['team.#'], words: ['publish', 'channel:team.#'] },
      issuedAt: new Date(expiresAt.getTime() - 60_000),
      expiresAt,
    })
    expect(expiresAt.getTime() / 1_000 - before).toBeGreaterThanOrEqual(60)
    expect(expiresAt.getTime() / 1_000 - before).toBeLessThanOrEqual(62)
  })

  test('has no more claims than it needs', async () => {
    const { token } = await signer.sign({ clientId: 'alice', scope: [], ttlSeconds: 60 })
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as object
    expect(Object.keys(claims).toSorted()).toEqual(['exp', 'iat', 'scope', 'sub'])
  })

  test('without a subject has no client and keeps its scopes', async () => {
    const { token } = await signer.sign({ scope: ['operator'], ttlSeconds: 60 })
    expect(await verifier.verify(token)).toMatchObject({ clientId: undefined, scope: { operator: true, channels: [] } })
  })

  test('may have its scope as a list, no scope, or no end', async () => {
    const listed = await signed({ sub: 'alice', scope: ['publish', 'channel:a.*'] })
    expect(await verifier.verify(listed)).toEqual({
      clientId: 'alice',
      scope: { ...noScope, publish: true, channels: ['a.*'], words: ['publish', 'channel:a.*'] },
      issuedAt: undefined,
      expiresAt: undefined,
    })
    expect(await verifier.verify(await signed({ sub: 'alice' }))).toMatchObject({ scope: { publish: false } })
  })

  test('is refused if a claim was changed after signing', async () => {
    const [header, , signature] = (await signed({ sub: 'alice', scope: 'publish' })).split('.')
    await expectRefused(`${header}.${encoded({ sub: 'alice', scope: 'operator' })}.${signature}`, 'signature')
  })

  test('is refused if another secret signed it', async () => {
    await expectRefused(
      await signed({ sub: 'alice' }, { alg: 'HS256' }, 'another secret of thirty-two bytes'),
      'signature',
    )
  })

  test('is refused with the algorithm "none", in any spelling', async () => {
    for (const alg of ['none', 'None', 'NONE']) {
      const unsigned = `${encoded({ alg, typ: 'JWT' })}.${encoded({ sub: 'alice', scope: 'operator' })}.`
      await expectRefused(unsigned, 'algorithm')
    }
  })

  test('is refused with another algorithm, with the same secret or with its own key', async () => {
    await expectRefused(await signed({ sub: 'alice' }, { alg: 'HS512' }, secret.repeat(2)), 'algorithm')
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
    const rsa = await new SignJWT({ sub: 'alice' }).setProtectedHeader({ alg: 'RS256' }).sign(privateKey)
    await expectRefused(rsa, 'algorithm')
    // "RS256", signed by HMAC with the secret: a verifier that lets the token choose how to use its
    // one key would accept it.
    const content = `${encoded({ alg: 'RS256' })}.${encoded({ sub: 'alice' })}`
    await expectRefused(`${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`, 'algorithm')
  })

  test('is refused before its time and after it, with five seconds of tolerance', async () => {
    await expectRefused(await signed({ sub: 'alice', exp: now() - 10 }), 'expired')
    await expectRefused(await signed({ sub: 'alice', nbf: now() + 60 }), 'not-yet-valid')
    const skewed = await signed({ sub: 'alice', exp: now() - 2, nbf: now() + 2 })
    expect(await verifier.verify(skewed)).toMatchObject({ clientId: 'alice' })
  })

  test('is refused without the required issuer or audience, or with another one', async () => {
    const strict = hmacVerifier({ secret, issuer: 'https://id.example', audience: 'warren' })
    const good = { sub: 'alice', iss: 'https://id.example', aud: ['other', 'warren'] }
    expect(await strict.verify(await signed(good))).toMatchObject({ clientId: 'alice' })
    await expectRefused(await signed({ ...good, aud: 'other' }), 'audience', strict)
    await expectRefused(await signed({ sub: 'alice', iss: good.iss }), 'audience', strict)
    await expectRefused(await signed({ ...good, iss: 'https://id.example.evil' }), 'issuer', strict)
    const own = hmacSigner({ secret, issuer: 'https://id.example', audience: 'warren' })
    const { token } = await own.sign({ clientId: 'alice', scope: [], ttlSeconds: 60 })
    expect(await strict.verify(token)).toMatchObject({ clientId: 'alice' })
  })

  test.each<[string, JWTPayload, RejectionReason]>([
    ['a subject that is a number', { sub: 7 as unknown as string }, 'subject'],
    ['a subject that is not a client id', { sub: 'alice and bob' }, 'subject'],
    ['an empty subject', { sub: '' }, 'subject'],
    ['a scope that is an object', { sub: 'alice', scope: { operator: true } }, 'scope'],
    ['a scope with a number in its list', { sub: 'alice', scope: ['operator', 1] }, 'scope'],
  ])('is refused with %s', async (_what, claims, reason) => {
    await expectRefused(await signed(claims), reason)
  })

  test('is refused if a time is a string', async () => {
    const content = `${encoded({ alg: 'HS256' })}.${encoded({ sub: 'alice', exp: '2099-01-01' })}`
    await expectRefused(`${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`, 'claims')
  })

  test('ends at the latest possible time if it claims a later one', async () => {
    const identity = await verifier.verify(await signed({ sub: 'alice', exp: 1e300 }))
    expect(identity.expiresAt?.getTime()).toBe(8.64e15)
  })

  test('is refused if it is not a signed token: text, an empty string, an encrypted token, a megabyte', async () => {
    for (const text of ['', 'no-token-at-all', 'a.b.c', 'a.b.c.d.e', '..', `${encoded('x')}.${encoded('y')}.z`]) {
      await expectRefused(text, 'malformed')
    }
    await expectRefused('a'.repeat(1_000_000), 'too-long')
  })
})

describe('signing', () => {
  test('refuses a secret that is too short', () => {
    expect(() => hmacSigner({ secret: 'hunter2' })).toThrow('expected at least 32 bytes, got 7')
    expect(() => hmacVerifier({ secret: 'hunter2' })).toThrow('expected at least 32 bytes, got 7')
  })

  test('refuses claims that a token cannot contain', async () => {
    const grant = { clientId: 'alice', scope: ['publish'], ttlSeconds: 60 }
    await expect(signer.sign({ ...grant, clientId: 'a b' })).rejects.toMatchObject({ field: 'clientId' })
    await expect(signer.sign({ ...grant, scope: ['publish operator'] })).rejects.toMatchObject({ field: 'scope' })
    await expect(signer.sign({ ...grant, ttlSeconds: 0 })).rejects.toMatchObject({ field: 'ttl' })
    await expect(signer.sign({ ...grant, ttlSeconds: Number.NaN })).rejects.toMatchObject({ field: 'ttl' })
  })
})
