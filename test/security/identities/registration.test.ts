import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { createPasswords } from '../../../src/auth/passwords/passwords.ts'
import { registrationOf } from '../../../src/config/checks/registration.ts'
import { load } from '../../../src/config/load/load.ts'
import { reportRegisteredClients } from '../../../src/core/clients/registered-clients.ts'
import { openEmbeddedRegistry } from '../../../src/registries/embedded-registry.ts'
import { connectRaw, socketClusterUrl } from '../../legacy-clients/socketcluster-frames.ts'
import { newClient } from '../../registries/registry-suite.ts'
import { openGateway } from '../../support/gateway/gateway-in-process.ts'
import { runWarren, testToken } from '../../support/gateway/gateway-process.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { ask, inputOf, outcomeOf, outcomeOfCreate } from './registrant.ts'

/** An identity provider: publishes one key and signs with it. */
let provider: { server: Server; url: string; tokenOf(sub: string): Promise<string> }

beforeAll(async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' }] })
  const server = createServer((_request, response) => void response.end(keys)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  provider = {
    server,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`,
    tokenOf: (sub) =>
      new SignJWT({ sub })
        .setProtectedHeader({ alg: 'ES256', kid: 'one' })
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(privateKey),
  }
})
afterAll(() => {
  provider.server.closeAllConnections()
  provider.server.close()
})

const version = '{ gateway { version } }'

async function overRest(url: string, clientId: string, token?: string): Promise<number> {
  const response = await fetch(`${url}/v1/create-channel-client`, {
    method: 'POST',
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    body: JSON.stringify(inputOf(clientId)),
  })
  return response.status
}

describe('next to an identity provider', () => {
  test('registering yields no token for a user of the provider, over any transport', async () => {
    await using gateway = await openGateway({ WARREN_JWKS_URL: provider.url })
    const clientId = 'auth0|4711'
    expect(await outcomeOfCreate(gateway.graphqlUrl, inputOf(clientId))).toBe('FORBIDDEN')
    expect(await overRest(gateway.url, clientId)).toBe(403)
    await using socket = await connectRaw(socketClusterUrl(gateway.url))
    await socket.call('#handshake', {})
    expect((await socket.call('login', inputOf(clientId))).error).toMatchObject({ name: 'FORBIDDEN' })
    const token = await provider.tokenOf(clientId)
    expect(
      outcomeOf(await ask(gateway.graphqlUrl, '{ history(clientId: "auth0|4711") { hasMore } }', {}, { token })),
    ).toBe('answered')
  })

  test('registered ids and those of the provider differ', async () => {
    await using gateway = await openGateway({
      WARREN_JWKS_URL: provider.url,
      WARREN_REGISTRATION: 'open',
      WARREN_REGISTRATION_PREFIX: 'local:',
    })
    const refused = await ask(
      gateway.graphqlUrl,
      'mutation Create($input: CreateClientChannelInput!) { createClientChannel(input: $input) { token } }',
      { input: inputOf('auth0|4711') },
    )
    expect(refused.errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'clientId' })
    expect(await outcomeOfCreate(gateway.graphqlUrl, inputOf('local:alice'))).toBe('answered')
    const attempt = async (sub: string) =>
      outcomeOf(await ask(gateway.graphqlUrl, version, {}, { token: await provider.tokenOf(sub) }))
    expect([await attempt('local:alice'), await attempt('LOCAL:alice'), await attempt('auth0|4711')]).toEqual([
      'UNAUTHENTICATED',
      'answered',
      'answered',
    ])
  })

  test.each(['start', 'check-config'])('%s refuses registration without a prefix in one line', async (command) => {
    const { code, stderr } = await runWarren([command], {
      WARREN_JWKS_URL: provider.url,
      WARREN_REGISTRATION: 'token',
      WARREN_JWT_SECRET: 'a secret of at least 32 bytes, for this test',
    })
    expect(code).toBe(2)
    expect(stderr).toMatch(/^WARREN_REGISTRATION: .*WARREN_JWKS_URL.*WARREN_REGISTRATION_PREFIX.*\n$/)
  })
})

test.each([
  [{}, 'open'],
  [{ WARREN_HOST: 'localhost' }, 'open'],
  [{ WARREN_HOST: '0.0.0.0' }, 'token'],
  [{ WARREN_HOST: '0.0.0.0', WARREN_LEGACY_ACCESS: 'open' }, 'open'],
  [{ WARREN_JWKS_URL: 'https://id.example/keys' }, 'off'],
  [{ WARREN_JWKS_URL: 'https://id.example/keys', WARREN_LEGACY_ACCESS: 'open' }, 'off'],
  [{ WARREN_HOST: '0.0.0.0', WARREN_REGISTRATION: 'open' }, 'open'],
])('with %j registration is %s', (env, mode) => {
  const config = load({ argv: [], env, readFile: () => '' })
  expect(registrationOf(config).mode).toBe(mode)
})

test('with "token" new ids require the scope register; an existing client still gets a token for its password', async () => {
  await using gateway = await openGateway({ WARREN_REGISTRATION: 'token' })
  const { graphqlUrl, url } = gateway
  expect(await outcomeOfCreate(graphqlUrl, inputOf('alice'))).toBe('UNAUTHENTICATED')
  expect(await outcomeOfCreate(graphqlUrl, inputOf('alice'), { token: await testToken({ sub: 'alice' }) })).toBe(
    'FORBIDDEN',
  )
  const registrar = await testToken({ scope: 'register' })
  expect(await outcomeOfCreate(graphqlUrl, inputOf('alice'), { token: registrar })).toBe('answered')
  expect(await outcomeOfCreate(graphqlUrl, inputOf('alice'))).toBe('answered')
  expect(await outcomeOfCreate(graphqlUrl, inputOf('alice', { password: 'another' }))).toBe('CLIENT_ID_TAKEN')
  expect([await overRest(url, 'bob'), await overRest(url, 'bob', registrar), await overRest(url, 'bob')]).toEqual([
    401, 201, 200,
  ])
  // The scope permits registering and nothing else.
  expect(outcomeOf(await ask(graphqlUrl, '{ history(clientId: "alice") { hasMore } }', {}, { token: registrar }))).toBe(
    'FORBIDDEN',
  )
})

describe('clients registered before', () => {
  const registered = async (...ids: string[]) => {
    const folder = newFolder()
    const registry = await openEmbeddedRegistry(folder)
    const passwordHash = await createPasswords(1).hash('correct horse')
    for (const clientId of ids) await registry.addClient(newClient(clientId, { passwordHash }))
    return {
      folder,
      registry,
      [Symbol.asyncDispose]: async () => {
        await registry.close()
        removeFolder(folder)
      },
    }
  }

  test('are counted at the start if they can no longer log in', async () => {
    await using place = await registered('alice', 'bob')
    const lines: unknown[] = []
    const report = (mode: 'off' | 'open', prefix?: string) =>
      reportRegisteredClients(
        { mode, prefix },
        { registry: place.registry, hasProvider: true, log: (...line) => lines.push(line) },
      )
    await report('off')
    expect(lines).toEqual([['warn', expect.stringContaining('WARREN_REGISTRATION'), { clients: 2 }]])
  })

  test('are listed at the start if their ids lack the prefix, whatever characters it has', async () => {
    await using place = await registered('al_ce', '😀é-old', 'x-new', 'X-OLD', 'x-')
    const found = async (prefix: string) => {
      const lines: unknown[][] = []
      await reportRegisteredClients(
        { mode: 'open', prefix },
        { registry: place.registry, hasProvider: true, log: (...line) => lines.push(line) },
      )
      return lines.map(([level, , details]) => [level, details])
    }
    expect(await found('x-')).toEqual([['warn', { clients: 3, ids: ['X-OLD', 'al_ce', '😀é-old'] }]])
    expect(await found('al%')).toMatchObject([[expect.anything(), { clients: 5 }]])
    expect(await found('😀é')).toMatchObject([[expect.anything(), { clients: 4 }]])
  })

  test('with hidden characters in ids or names log in as before; new ones are refused', async () => {
    const odd = 'ali\u200bce'
    await using place = await registered(odd)
    await using gateway = await openGateway({ WARREN_DATA_DIR: place.folder })
    const name = 'Al\u202eice'
    expect(await outcomeOfCreate(gateway.graphqlUrl, inputOf(odd, { name }))).toBe('answered')
    const refused = async (given: Record<string, string>) => {
      const input = inputOf(`new-${Math.random()}`, given)
      const query = `mutation($input: CreateClientChannelInput!) { createClientChannel(input: $input) { token } }`
      const { errors } = await ask(gateway.graphqlUrl, query, { input })
      return errors?.[0]?.extensions
    }
    const hidden = [
      '\u200b',
      '\u200d',
      '\u2066',
      '\u202e',
      '\ufeff',
      '\u00ad',
      '\u034f',
      '\u3164',
      '\ufe0f',
      '\u{e0041}',
      '\u180e',
    ]
    for (const character of hidden) {
      const bad = (field: string) => ({ code: 'BAD_USER_INPUT', field })
      expect(await refused({ clientId: `bo${character}b` })).toEqual(bad('clientId'))
      expect(await refused({ name: `Bo${character}b` })).toEqual(bad('name'))
      expect(await refused({ email: `bo${character}b@example.com` })).toEqual(bad('email'))
    }
    for (const field of ['clientId', 'name', 'email', 'password']) {
      const given =
        field === 'email' ? 'b\ud800@example.com' : 'half \ud800'.replace(field === 'clientId' ? ' ' : '', '')
      expect(await refused({ [field]: given })).toEqual({ code: 'BAD_USER_INPUT', field })
    }
    // Nothing is normalised, and visible characters of any script are allowed.
    expect(await outcomeOfCreate(gateway.graphqlUrl, inputOf('é', { name: 'Zoë 王 🙂' }))).toBe('answered')
    expect(await outcomeOfCreate(gateway.graphqlUrl, inputOf('e\u0301', { password: 'another' }))).toBe('answered')
  })
})
