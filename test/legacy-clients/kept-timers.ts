/**
 * Old clients keep timers of up to 20 s after they have disconnected. `clear` clears all timers that
 * were set since the call of this function.
 */
export function keepTimers(): { clear(): void } {
  const { setTimeout, setInterval } = globalThis
  const set = new Set<NodeJS.Timeout>()
  const kept = <T extends typeof setTimeout>(original: T): T => {
    const keeping = (...args: Parameters<typeof setTimeout>) => {
      const timer = original(...args)
      set.add(timer)
      return timer
    }
    return Object.assign(keeping, original) as unknown as T
  }
  globalThis.setTimeout = kept(setTimeout)
  globalThis.setInterval = kept(setInterval as unknown as typeof setTimeout) as unknown as typeof setInterval
  return {
    clear() {
      globalThis.setTimeout = setTimeout
      globalThis.setInterval = setInterval
      for (const timer of set) clearTimeout(timer)
    },
  }
}
