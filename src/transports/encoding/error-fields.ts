import { errorStack } from '../../core/model/error-text.ts'
import { type ErrorCode, GatewayError } from '../../errors.ts'

/** What a client may see of an error, where the protocol has no form of its own for errors. */
export interface ErrorFields {
  readonly code: ErrorCode | 'INTERNAL_SERVER_ERROR'
  readonly message: string
  readonly field?: string | undefined
  readonly limit?: string | undefined
}

interface ErrorObserver {
  /** Called with the code of an error that the gateway foresees. */
  readonly onRefusal: (code: ErrorCode) => void
  /** Called with the stack of any other error, which the client does not see. */
  readonly onUnexpected: (stack: string) => void
}

export function errorFieldsOf(error: unknown, { onRefusal, onUnexpected }: ErrorObserver): ErrorFields {
  if (!(error instanceof GatewayError)) {
    onUnexpected(errorStack(error))
    return { code: 'INTERNAL_SERVER_ERROR', message: 'Unexpected error' }
  }
  onRefusal(error.code)
  const { code, message, field, limit } = error
  return { code, message, field, limit }
}
