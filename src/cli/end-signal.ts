export type EndSignal = 'SIGINT' | 'SIGTERM'

/**
 * Resolves on the first SIGINT or SIGTERM. On the second, calls `beforeExit` and ends the process
 * at once with the exit status that shells use for the signal.
 */
export function endSignal(beforeExit: () => void = () => undefined): Promise<EndSignal> {
  return new Promise((resolve) => {
    let received = false
    for (const [signal, status] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      process.on(signal, () => {
        if (received) {
          beforeExit()
          process.exit(status)
        }
        received = true
        resolve(signal)
      })
    }
  })
}
