import type { Observer } from '../core/ports/observer.ts'

/** In milliseconds. */
export const outageTimings = {
  /** The first line waits this long, because the parts detect an outage one after another. */
  collectMs: 1_000,
  /** How often an outage is logged again while it lasts. */
  againMs: 60_000,
  /**
   * An outage is over when nothing was interrupted for this long. A part that only seems to work on
   * a silent node is interrupted again after 5 s.
   */
  settleMs: 6_000,
}

interface Interrupted {
  readonly what: string
  reason: string
}

/**
 * Logs an outage as one, independent of the number of parts, nodes and attempts: a line when it
 * begins, one a minute while it lasts, and one when it is over.
 */
export class OutageLog {
  readonly #log: Observer['log']
  readonly #timings: typeof outageTimings
  /** The parts that are interrupted now. */
  readonly #down = new Map<unknown, Interrupted>()
  /** When the outage began, by `performance.now`. Undefined: no outage. */
  #since: number | undefined
  #upSince = 0
  /** The text about the last interruption. */
  #last = ''
  #line: NodeJS.Timeout | undefined
  #settling: NodeJS.Timeout | undefined
  #closed = false

  constructor(log: Observer['log'], timings: Partial<typeof outageTimings> = {}) {
    this.#log = log
    this.#timings = { ...outageTimings, ...timings }
  }

  /** `part` must be the same object or name at each call. `reason` undefined: the part works. */
  report(part: unknown, what: string, reason: string | undefined): void {
    if (this.#closed) return
    if (reason !== undefined) {
      this.#down.set(part, { what, reason })
      this.#last = this.#describe()
      this.#begin()
    } else if (this.#down.delete(part) && this.#down.size === 0) {
      this.#upSince = performance.now()
      this.#settling = setTimeout(() => this.#end(), this.#timings.settleMs).unref()
    }
  }

  /** Nothing is logged afterwards. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#line)
    clearTimeout(this.#settling)
  }

  #begin(): void {
    clearTimeout(this.#settling)
    if (this.#since !== undefined) return
    this.#since = performance.now()
    this.#line = setTimeout(() => {
      this.#log('warn', `RabbitMQ outage: ${this.#down.size > 0 ? this.#describe() : this.#last}`)
      this.#line = setInterval(() => this.#again(), this.#timings.againMs).unref()
    }, this.#timings.collectMs).unref()
  }

  #again(): void {
    if (this.#since === undefined || this.#down.size === 0) return
    this.#log('warn', `RabbitMQ outage, for ${seconds(performance.now() - this.#since)} so far: ${this.#describe()}`)
  }

  #end(): void {
    if (this.#since === undefined) return
    clearTimeout(this.#line)
    this.#log('info', `RabbitMQ outage: over after ${seconds(this.#upSince - this.#since)}`)
    this.#since = undefined
  }

  /** Groups interrupted parts with the same reason. */
  #describe(): string {
    const byReason = new Map<string, Set<string>>()
    for (const { what, reason } of this.#down.values()) {
      byReason.set(reason, (byReason.get(reason) ?? new Set()).add(what))
    }
    return [...byReason].map(([reason, whats]) => `${[...whats].join(', ')}: ${reason}`).join('; ')
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
