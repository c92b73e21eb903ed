/** A second, for which what each caller does is counted. */
const windowMs = 1_000
/** Callers of one second that are told apart; those beyond share one count. */
const maxCallers = 100_000
const others = ''

/** How often callers do something, by second. */
export class RateLimit {
  readonly #counts = new Map<string, number>()
  #since = 0

  /**
   * Counts one more. Undefined where the caller has done it at most `max` times within this second,
   * else how long until the next, in milliseconds.
   */
  exceeds(caller: string, max: number, now = Date.now()): number | undefined {
    // A clock that was set back must not make the second last for hours.
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
