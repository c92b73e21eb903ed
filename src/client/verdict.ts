import { type AnsweredError, closeCodeOf } from './subscription-client.ts'

/** The subscription is over, and coming back would not help. */
export class SubscriptionEnded extends Error {
  override readonly name = 'SubscriptionEnded'
  /** The close code of the connection (4292 revoked, 4403 forbidden, …), where that was it. */
  readonly closeCode: number | undefined
  /** `extensions.code` of the errors that the subscription was answered with, where that was it. */
  readonly codes: readonly string[]

  constructor(message: string, details: { closeCode?: number; codes?: readonly string[]; cause?: unknown } = {}) {
    super(message, { cause: details.cause })
    this.closeCode = details.closeCode
    this.codes = details.codes ?? []
  }
}

/**
 * 4292 and 4403: the gateway will not have this client. The others: what this client sends is
 * wrong, and would be again.
 */
const finalCloseCodes = [1002, 1003, 1007, 1008, 1009, 1010, 4004, 4292, 4400, 4403, 4406, 4409, 4429]
const unauthorized = 4401
/**
 * A token that is refused is asked for again (`connectionParams`); so many in a row, and there is
 * none that is good.
 */
const maxUnauthorized = 3
/** Of `extensions.code`: what passes by itself. */
const passing = ['BROKER_UNAVAILABLE', 'REGISTRY_UNAVAILABLE', 'LIMIT_EXCEEDED']

/**
 * What the end of an attempt means: an error that ends the subscription, or undefined: come back
 * with your cursor.
 */
export class Verdicts {
  #unauthorized = 0

  /** A result has come: the token is good. */
  reset(): void {
    this.#unauthorized = 0
  }

  of(cause: unknown): SubscriptionEnded | undefined {
    if (cause instanceof SubscriptionEnded) return cause
    if (isErrors(cause)) return refusal(cause)
    const closeCode = closeCodeOf(cause)
    if (closeCode === undefined) return undefined
    this.#unauthorized = closeCode === unauthorized ? this.#unauthorized + 1 : 0
    if (!finalCloseCodes.includes(closeCode) && this.#unauthorized < maxUnauthorized) return undefined
    const reason = (cause as { reason?: unknown }).reason
    const text = typeof reason === 'string' && reason !== '' ? `${closeCode} ${reason}` : String(closeCode)
    return new SubscriptionEnded(`the gateway closed the connection: ${text}`, { closeCode, cause })
  }
}

function refusal(errors: readonly AnsweredError[]): SubscriptionEnded | undefined {
  const codes = errors.map(({ extensions }) => {
    const code = extensions?.['code']
    return typeof code === 'string' ? code : ''
  })
  if (codes.every((code) => passing.includes(code))) return undefined
  const text = errors.map(({ message }, index) => [codes[index], message].filter(Boolean).join(': ')).join('; ')
  return new SubscriptionEnded(text, { codes, cause: errors })
}

function isErrors(cause: unknown): cause is readonly AnsweredError[] {
  return Array.isArray(cause) && cause.length > 0
}
