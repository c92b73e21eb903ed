import { randomUUID } from 'node:crypto'
import { TokenRejection } from '../../auth/tokens/token-verifier.ts'
import { errorStack } from '../../core/model/error-text.ts'
import { type ErrorCode, GatewayError } from '../../errors.ts'

/** An error as the clients read it: `name` tells what it is. */
export interface Refusal {
  readonly name: string
  readonly message: string
  readonly code?: ErrorCode
  readonly field?: string
  readonly limit?: string
  readonly isBadToken?: boolean
  readonly id?: string
}

/**
 * What a client is told of an error; of one that nobody foresaw, only under which id the log has
 * it.
 */
export function refusalOf(error: unknown, log: (text: string, details: Record<string, unknown>) => void): Refusal {
  if (error instanceof GatewayError) {
    const { code, message, field, limit } = error
    return { name: code, message, code, ...(field ? { field } : {}), ...(limit ? { limit } : {}) }
  }
  const id = randomUUID()
  log('a command of SocketCluster failed in a way that was not foreseen', {
    id,
    error: errorStack(error),
  })
  return { name: 'INTERNAL_SERVER_ERROR', message: `Unexpected error; the gateway's log has it under ${id}`, id }
}

/**
 * What is wrong with a token, by the names that the clients know. A token is bad unless it could
 * not be checked.
 */
function tokenRefusal(error: GatewayError): Refusal & { readonly isBadToken: boolean } {
  const reason = error.cause instanceof TokenRejection ? error.cause.reason : undefined
  const { code, message } = error
  if (code !== 'UNAUTHENTICATED' || reason === 'keys-unavailable') {
    return { name: 'AuthTokenError', message, code, isBadToken: false }
  }
  return {
    name: reason === 'expired' ? 'AuthTokenExpiredError' : 'AuthTokenInvalidError',
    message,
    code,
    isBadToken: true,
  }
}

/** A token that was not taken, with what the clients want to know of it. */
export class TokenRefused extends Error {
  readonly refusal: ReturnType<typeof tokenRefusal>

  constructor(error: GatewayError) {
    super(error.message, { cause: error })
    this.refusal = tokenRefusal(error)
  }
}
