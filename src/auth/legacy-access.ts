import { anonymous, anyListener, type Identity } from '../core/model/identity.ts'

/**
 * Who a connection without a token is, on the transports of the old systems: nobody, or somebody
 * who may hear every channel and nothing else.
 */
export function anonymousFor(access: 'open' | 'token'): Identity {
  return access === 'open' ? anyListener : anonymous
}
