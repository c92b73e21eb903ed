import { registrationModes } from '../../core/clients/registration.ts'
import { duration } from '../kinds/amounts.ts'
import { claimNames, httpUrls, idClaims, lines, scopeMap } from '../kinds/identity.ts'
import { clientSecret, httpOrigin, oidcIssuer, roleWords } from '../kinds/sign-in.ts'
import { choice, idPrefix, line, secret } from '../kinds/words.ts'
import { option, optional } from './option.ts'

/** Who a caller is: tokens, identity providers, the sign-in to the console, registration. */
export const identityOptions = {
  jwtSecret: optional(secret, {
    unset: 'generated once, kept in WARREN_DATA_DIR',
    group: 'Identity',
    help: 'Secret that signs and verifies tokens (HS256), such as the output of openssl rand -base64 32.',
    secret: true,
    file: true,
  }),
  jwksUrl: optional(httpUrls, {
    unset: 'no identity provider',
    group: 'Identity',
    help: 'URL of the keys (JWKS) of an identity provider, or of several. Their tokens are accepted too (RS, PS, ES, EdDSA).',
  }),
  jwtIssuer: optional(lines, {
    unset: 'not checked',
    group: 'Identity',
    help: "Required claim iss in the identity provider's tokens. With several providers, one for each URL of WARREN_JWKS_URL, in the same order: it selects the keys.",
  }),
  jwtAudience: optional(lines, {
    unset: 'not checked',
    group: 'Identity',
    help: "Required claim aud in the identity provider's tokens. One for all providers, or one for each.",
  }),
  clientIdClaim: option(idClaims, {
    default: 'sub',
    group: 'Identity',
    help: "Claim of the identity provider's tokens with the client id: a name, or a JSON pointer such as /customer/id. One for all providers, or one for each; partner-=sub puts partner- before the ids of a provider.",
  }),
  scopeClaim: option(claimNames, {
    default: 'scope',
    group: 'Identity',
    help: "Claims of the identity provider's tokens with scopes, roles or groups, such as scope,/realm_access/roles. Words of scope and scp grant what they grant in Warren, except operator; those of other claims grant only what WARREN_SCOPE_MAP gives them.",
  }),
  scopeMap: optional(scopeMap, {
    unset: 'no map',
    group: 'Identity',
    help: "Gives words of the identity provider's scopes, roles and groups a meaning in Warren: orders-admin=operator,staff=publish channel:#. A mapped word grants nothing else. An entry may begin with the issuer that it is for, and must for operator if there are several: https://id.example.com orders-admin=operator.",
  }),
  consoleOidcIssuer: optional(oidcIssuer, {
    unset: 'sign-in to the console with a token only',
    group: 'Identity',
    help: 'Issuer of an OpenID Connect provider that signs users in to the console (docs/guides/console.md).',
  }),
  consoleOidcClientId: optional(line, {
    unset: 'required with WARREN_CONSOLE_OIDC_ISSUER',
    group: 'Identity',
    help: 'Client id of the console at the provider.',
  }),
  consoleOidcClientSecret: optional(clientSecret, {
    unset: 'a public client; PKCE is used in any case',
    group: 'Identity',
    help: 'Client secret of the console at the provider.',
    secret: true,
    file: true,
  }),
  consoleOidcScopes: option(line, {
    default: 'openid profile email',
    group: 'Identity',
    help: 'Scopes that the console requests, separated by spaces. Some providers issue a refresh token only with offline_access.',
  }),
  consoleOidcRoleClaim: option(claimNames, {
    default: 'roles,groups',
    group: 'Identity',
    help: 'Claims of the ID token, or of the UserInfo endpoint, with roles or groups: names, or JSON pointers such as /realm_access/roles.',
  }),
  consoleOidcOperator: optional(roleWords, {
    unset: 'no user of the provider is an operator',
    group: 'Identity',
    help: 'Roles or groups of operators in the console.',
  }),
  consoleOidcObserve: optional(roleWords, {
    unset: 'no user of the provider is an observer',
    group: 'Identity',
    help: 'Roles or groups of users who read everything in the console and change nothing. *: every user of the provider.',
  }),
  consoleOidcOrigin: optional(httpOrigin, {
    unset: 'the origin that the browser requests; https if WARREN_PROXY_HOPS is set and X-Forwarded-Proto is https',
    group: 'Identity',
    help: 'Origin under which browsers open the console. The provider redirects to /console/oidc/callback there.',
  }),
  consoleOidcSessionMs: option(duration({ min: '1s', max: '30d' }), {
    default: '8h',
    group: 'Identity',
    help: 'How long a sign-in by the provider lasts. While it lasts, the role is checked again at the provider every 10 minutes, if it issues refresh tokens.',
  }),
  tokenTtlMs: option(duration({ min: '1s', max: '3650d' }), {
    default: '24h',
    group: 'Identity',
    help: 'Lifetime of the tokens that createClientChannel issues.',
  }),
  registration: optional(choice(...registrationModes), {
    unset: 'off with WARREN_JWKS_URL; else open on loopback or with WARREN_LEGACY_ACCESS=open; else token',
    group: 'Identity',
    help: 'Who may register a client id with a password (createClientChannel). open: every caller. token: callers with the scope register; existing clients still get a token for their password. off: passwords give no tokens, because an identity provider or a back end issues them.',
  }),
  registrationPrefix: optional(idPrefix, {
    unset: 'any id',
    group: 'Identity',
    help: 'Required prefix of newly registered client ids, such as guest-. Tokens of the identity provider with this prefix in sub are refused. Required for registration with WARREN_JWKS_URL, so that no client can register the id of a user of the provider.',
  }),
  legacyAccess: option(choice('token', 'open'), {
    default: 'token',
    group: 'Identity',
    help: 'Access on SocketCluster, plain WebSocket and TCP. token: subscribing requires a token. open: as in the old systems, every caller may subscribe, and GET /jwt gives every caller a token for publishing.',
  }),
} as const
