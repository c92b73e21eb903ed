import type { CloseReason } from '../../close-reasons.ts'
import type { ErrorCode, GatewayError } from '../../errors.ts'

/**
 * The close reason for a connection that is rejected, or that cannot continue, because of an error.
 */
export function closeReasonOf({
  code,
  newToken,
}: {
  readonly code: ErrorCode | 'INTERNAL_SERVER_ERROR'
  readonly newToken?: GatewayError['newToken']
}): CloseReason {
  switch (code) {
    case 'UNAUTHENTICATED':
      if (newToken === 'useless') return 'REVOKED'
      return newToken === 'unneeded' ? 'TOO_MANY' : 'INVALID_TOKEN'
    case 'FORBIDDEN':
      return 'FORBIDDEN'
    case 'DRAINING':
      return 'RESTART'
    case 'DELIVERY_FAILED':
      return 'INTERNAL_ERROR'
    case 'LIMIT_EXCEEDED':
    case 'BROKER_UNAVAILABLE':
    case 'REGISTRY_UNAVAILABLE':
    case 'NO_RESPONDER':
    case 'REQUEST_TIMEOUT':
    case 'STATE_UNAVAILABLE':
      return 'TOO_MANY'
    default:
      return 'BAD_REQUEST'
  }
}
