import { type AnsweredError, causeText, closeCodeOf } from './subscription-client.ts'

/** The subscription has ended, and resuming cannot help. */
export class SubscriptionEnded extends Error {
  override readonly name = 'SubscriptionEnded'
  /** The close code (4292 revoked, 4403 invalid token, …), if the connection was closed. */
  readonly closeCode: number | undefined
  /** `extensions.code` of the errors that answered the subscription, if they were the cause. */
  readonly codes: readonly string[]

  constructor(message: string, details: { closeCode?: number; codes?: readonly string[]; cause?: unknown } = {}) {
    super(message, { cause: details.cause })
    this.closeCode = details.closeCode
    this.codes = details.codes ?? []
  }
}

/**
 * With 4292 the gateway rejects this client, whatever its token. With the others the client sent
 * something wrong and would send it again.
 */
const finalCloseCodes = [1002, 1003, 1007, 1008, 1009, 1010, 4004, 4292, 4400, 4406, 4409, 4429]
/** No token, and an invalid one. */
const unauthorized = [4401, 4403]
/**
 * After a refused token the client reconnects with a new one (`connectionParams`). After this many
 * refusals in a row, no valid token is available.
 */
const maxUnauthorized = 3
/** Values of `extensions.code` that `docs/errors.md` lists to retry later. */
const retryableErrors = [
  'BROKER_UNAVAILABLE',
  'REGISTRY_UNAVAILABLE',
  'DRAINING',
  'LIMIT_EXCEEDED',
  'DELIVERY_FAILED',
  'NO_RESPONDER',
  'REQUEST_TIMEOUT',
  'STATE_UNAVAILABLE',
]

export interface RetryWaits {
  /**
   * The wait before an attempt is random between 0 and this value, which doubles at each failure up
   * to `retryCapMs`. In milliseconds. Default 500.
   */
  readonly retryFirstMs?: number
  /** In milliseconds. Default 10,000. */
  readonly retryCapMs?: number
}

export const defaultRetryCapMs = 10_000

/**
 * The wait before the next attempt, in milliseconds. `failures`: those before the last one. Full
 * jitter, so that clients that lost their connections together do not come back together.
 */
export function retryWaitMs(
  failures: number,
  { retryFirstMs = 500, retryCapMs = defaultRetryCapMs }: RetryWaits,
): number {
  return Math.round(Math.random() * Math.min(retryCapMs, retryFirstMs * 2 ** failures))
}

/** Decides whether a subscription resumes after an attempt ended. */
export class RetryPolicy {
  #unauthorized = 0

  /** Call when a result has arrived, because it proves that the token is valid. */
  reset(): void {
    this.#unauthorized = 0
  }

  /** The error that ends the subscription. Undefined: resume with the last cursor. */
  finalErrorOf(cause: unknown): SubscriptionEnded | undefined {
    if (cause instanceof SubscriptionEnded) return cause
    if (isErrors(cause)) return refusalOf(cause)
    const closeCode = closeCodeOf(cause)
    if (closeCode === undefined) return undefined
    this.#unauthorized = unauthorized.includes(closeCode) ? this.#unauthorized + 1 : 0
    if (!finalCloseCodes.includes(closeCode) && this.#unauthorized < maxUnauthorized) return undefined
    return new SubscriptionEnded(causeText(cause), { closeCode, cause })
  }
}

function refusalOf(errors: readonly AnsweredError[]): SubscriptionEnded | undefined {
  const codes = errors.map(({ extensions }) => {
    const code = extensions?.['code']
    return typeof code === 'string' ? code : ''
  })
  if (codes.every((code) => retryableErrors.includes(code))) return undefined
  return new SubscriptionEnded(causeText(errors), { codes, cause: errors })
}

function isErrors(cause: unknown): cause is readonly AnsweredError[] {
  return Array.isArray(cause) && cause.length > 0
}
