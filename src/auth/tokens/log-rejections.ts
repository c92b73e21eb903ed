import { GatewayError } from '../../errors.ts'
import { TokenRejection } from './token-verifier.ts'

/** Lines a second, so that a sender of invalid tokens cannot fill the log. */
const maxLines = 10

/**
 * Wraps a check of credentials and logs why a token was refused. The client gets the same message
 * for every reason.
 */
export function logRejections(
  log: (text: string, details: Record<string, unknown>) => void,
): <T>(check: () => Promise<T>) => Promise<T> {
  let second = 0
  let lines = 0
  return async (check) => {
    try {
      return await check()
    } catch (error) {
      const now = Math.floor(Date.now() / 1_000)
      if (now !== second) [second, lines] = [now, 0]
      lines += 1
      if (lines <= maxLines && error instanceof GatewayError && error.cause instanceof Error) {
        const reason = error.cause instanceof TokenRejection ? error.cause.reason : 'revoked'
        log('a token was refused', { reason, why: error.cause.message })
      }
      throw error
    }
  }
}
