import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JSONWebKeySet, SignJWT } from 'jose'
import { defaultMapping } from '../../../src/auth/tokens/claim-rules.ts'
import { eitherVerifier } from '../../../src/auth/tokens/either-verifier.ts'
import { jwksVerifier } from '../../../src/auth/tokens/jwks.ts'
import { hmacSigner, hmacVerifier } from '../../../src/auth/tokens/jwt.ts'

/** A key server of an identity provider. The test sets its keys; it counts requests. */
class KeyServer {
  keys: JSONWebKeySet['keys'] = []
  requests = 0
  readonly #server: Server = createServer((_request, response) => {
    this.requests += 1
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ keys: this.keys }))
  })

  async open(): Promise<URL> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return new URL(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/keys`)
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

interface Key {
  readonly sign: (claims: Record<string, unknown>, header?: { alg?: string; kid?: string }) => Promise<string>
  readonly jwk: JSONWebKeySet['keys'][number]
  readonly publicKey: CryptoKey
}

async function newKey(kid: string, alg = 'ES256'): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(alg)
  const jwk = { ...(await exportJWK(publicKey)), kid, alg }
  const sign: Key['sign'] = (claims, header) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg, kid, ...header })
      .setExpirationTime('1m')
      .sign(privateKey)
  return { sign, jwk, publicKey }
}

describe('a token of an identity provider', () => {
  let server: KeyServer
  let url: URL
  beforeEach(async () => {
    server = new KeyServer()
    url = await server.open()
  })
  afterEach(() => server.close().catch(() => undefined))

  test.each(['RS256', 'PS256', 'ES256', 'EdDSA'])('is accepted when it is signed with %s', async (alg) => {
    const key = await newKey('one', alg)
    server.keys = [key.jwk]
    const verifier = jwksVerifier({ url, issuer: 'https://id.example', audience: 'warren' })
    const token = await key.sign({ sub: 'alice', scope: 'publish', iss: 'https://id.example', aud: 'warren' })
    expect(await verifier.verify(token)).toMatchObject({
      clientId: 'alice',
      scope: { publish: true },
      fromProvider: true,
    })
    const elsewhere = await key.sign({ sub: 'alice', iss: 'https://id.example', aud: 'other' })
    await expect(verifier.verify(elsewhere)).rejects.toMatchObject({ cause: { reason: 'audience' } })
  })

  test('is verified with keys that are fetched once', async () => {
    const key = await newKey('one')
    server.keys = [key.jwk]
    const verifier = jwksVerifier({ url })
    const tokens = await Promise.all(Array.from({ length: 50 }, (_, n) => key.sign({ sub: `client-${n}` })))
    await Promise.all(tokens.map((token) => verifier.verify(token)))
    expect(server.requests).toBe(1)
  })

  test('is accepted right after a rotation of keys, and refused with a withdrawn key', async () => {
    const [first, second] = [await newKey('one'), await newKey('two')]
    server.keys = [first.jwk]
    const verifier = jwksVerifier({ url, cooldownMs: 100 })
    await verifier.verify(await first.sign({ sub: 'alice' }))
    server.keys = [second.jwk]
    expect(await verifier.verify(await second.sign({ sub: 'alice' }))).toMatchObject({ clientId: 'alice' })
    await expect(verifier.verify(await first.sign({ sub: 'alice' }))).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      cause: { reason: 'unknown-key' },
    })
  })

  test('with an unknown key does not make the gateway flood the key server', async () => {
    const [known, unknown] = [await newKey('one'), await newKey('two')]
    server.keys = [known.jwk]
    const verifier = jwksVerifier({ url, cooldownMs: 100 })
    const token = await unknown.sign({ sub: 'alice' })
    const refused = await Promise.allSettled(Array.from({ length: 200 }, () => verifier.verify(token)))
    expect(refused.every(({ status }) => status === 'rejected')).toBe(true)
    expect(server.requests).toBeLessThanOrEqual(4)
  })

  test('is refused if it is unsigned, or signed by HMAC with the public key as the secret', async () => {
    const key = await newKey('one', 'RS256')
    server.keys = [key.jwk]
    const verifier = jwksVerifier({ url })
    const publicKey = new TextEncoder().encode(await exportSPKI(key.publicKey))
    const confused = await new SignJWT({ sub: 'alice' })
      .setProtectedHeader({ alg: 'HS256', kid: 'one' })
      .sign(publicKey)
    await expect(verifier.verify(confused)).rejects.toMatchObject({ cause: { reason: 'algorithm' } })
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"alice"}').toString('base64url')}.`
    await expect(verifier.verify(none)).rejects.toMatchObject({ cause: { reason: 'algorithm' } })
    expect(server.requests).toBe(0)
  })

  test('is not called invalid while the key server does not answer', async () => {
    const key = await newKey('one')
    await server.close()
    await expect(jwksVerifier({ url }).verify(await key.sign({ sub: 'alice' }))).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      message: 'The token cannot be checked just now; try again in a moment.',
      newToken: 'unneeded',
      cause: { reason: 'keys-unavailable' },
    })
  })

  test('names what is wrong with the key server in the log, and does not wait for a key then', async () => {
    const key = await newKey('one')
    const verifier = jwksVerifier({ url, cooldownMs: 60_000 })
    const reason = async () => {
      const error = await verifier.verify(await key.sign({ sub: 'alice' })).catch((thrown: Error) => thrown)
      return ((error as Error).cause as Error).message
    }
    server.keys = 'odd' as never
    expect(await reason()).toMatch(/^the key server: JWKSInvalid: [^()]*$/)
    await server.close()
    expect(await reason()).toMatch(/^the key server: TypeError: fetch failed \(connect ECONNREFUSED .*\)$/)
  })

  test('may not name a client that may be registered here', async () => {
    const key = await newKey('one')
    server.keys = [key.jwk]
    const reserved = [{ prefix: 'web-', option: 'WARREN_REGISTRATION_PREFIX' }]
    const verifier = jwksVerifier({ url, mapping: { ...defaultMapping, reserved } })
    await expect(verifier.verify(await key.sign({ sub: 'web-alice' }))).rejects.toMatchObject({
      cause: { reason: 'subject' },
    })
    for (const sub of ['alice', 'my-web-', undefined])
      expect((await verifier.verify(await key.sign(sub === undefined ? {} : { sub }))).clientId).toBe(sub)
    const without = jwksVerifier({ url })
    expect((await without.verify(await key.sign({ sub: 'web-alice' }))).clientId).toBe('web-alice')
  })

  test('is accepted next to tokens that the gateway signs itself', async () => {
    const secret = 'a secret of thirty-two bytes or more'
    const key = await newKey('one')
    server.keys = [key.jwk]
    const either = eitherVerifier(hmacVerifier({ secret }), jwksVerifier({ url }))
    const { token } = await hmacSigner({ secret }).sign({ clientId: 'bob', scope: [], ttlSeconds: 60 })
    expect(await either.verify(token)).toMatchObject({ clientId: 'bob' })
    expect(await either.verify(await key.sign({ sub: 'alice' }))).toMatchObject({ clientId: 'alice' })
    await expect(either.verify('neither')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  })
})
