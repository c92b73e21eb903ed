import {
  AuthorizationResponseError,
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  type ClientAuth,
  ClientError,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  type CustomFetch,
  calculatePKCECodeChallenge,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  None,
  ResponseBodyError,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  refreshTokenGrant,
  tokenRevocation,
} from 'openid-client'
import { errorText } from '../../core/model/error-text.ts'
import { type ConsoleRole, consoleRoleOf, type RoleRules } from './console-role.ts'
import { SignInProblem } from './sign-in-problem.ts'

export interface ProviderSettings {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string | undefined
  readonly scopes: string
  readonly roles: RoleRules
}

/** What the gateway remembers of a sign-in until the provider answers. */
export interface PendingSignIn {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
}

export interface SignedIn {
  readonly subject: string
  /** For people. */
  readonly name: string
  readonly role: ConsoleRole | undefined
  readonly refreshToken: string | undefined
  /** When the ID token expires, in milliseconds. */
  readonly expiresAt: number
}

type Tokens = Awaited<ReturnType<typeof authorizationCodeGrant | typeof refreshTokenGrant>>

const timeoutSeconds = 10
const maxAnswerBytes = 256 * 1024

/**
 * A client of an OpenID Connect provider: authorization code flow with PKCE. The ID token is
 * checked for issuer, audience, signature, times and nonce. Every function rejects with
 * `SignInProblem`.
 */
export class IdentityProviderClient {
  readonly #settings: ProviderSettings
  #configuration: Promise<Configuration> | undefined

  constructor(settings: ProviderSettings) {
    this.#settings = settings
  }

  /** The address of the provider's page, and what `finish` needs. */
  begin(redirectUri: string): Promise<{ url: string; pending: PendingSignIn }> {
    return this.#ask(async (configuration) => {
      const pending = { state: randomState(), nonce: randomNonce(), verifier: randomPKCECodeVerifier() }
      const url = buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        scope: this.#settings.scopes,
        state: pending.state,
        nonce: pending.nonce,
        code_challenge: await calculatePKCECodeChallenge(pending.verifier),
        code_challenge_method: 'S256',
      })
      return { url: url.href, pending }
    })
  }

  /** `callback`: the redirect URI with the parameters that the provider added. */
  finish(callback: URL, { state, nonce, verifier }: PendingSignIn): Promise<SignedIn> {
    return this.#ask(async (configuration) => {
      const tokens = await authorizationCodeGrant(configuration, callback, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
      })
      return this.#signedIn(configuration, tokens)
    })
  }

  /**
   * Asks the provider whether the user still may sign in. Without a new ID token, which a provider
   * may leave out, the last role stays.
   */
  renew(last: SignedIn & { readonly refreshToken: string }): Promise<SignedIn> {
    return this.#ask(async (configuration) => {
      const tokens = await refreshTokenGrant(configuration, last.refreshToken)
      const refreshToken = tokens.refresh_token ?? last.refreshToken
      const lifetimeMs = (tokens.expires_in ?? 0) * 1_000
      if (!tokens.claims()) return { ...last, refreshToken, expiresAt: Date.now() + lifetimeMs }
      const renewed = await this.#signedIn(configuration, tokens)
      if (renewed.subject !== last.subject) throw new SignInProblem('invalid', 'the new ID token has another subject')
      return { ...renewed, refreshToken }
    })
  }

  /** Revokes the refresh token if the provider can. Never rejects. */
  async end(refreshToken: string | undefined): Promise<void> {
    if (refreshToken === undefined) return
    await this.#ask(async (configuration) => {
      if (configuration.serverMetadata().revocation_endpoint !== undefined)
        await tokenRevocation(configuration, refreshToken)
    }).catch(() => undefined)
  }

  /** Where the user can sign out of the provider. Undefined if it has no such page. */
  signOutUrl(): Promise<string | undefined> {
    return this.#ask((configuration) => {
      const { end_session_endpoint: endpoint } = configuration.serverMetadata()
      return Promise.resolve(endpoint === undefined ? undefined : buildEndSessionUrl(configuration).href)
    }).catch(() => undefined)
  }

  async #signedIn(configuration: Configuration, tokens: Tokens): Promise<SignedIn> {
    const claims = tokens.claims()
    if (!claims) throw new SignInProblem('invalid', 'the answer has no ID token')
    const { roles } = this.#settings
    let all: Readonly<Record<string, unknown>> = claims
    // Providers may send roles and names only in the answer of the UserInfo endpoint.
    if (consoleRoleOf(claims, roles) === undefined && configuration.serverMetadata().userinfo_endpoint !== undefined)
      all = { ...(await fetchUserInfo(configuration, tokens.access_token, claims.sub)), ...claims }
    const name = [all['preferred_username'], all['email'], all['name']].find((value) => typeof value === 'string')
    return {
      subject: claims.sub,
      name: (name ?? claims.sub).slice(0, 200),
      role: consoleRoleOf(all, roles),
      refreshToken: tokens.refresh_token,
      expiresAt: claims.exp * 1_000,
    }
  }

  async #ask<Answer>(question: (configuration: Configuration) => Promise<Answer>): Promise<Answer> {
    try {
      this.#configuration ??= discover(this.#settings)
      const configuration = await this.#configuration.catch((error: unknown) => {
        this.#configuration = undefined
        throw error
      })
      return await question(configuration)
    } catch (error) {
      throw problemOf(error)
    }
  }
}

