import { anonymous, anyListener, type Identity } from '../core/model/identity.ts'

/**
 * The identity of a connection without a token on the transports of the old systems: anonymous, or
 * one that may subscribe to every channel and nothing else.
 */
export function anonymousFor(access: 'open' | 'token'): Identity {
  return access === 'open' ? anyListener : anonymous
}
