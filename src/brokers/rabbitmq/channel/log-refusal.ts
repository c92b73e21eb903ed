import type { Observer } from '../../../core/ports/observer.ts'

/** The minimum time between two log lines about the same interruption, in milliseconds. */
const minIntervalMs = 60_000

/**
 * Returns a function that logs why `what` is interrupted, at most once a minute, with the reason at
 * that time.
 */
export function refusalLogger(log: Observer['log'], what: string): (reason: string) => void {
  let loggedAt = Number.NEGATIVE_INFINITY
  return (reason) => {
    const now = performance.now()
    if (now - loggedAt < minIntervalMs) return
    loggedAt = now
    log('warn', `${what}: ${reason}`)
  }
}
