/**
 * Old clients keep timers of up to 20 s after they disconnect. `clear` clears all timers that
 * were set since the call of this function.
 */
export function keepTimers(): { clear(): void } {
  const { setTimeout, setInterval } = globalThis
  const set = new Set<NodeJS.Timeout>()
  const keep = (timer: NodeJS.Timeout): NodeJS.Timeout => {
    set.add(timer)
    return timer
  }
  type Callback = (...args: unknown[]) => void
  const keeping = {
    setTimeout: (run: Callback, ms?: number, ...args: unknown[]) => keep(setTimeout(run, ms, ...args)),
    setInterval: (run: Callback, ms?: number, ...args: unknown[]) => keep(setInterval(run, ms, ...args)),
  }
  Object.assign(globalThis, keeping)
  return {
    clear() {
      Object.assign(globalThis, { setTimeout, setInterval })
      for (const timer of set) clearTimeout(timer)
    },
  }
}
