import { randomUUID } from 'node:crypto'
import { TokenRejection } from '../../auth/tokens/token-verifier.ts'
import { errorStack } from '../../core/model/error-text.ts'
import { type ErrorCode, GatewayError } from '../../errors.ts'

/** An error in the form that clients expect. `name` identifies it. */
export interface Refusal {
  readonly name: string
  readonly message: string
  readonly code?: ErrorCode
  readonly field?: string
  readonly limit?: string
  readonly isBadToken?: boolean
  readonly id?: string
}

/** What the client sees of an error. Of an unexpected one, only its id in the log. */
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
 * The error for a refused token, with the names that the clients know. The token is bad unless it
 * could not be checked.
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

/** A refused token, with the error that clients are sent. */
export class TokenRefused extends Error {
  readonly refusal: ReturnType<typeof tokenRefusal>

  constructor(error: GatewayError) {
    super(error.message, { cause: error })
    this.refusal = tokenRefusal(error)
  }
}
