import { type Identity, isExpired } from '../core/model/identity.ts'
import type { TokenVerifier } from './tokens/token-verifier.ts'

/** Past either the oldest is forgotten, and checked anew when it comes. */
const maxTokens = 10_000
const maxCharacters = 8 * 1024 * 1024

/**
 * Remembers tokens that were good, until they expire: a client that comes back shows the one it had, and a storm of them is when checking signatures costs most. For keys that
 * cannot change while the process runs; what may change (revocation) is judged by whoever asks.
 */
export function remembering(verifier: TokenVerifier): TokenVerifier {
  const known = new Map<string, Identity>()
  let characters = 0
  const forget = (token: string): void => {
    if (known.delete(token)) characters -= token.length
  }
  return {
    async verify(token) {
      const remembered = known.get(token)
      if (remembered && !isExpired(remembered)) return remembered
      forget(token)
      const identity = await verifier.verify(token)
      // Others may have shown it at the same time.
      forget(token)
      known.set(token, identity)
      characters += token.length
      for (const oldest of known.keys()) {
        if (known.size <= maxTokens && characters <= maxCharacters) break
        forget(oldest)
      }
      return identity
    },
  }
}
