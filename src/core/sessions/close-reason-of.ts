import type { CloseReason } from '../../close-reasons.ts'
import type { ErrorCode } from '../../errors.ts'

/**
 * The close reason for a connection that is rejected, or that cannot continue, because of an error.
 */
export function closeReasonOf(code: ErrorCode | 'INTERNAL_SERVER_ERROR'): CloseReason {
  switch (code) {
    case 'UNAUTHENTICATED':
      return 'UNAUTHORIZED'
    case 'FORBIDDEN':
      return 'FORBIDDEN'
    case 'DRAINING':
      return 'RESTART'
    case 'DELIVERY_FAILED':
      return 'INTERNAL_ERROR'
    case 'LIMIT_EXCEEDED':
    case 'BROKER_UNAVAILABLE':
    case 'REGISTRY_UNAVAILABLE':
      return 'TOO_MANY'
    default:
      return 'BAD_REQUEST'
  }
}
