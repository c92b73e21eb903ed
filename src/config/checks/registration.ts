import type { RegistrationPolicy } from '../../core/clients/registration.ts'
import { isLoopback } from '../../core/limits/loopback.ts'
import type { Config } from '../options/options.ts'

type Decisive = Pick<Config, 'registration' | 'registrationPrefix' | 'jwksUrl' | 'host' | 'legacyAccess'>

/**
 * Who may register: the configured mode, or a default that depends on the identity provider and on
 * who can reach the gateway.
 */
export function registrationOf(config: Decisive): RegistrationPolicy {
  return { mode: config.registration ?? defaultMode(config), prefix: config.registrationPrefix }
}

function defaultMode({ jwksUrl, host, legacyAccess }: Decisive): RegistrationPolicy['mode'] {
  if (jwksUrl !== undefined) return 'off'
  return isLoopback(host) || legacyAccess === 'open' ? 'open' : 'token'
}
