import { describe, expect, test } from '@jest/globals'
import { authenticate, type Credentials } from '../../src/auth/authenticate.ts'
import { hmacSigner, hmacVerifier } from '../../src/auth/tokens/jwt.ts'
import { anonymous } from '../../src/core/model/identity.ts'

const secret = 'a secret of thirty-two bytes or more'
const verifier = hmacVerifier({ secret })
const tokenOf = async (clientId: string) =>
  (await hmacSigner({ secret }).sign({ clientId, scope: [], ttlSeconds: 60 })).token
const alice = await tokenOf('alice')
const bob = await tokenOf('bob')

async function clientIdOf(credentials: Credentials): Promise<string | undefined> {
  return (await authenticate(verifier, credentials)).clientId
}

describe('a caller', () => {
  test.each<[string, Credentials]>([
    ['the Authorization header', { authorization: `Bearer ${alice}` }],
    ['the Authorization header in another spelling', { authorization: `bearer   ${alice} ` }],
    ['Authorization in the connection parameters', { connectionParams: { Authorization: `Bearer ${alice}` } }],
    ['authorization in the connection parameters', { connectionParams: { authorization: `Bearer ${alice}` } }],
    ['token in the connection parameters', { connectionParams: { token: alice } }],
    ['token with a scheme in the connection parameters', { connectionParams: { token: `Bearer ${alice}` } }],
    [
      'headers of the connection parameters',
      { connectionParams: { headers: { Authorization: `Bearer ${alice}`, 'X-Tenant': 'a' } } },
    ],
    ["Apollo Router's connection parameters", { connectionParams: { connectionParams: { token: `Bearer ${alice}` } } }],
    [
      'headers within nested connection parameters',
      { connectionParams: { connectionParams: { headers: { authorization: `Bearer ${alice}` } } } },
    ],
    ["the operation's headers", { extensionsHeaders: { AUTHORIZATION: `Bearer ${alice}` } }],
  ])('is identified by its token in %s', async (_where, credentials) => {
    expect(await clientIdOf(credentials)).toBe('alice')
  })

  test('is identified by the first token: header, then connection, then operation', async () => {
    const connectionParams = { token: alice }
    const extensionsHeaders = { Authorization: `Bearer ${bob}` }
    expect(await clientIdOf({ authorization: `Bearer ${bob}`, connectionParams })).toBe('bob')
    expect(await clientIdOf({ connectionParams, extensionsHeaders })).toBe('alice')
    expect(await clientIdOf({ authorization: '', connectionParams: {}, extensionsHeaders })).toBe('bob')
  })

  test.each<[string, Credentials]>([
    ["the header of a proxy's own password", { authorization: 'Basic YWxpY2U6c2VjcmV0' }],
    ['a header with a scheme and no token', { authorization: 'Bearer ' }],
    ['a header of one word', { authorization: 'none' }],
    ['an empty Authorization', { connectionParams: { Authorization: '', token: alice } }],
    ['an empty Bearer', { connectionParams: { Authorization: 'Bearer ', token: alice } }],
    ['another scheme in the parameters', { connectionParams: { Authorization: 'Basic YTpi', token: alice } }],
    ['a token that is no string', { connectionParams: { Authorization: 7, headers: [], token: alice } }],
  ])('is identified by a later place after %s', async (_what, first) => {
    expect(await clientIdOf({ connectionParams: { token: alice }, ...first })).toBe('alice')
  })

  test.each<[string, Credentials]>([
    ['nothing', {}],
    ['empty places', { authorization: '', connectionParams: {}, extensionsHeaders: {} }],
    ['null in place of a token', { connectionParams: { Authorization: null, token: null } }],
    ['other values', { connectionParams: [1, 'x'], extensionsHeaders: 'text' }],
    ['other values in nested places', { connectionParams: { headers: 'x', connectionParams: [null] } }],
    ["the header of a proxy's own password", { authorization: 'Basic YWxpY2U6c2VjcmV0' }],
    ['a deeper nesting', { connectionParams: { connectionParams: { connectionParams: { token: alice } } } }],
  ])('with %s is anonymous', async (_what, credentials) => {
    expect(await authenticate(verifier, credentials)).toBe(anonymous)
  })

  test.each<[string, Credentials]>([
    ['another scheme in the parameters', { connectionParams: { Authorization: 'Basic YWxpY2U6c2VjcmV0' } }],
    ['Bearer without a token', { authorization: 'Bearer ' }],
    ['a bare token', { authorization: alice }],
    ['two tokens', { authorization: `Bearer ${alice} ${bob}` }],
    ['a token that is a number', { connectionParams: { token: 7 } }],
    ['a list of headers', { extensionsHeaders: { Authorization: [`Bearer ${alice}`] } }],
    ['an invalid token', { connectionParams: { token: `${alice}x` } }],
    ['an invalid token before a valid one', { authorization: 'Bearer bad', connectionParams: { token: alice } }],
    ['a scheme twice', { connectionParams: { token: `Bearer Bearer ${alice}` } }],
  ])('with %s is refused', async (_what, credentials) => {
    await expect(authenticate(verifier, credentials)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  })
})
