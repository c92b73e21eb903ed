export interface BackoffTimings {
  readonly firstRetryMs: number
  readonly retryCapMs: number
}

/**
 * Full jitter: anything between nothing and the exponential bound, so that replicas which lost the
 * same broker don't come back in step. `attempt` begins at 0.
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function fullJitter(attempt: number, { firstRetryMs, retryCapMs }: BackoffTimings): number {
  return Math.random() * Math.min(retryCapMs, firstRetryMs * 2 ** attempt)
}

/** Resolves after so many milliseconds, or as soon as the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}
