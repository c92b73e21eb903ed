/** The window in which calls are counted, in milliseconds. */
const windowMs = 1_000
/** The most callers that are counted separately in one window; any others share one count. */
const maxCallers = 100_000
const others = ''

/** Counts how often each caller does something within a second. */
export class RateLimit {
  readonly #counts = new Map<string, number>()
  #since = 0

  /**
   * Counts one call. Returns undefined if the caller made at most `max` calls within this second,
   * else the time until the next second, in milliseconds.
   */
  exceeds(caller: string, max: number, now = Date.now()): number | undefined {
    // If the clock was set back, the window must not last for hours.
    if (now - this.#since >= windowMs || now < this.#since) {
      this.#since = now
      this.#counts.clear()
    }
    const key = this.#counts.has(caller) || this.#counts.size < maxCallers ? caller : others
    const count = (this.#counts.get(key) ?? 0) + 1
    this.#counts.set(key, count)
    return count > max ? this.#since + windowMs - now : undefined
  }
}
