import type { Observer } from '../../core/observer.ts'

/** While one reason lasts, it is logged again after this long, in milliseconds. */
const againMs = 60_000
/** The nodes of a cluster give their reasons in turn. */
const maxReasons = 20

/** Logs why something is interrupted: each reason when it is new, then at most once a minute. */
export function complaint(log: Observer['log'], what: string): (reason: string) => void {
  const loggedAt = new Map<string, number>()
  return (reason) => {
    const now = performance.now()
    if (now - (loggedAt.get(reason) ?? Number.NEGATIVE_INFINITY) < againMs) return
    if (loggedAt.size >= maxReasons) loggedAt.clear()
    loggedAt.set(reason, now)
    log('warn', `${what}: ${reason}`)
  }
}
