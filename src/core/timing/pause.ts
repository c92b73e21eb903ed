/**
 * Resolves after `ms` milliseconds, or as soon as the signal aborts; it never rejects. With
 * `ref: false` the timer does not keep the process alive.
 */
export function pause(ms: number, signal?: AbortSignal, { ref = true }: { ref?: boolean } = {}): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    if (!ref) timer.unref()
    signal?.addEventListener('abort', done)
  })
}
