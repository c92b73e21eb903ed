import { scrubText } from './scrub.ts'

/** What must be there for the gateway to serve. */
export const parts = ['broker', 'registry'] as const
export type Part = (typeof parts)[number]

export interface HealthVerdict {
  readonly ok: boolean
  /** Why not, one sentence each; empty where `ok`. */
  readonly reasons: readonly string[]
}

/**
 * Whether this process lives and whether it should be sent clients. Live: it can answer. Ready:
 * every part has been reported up, and it is not draining.
 */
export class Health {
  readonly #down = new Map<Part, string>(parts.map((part) => [part, 'not reached yet']))
  #draining = false

  /**
   * Called by whoever watches the part, as often as it likes. `reason` completes "<part>: …" while
   * it is down.
   */
  report(part: Part, up: boolean, reason = 'cannot be reached'): void {
    if (up) this.#down.delete(part)
    else this.#down.set(part, scrubText(reason))
  }

  /** Unready from now on, for good. */
  drain(): void {
    this.#draining = true
  }

  live(): HealthVerdict {
    return { ok: true, reasons: [] }
  }

  ready(): HealthVerdict {
    const reasons = parts.flatMap((part) => {
      const reason = this.#down.get(part)
      return reason === undefined ? [] : [`${part}: ${reason}`]
    })
    if (this.#draining) reasons.unshift('draining: this replica is being shut down')
    return { ok: reasons.length === 0, reasons }
  }
}
