import { isLoopback } from '../../core/limits/loopback.ts'
import { ConfigError } from '../config-error.ts'
import type { Config } from '../options/options.ts'
import { type ConsoleSignInOptionNames, consoleSignInOf } from './console-sign-in.ts'
import { identityProvidersOf, type ProviderOptions } from './identity-providers.ts'
import { registrationOf } from './registration.ts'

/**
 * Rejects combinations of options that are valid one by one. `secretGenerated`: no secret was
 * configured, so the gateway keeps one in the data directory and prints an operator token to the
 * terminal. Throws `ConfigError`.
 */
export function checkTogether(
  config: Pick<
    Config,
    'host' | 'demo' | 'presence' | 'offline' | 'brokerUrl' | 'databaseUrl' | ConsoleSignInOptionNames
  > &
    Parameters<typeof registrationOf>[0] &
    ProviderOptions,
  { secretGenerated }: { secretGenerated: boolean },
): void {
  checkDemo(config)
  if (config.offline && !config.presence)
    throw new ConfigError([
      'WARREN_OFFLINE: needs WARREN_PRESENCE=on, because presence knows which clients have a session',
    ])
  identityProvidersOf(config)
  consoleSignInOf(config)
  const { mode, prefix } = registrationOf(config)
  if (config.jwksUrl !== undefined && mode !== 'off' && prefix === undefined) {
    throw new ConfigError([
      `WARREN_REGISTRATION: ${mode} with WARREN_JWKS_URL lets clients register the ids of the provider's users; ` +
        'set WARREN_REGISTRATION_PREFIX, a prefix of all registered ids, or WARREN_REGISTRATION to off',
    ])
  }
  if (secretGenerated && !isLoopback(config.host)) {
    throw new ConfigError([
      `WARREN_HOST: ${config.host} is reachable from other machines, but the secret was generated; ` +
        'set WARREN_JWT_SECRET (or WARREN_JWT_SECRET_FILE) to at least 32 bytes of your own, or WARREN_HOST to 127.0.0.1',
    ])
  }
}

/** The messages and clients of the demo must not reach a real deployment. */
function checkDemo({ demo, brokerUrl, databaseUrl }: Pick<Config, 'demo' | 'brokerUrl' | 'databaseUrl'>): void {
  if (!demo) return
  if (brokerUrl.some((url) => !url.startsWith('memory:')))
    throw new ConfigError([
      'WARREN_DEMO: on fills the embedded broker only, but WARREN_BROKER_URL names another one; ' +
        'leave WARREN_BROKER_URL out (or set it to memory:), or set WARREN_DEMO to off',
    ])
  if (databaseUrl !== undefined)
    throw new ConfigError([
      'WARREN_DEMO: on keeps nothing, but WARREN_DATABASE_URL names a database; ' +
        'leave WARREN_DATABASE_URL out, or set WARREN_DEMO to off',
    ])
}
