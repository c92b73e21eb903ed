import type { Observer } from '../../../core/ports/observer.ts'

/** While something is interrupted, it is logged again after this long, in milliseconds. */
const againMs = 60_000

/** Logs why something is interrupted: at most once a minute, whatever the reason is by then. */
export function complaint(log: Observer['log'], what: string): (reason: string) => void {
  let loggedAt = Number.NEGATIVE_INFINITY
  return (reason) => {
    const now = performance.now()
    if (now - loggedAt < againMs) return
    loggedAt = now
    log('warn', `${what}: ${reason}`)
  }
}
