export interface BackoffTimings {
  readonly firstRetryMs: number
  readonly retryCapMs: number
}

/**
 * Full jitter: a random delay between 0 and the exponential bound, in milliseconds. Replicas that
 * lost the same broker then do not reconnect at the same moment. `attempt` begins at 0.
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function fullJitter(attempt: number, { firstRetryMs, retryCapMs }: BackoffTimings): number {
  return Math.random() * Math.min(retryCapMs, firstRetryMs * 2 ** attempt)
}

/** A random delay from half of `ms` to one and a half of it, for processes that poll one lock. */
export function jitterAround(ms: number): number {
  return ms * (0.5 + Math.random())
}
