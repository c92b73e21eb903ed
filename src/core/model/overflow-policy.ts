import { badInput } from '../../errors.ts'

/**
 * What happens to a subscription when its consumer is slower than its channel and its queue is
 * full.
 * - `CATCH_UP`: it leaves the live end and is served from the journal at the consumer's pace;
 *   nothing is lost.
 * - `END`: its session ends with `SLOW_CONSUMER`; the client reconnects with its cursor.
 * - `CONFLATE`: only the newest message waits.
 * - `DROP_OLDEST`: the message that has waited longest is dropped first.
 *
 * With the last two the subscriber learns exactly how many messages it missed, and where those can
 * still be read. They apply to live messages only: a replay from the journal runs at the consumer's
 * pace under any policy.
 */
export const overflowPolicies = ['CATCH_UP', 'END', 'CONFLATE', 'DROP_OLDEST'] as const
export type OverflowPolicy = (typeof overflowPolicies)[number]

/** Parses the policy that a client requested; throws `BAD_USER_INPUT` for an unknown one. */
export function overflowPolicyOf(requested: string | null | undefined): OverflowPolicy | undefined {
  if (requested === undefined || requested === null) return undefined
  const policy = overflowPolicies.find((one) => one === requested)
  if (!policy) throw badInput('overflow', `expected one of ${overflowPolicies.join(', ')}`)
  return policy
}

/**
 * The policy of a subscription: the requested one if the operator allows it, and without a request
 * the first that is allowed. Throws `BAD_USER_INPUT` for any other.
 */
export function allowedPolicyOf(
  requested: OverflowPolicy | null | undefined,
  allowed: readonly OverflowPolicy[],
): OverflowPolicy | undefined {
  if (requested === undefined || requested === null) return allowed[0]
  if (allowed.includes(requested)) return requested
  const isPolicy = overflowPolicies.includes(requested)
  throw badInput(
    'overflow',
    `expected ${allowed.join(' or ')}, got ${isPolicy ? `${requested}, which the operator does not allow (WARREN_OVERFLOW)` : JSON.stringify(requested)}`,
  )
}
