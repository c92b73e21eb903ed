import { badInput } from '../../errors.ts'

/**
 * What becomes of a subscription whose consumer is slower than its channel, once what may wait for
 * it is full.
 * - `CATCH_UP`: it leaves the live end and is served from the journal at the consumer's pace;
 *   nothing is lost.
 * - `END`: its session ends with `SLOW_CONSUMER`; the client comes back with its cursor.
 * - `CONFLATE`: one message waits, the newest.
 * - `DROP_OLDEST`: what has waited longest goes first.
 * The last two are told exactly how many messages they missed, and where those can still be read.
 * They judge live messages: a walk through the journal goes at the consumer's pace whatever the
 * policy.
 */
export const overflowPolicies = ['CATCH_UP', 'END', 'CONFLATE', 'DROP_OLDEST'] as const
export type OverflowPolicy = (typeof overflowPolicies)[number]

/** What a client asked for, as text; throws `BAD_USER_INPUT` for what is none. */
export function overflowPolicyOf(asked: string | null | undefined): OverflowPolicy | undefined {
  if (asked === undefined || asked === null) return undefined
  const policy = overflowPolicies.find((one) => one === asked)
  if (!policy) throw badInput('overflow', `expected one of ${overflowPolicies.join(', ')}`)
  return policy
}
