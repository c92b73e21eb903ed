/**
 * Runs `check` every `ms` milliseconds, after pending socket reads, so that a blocked event loop
 * does not time out healthy peers. The caller clears the timer.
 */
export function setIntervalAfterIo(ms: number, check: () => void): NodeJS.Timeout {
  return setInterval(() => setImmediate(check), ms)
}
