import type { Credentials } from '../../auth/authenticate.ts'
import { hasToken, type Identity } from '../../core/model/identity.ts'
import { GatewayError } from '../../errors.ts'

type Authenticate = (credentials: Credentials) => Promise<Identity>

/**
 * The authentication of `/graphql` on the port of the console: only callers with the scope
 * `operator` or `observe`, because the port is not for clients.
 */
export function operatorsOnly(authenticate: Authenticate): Authenticate {
  return async (credentials) => {
    const identity = await authenticate(credentials)
    const { operator, observe } = identity.scope
    if (operator || observe) return identity
    if (hasToken(identity))
      throw new GatewayError(
        'FORBIDDEN',
        'this port is for operators: expected a token with the scope operator or observe',
      )
    throw new GatewayError(
      'UNAUTHENTICATED',
      'this port is for operators: expected a token with the scope operator or observe',
    )
  }
}
