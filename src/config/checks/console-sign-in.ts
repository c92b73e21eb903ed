import type { ProviderSettings } from '../../auth/sign-in/identity-provider.ts'
import { ConfigError } from '../config-error.ts'
import type { Config } from '../options/options.ts'

export interface ConsoleSignInSettings extends ProviderSettings {
  /** The host of the issuer, for the button. */
  readonly name: string
  readonly origin: string | undefined
  readonly sessionMs: number
}

export type ConsoleSignInOptionNames =
  | 'console'
  | 'consoleOidcIssuer'
  | 'consoleOidcClientId'
  | 'consoleOidcClientSecret'
  | 'consoleOidcScopes'
  | 'consoleOidcRoleClaim'
  | 'consoleOidcOperator'
  | 'consoleOidcObserve'
  | 'consoleOidcOrigin'
  | 'consoleOidcSessionMs'

/**
 * Undefined without WARREN_CONSOLE_OIDC_ISSUER, or without a console. Throws `ConfigError` if the
 * options do not fit each other.
 */
export function consoleSignInOf(config: Pick<Config, ConsoleSignInOptionNames>): ConsoleSignInSettings | undefined {
  const { consoleOidcIssuer: issuer, consoleOidcClientId: clientId } = config
  const { consoleOidcOperator: operator = [], consoleOidcObserve: observe = [] } = config
  if (issuer === undefined) {
    const given = [
      ['CLIENT_ID', clientId],
      ['CLIENT_SECRET', config.consoleOidcClientSecret],
      ['OPERATOR', config.consoleOidcOperator],
      ['OBSERVE', config.consoleOidcObserve],
      ['ORIGIN', config.consoleOidcOrigin],
    ] as const
    const [name] = given.find(([, value]) => value !== undefined) ?? []
    if (name !== undefined) throw new ConfigError([`WARREN_CONSOLE_OIDC_${name}: needs WARREN_CONSOLE_OIDC_ISSUER`])
    return undefined
  }
  if (clientId === undefined || clientId === '')
    throw new ConfigError([
      'WARREN_CONSOLE_OIDC_CLIENT_ID: expected the client id, because WARREN_CONSOLE_OIDC_ISSUER is set',
    ])
  if (operator.length === 0 && observe.length === 0)
    throw new ConfigError([
      'WARREN_CONSOLE_OIDC_OPERATOR: expected roles or groups, here or in WARREN_CONSOLE_OIDC_OBSERVE; otherwise no user may sign in',
    ])
  if (operator.includes('*'))
    throw new ConfigError([
      'WARREN_CONSOLE_OIDC_OPERATOR: expected roles or groups, got *, which would let every user act',
    ])
  if (config.console === 'off') return undefined
  const scopes = config.consoleOidcScopes.split(' ').filter((scope) => scope !== '' && scope !== 'openid')
  return {
    issuer,
    clientId,
    clientSecret: config.consoleOidcClientSecret,
    scopes: ['openid', ...scopes].join(' '),
    roles: { claims: config.consoleOidcRoleClaim, operator, observe },
    name: new URL(issuer).host,
    origin: config.consoleOidcOrigin,
    sessionMs: config.consoleOidcSessionMs,
  }
}
