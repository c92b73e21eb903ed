import { scrubText } from './scrub.ts'

/** The parts that the gateway needs to serve. */
export const parts = ['broker', 'registry'] as const
export type Part = (typeof parts)[number]

export interface HealthVerdict {
  readonly ok: boolean
  /** Why not, one sentence each. Empty if `ok`. */
  readonly reasons: readonly string[]
}

/**
 * Liveness and readiness of this process. Live: it can answer. Ready: every part was reported up
 * and it is not draining.
 */
export class Health {
  readonly #down = new Map<Part, string>(parts.map((part) => [part, 'not reached yet']))
  #draining = false

  /** Call it at every check of a part. `reason` completes "<part>: …" while the part is down. */
  report(part: Part, up: boolean, reason = 'cannot be reached'): void {
    if (up) this.#down.delete(part)
    else this.#down.set(part, scrubText(reason))
  }

  /** Makes it unready permanently. */
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
