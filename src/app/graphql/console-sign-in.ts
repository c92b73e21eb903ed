import type { IdentityProviderClient } from '../../auth/sign-in/identity-provider.ts'
import { consoleSignInOf } from '../../config/checks/console-sign-in.ts'
import type { Config } from '../../config/options/options.ts'
import type { Gateway } from '../../core/gateway.ts'
import type { Inspection } from '../../core/inspection/inspection.ts'
import { type Identity, scopeOf } from '../../core/model/identity.ts'
import { ConsoleSignIn, type ConsoleUser } from '../../transports/console/sign-in/console-sign-in.ts'
import { type HttpRoutes, sendJson } from '../../transports/http/answer-request.ts'
import type { PageGuard } from '../../transports/http/page-guard.ts'
import type { Identities } from '../identities.ts'

interface SignInParts {
  readonly gateway: Gateway
  readonly inspection: Inspection
  readonly identities: Pick<Identities, 'secret' | 'signer'>
  readonly guard: PageGuard
  readonly warn: (text: string, details: Record<string, unknown>) => void
}

/** Before the subject of a provider's user, so that it is no client id of a client. */
const userPrefix = 'console:'

/** The routes of the sign-in to the console. Without a provider, the page learns that. */
export function consoleSignInRoutes(config: Config, parts: SignInParts): HttpRoutes['requests'] {
  const settings = consoleSignInOf(config)
  if (!settings)
    return new Map([['/console/session', (_request, response) => sendJson(response, 200, { provider: null })]])
  const { gateway, inspection, identities, guard, warn } = parts
  let client: Promise<IdentityProviderClient> | undefined
  const signIn = new ConsoleSignIn({
    // Most gateways never load it.
    provider: () => {
      client ??= import('../../auth/sign-in/identity-provider.ts').then((module) => {
        return new module.IdentityProviderClient(settings)
      })
      return client
    },
    providerName: settings.name,
    issuedFor: `${settings.issuer} ${settings.clientId}`,
    origin: settings.origin,
    sessionMs: settings.sessionMs,
    secret: identities.secret,
    proxyHops: config.proxyHops,
    guard,
    issueToken: async (user, expiresAt) => {
      gateway.checkNotBarred(identityOf(user))
      const clientId = userPrefix + user.subject
      const { token } = await identities.signer.sign({
        clientId,
        name: user.name,
        scope: [user.role],
        ttlSeconds: Math.max(1, (expiresAt - Date.now()) / 1_000),
        issuedAfter: gateway.barredUntil(clientId),
      })
      return token
    },
    audit: (user, address, action) =>
      inspection.audit({ identity: identityOf(user), address }, action, `the console, as ${user.name}`),
    log: warn,
  })
  return signIn.routes()
}

/** A revocation after the sign-in ends the session. */
function identityOf({ subject, role, signedInAt }: ConsoleUser): Identity {
  return {
    clientId: userPrefix + subject,
    scope: scopeOf([role]),
    issuedAt: new Date(signedInAt),
    expiresAt: undefined,
  }
}
