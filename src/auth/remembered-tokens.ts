import { type Identity, isExpired } from '../core/identity.ts'
import type { TokenVerifier } from './token-verifier.ts'

/** Past it the oldest is forgotten, and checked anew when it comes. */
const maxTokens = 10_000

/**
 * Remembers tokens that were good, until they expire: a client that comes back shows the one it had, and a storm of them is when checking signatures costs most. For keys that
 * cannot change while the process runs; what may change (revocation) is judged by whoever asks.
 */
export function remembering(verifier: TokenVerifier): TokenVerifier {
  const known = new Map<string, Identity>()
  return {
    async verify(token) {
      const remembered = known.get(token)
      if (remembered && !isExpired(remembered)) return remembered
      known.delete(token)
      const identity = await verifier.verify(token)
      known.set(token, identity)
      for (const oldest of known.keys()) {
        if (known.size <= maxTokens) break
        known.delete(oldest)
      }
      return identity
    },
  }
}
