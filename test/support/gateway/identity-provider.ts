import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { exportJWK, generateKeyPair } from 'jose'
import { Provider } from 'oidc-provider'
import { freePort } from '../network/ports.ts'

/** An OpenID Connect provider on this machine, with a page to sign in. It asks for no password. */
export interface TestIdentityProvider extends AsyncDisposable {
  readonly issuer: string
  /** Roles by user name. A change counts at the next token. */
  readonly roles: Map<string, readonly string[]>
  /** How often a refresh token was used. */
  refreshes(): number
  stop(): Promise<void>
}

export interface TestClient {
  readonly clientId: string
  readonly clientSecret?: string
  readonly redirectUri: string
}

/** `rolesIn`: where the provider sends profile claims. By default only from its UserInfo endpoint. */
export async function identityProvider(
  client: TestClient,
  { rolesIn = 'userinfo' }: { rolesIn?: 'userinfo' | 'id-token' } = {},
): Promise<TestIdentityProvider> {
  const port = await freePort()
  const issuer = `http://127.0.0.1:${port}`
  const roles = new Map<string, readonly string[]>()
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  let refreshes = 0
  const provider = new Provider(issuer, {
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'one' }] },
    cookies: { keys: ['a key for the cookies of a test'] },
    clients: [
      {
        client_id: client.clientId,
        redirect_uris: [client.redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        ...(client.clientSecret === undefined
          ? { token_endpoint_auth_method: 'none' }
          : { client_secret: client.clientSecret }),
      },
    ],
    claims: { openid: ['sub'], profile: ['preferred_username', 'roles'], email: [] },
    conformIdTokenClaims: rolesIn === 'userinfo',
    features: { devInteractions: { enabled: false }, revocation: { enabled: true, allowedPolicy: () => true } },
    findAccount: (_context: unknown, accountId: string) => ({
      accountId,
      claims: () => ({ sub: accountId, preferred_username: nameOf(accountId), roles: roles.get(accountId) ?? [] }),
    }),
    interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    ttl: {
      AccessToken: 600,
      AuthorizationCode: 60,
      IdToken: 600,
      RefreshToken: 86_400,
      Session: 86_400,
      Grant: 86_400,
      Interaction: 600,
    },
  })
  provider.on('grant.success', ({ oidc }: { oidc: { params: { grant_type?: string } } }) => {
    if (oidc.params.grant_type === 'refresh_token') refreshes += 1
  })
  const answer = provider.callback()
  const server = createServer((request, response) => {
    const answered = request.url?.startsWith('/interaction/')
      ? interact(provider, request, response)
      : answer(request, response)
    answered.catch((error: unknown) => response.writeHead(500).end(String(error)))
  }).listen(port, '127.0.0.1')
  await once(server, 'listening')
  const stop = async (): Promise<void> => {
    if (!server.listening) return
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return { issuer, roles, refreshes: () => refreshes, stop, [Symbol.asyncDispose]: stop }
}

/** Asks for the user name, and consents to everything. */
async function interact(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { prompt, params, session } = await provider.interactionDetails(request, response)
  if (prompt.name === 'login') {
    if (request.method !== 'POST') {
      response.writeHead(200, { 'content-type': 'text/html' })
      response.end(
        '<!doctype html><html lang="en"><title>Provider</title><link rel="icon" href="data:,"><form method="post"><label>User <input name="user"></label><button>Continue</button></form></html>',
      )
      return
    }
    const accountId = new URLSearchParams(await text(request)).get('user') ?? ''
    const refused = { error: 'access_denied', error_description: 'the user refused' }
    return provider.interactionFinished(request, response, accountId === 'refuse' ? refused : { login: { accountId } })
  }
  const grant = new provider.Grant({ accountId: session?.accountId ?? '', clientId: params['client_id'] ?? '' })
  grant.addOIDCScope(params['scope'] ?? '')
  grant.addOIDCClaims(prompt.details['missingOIDCClaims'] ?? [])
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } })
}

/** `nadia` is Nadia. */
function nameOf(accountId: string): string {
  return accountId.charAt(0).toUpperCase() + accountId.slice(1)
}