async function discover({ issuer, clientId, clientSecret }: ProviderSettings): Promise<Configuration> {
  const server = new URL(issuer)
  // The configuration permits plain HTTP only for a provider on this machine.
  const insecure = server.protocol === 'http:' ? [allowInsecureRequests] : []
  const found = await discovery(server, clientId, undefined, None(), {
    timeout: timeoutSeconds,
    execute: insecure,
    [customFetch]: boundedFetch,
  })
  const metadata = found.serverMetadata()
  const authentication = clientSecret === undefined ? None() : secretIn(clientSecret, metadata)
  const configuration = new Configuration(metadata, clientId, undefined, authentication)
  configuration.timeout = timeoutSeconds
  configuration[customFetch] = boundedFetch
  for (const permit of insecure) permit(configuration)
  // The signature of the ID token is checked as well as the connection that it came over.
  enableNonRepudiationChecks(configuration)
  return configuration
}

/** Without the member, `client_secret_basic` is meant (OpenID Connect Discovery 1.0 §3). */
function secretIn(
  secret: string,
  {
    token_endpoint_auth_methods_supported: methods = ['client_secret_basic'],
  }: {
    readonly token_endpoint_auth_methods_supported?: string[]
  },
): ClientAuth {
  return methods.includes('client_secret_basic') ? ClientSecretBasic(secret) : ClientSecretPost(secret)
}

const boundedFetch: CustomFetch = async (url, options) => {
  const response = await fetch(url, options as RequestInit)
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of response.body ?? []) {
    bytes += part.byteLength
    if (bytes > maxAnswerBytes) throw new TypeError(`the answer has more than ${maxAnswerBytes} bytes`)
    parts.push(part)
  }
  const { status, statusText, headers } = response
  return new Response(bytes === 0 ? null : Buffer.concat(parts), { status, statusText, headers })
}

function problemOf(error: unknown): SignInProblem {
  if (error instanceof SignInProblem) return error
  // The error codes of RFC 6749 §4.1.2.1 and §5.2. Descriptions may contain what a user typed.
  if (error instanceof AuthorizationResponseError)
    return new SignInProblem(error.error === 'access_denied' ? 'denied' : 'invalid', `the provider: ${error.error}`)
  if (error instanceof ResponseBodyError)
    return new SignInProblem(error.status >= 500 ? 'away' : 'invalid', `the provider: ${error.error}`)
  if (error instanceof ClientError) {
    const response = error.cause instanceof Response ? error.cause : undefined
    const isAway = awayCodes.includes(error.code ?? '') || (response !== undefined && response.status >= 500)
    return new SignInProblem(isAway ? 'away' : 'invalid', reasonOf(error))
  }
  return new SignInProblem('away', reasonOf(error))
}

/** Without a code, the error is one of `fetch`. */
const awayCodes = ['OAUTH_TIMEOUT', 'OAUTH_ABORT', '']

/** With the causes, because the reason of a failed `fetch` is the cause of its cause. */
function reasonOf(error: unknown): string {
  const text = errorText(error)
  return error instanceof Error && error.cause instanceof Error ? `${text}: ${reasonOf(error.cause)}` : text
}
