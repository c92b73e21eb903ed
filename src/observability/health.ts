import { scrubText } from './scrub.ts'

/** The parts that the gateway needs to serve. */
export const parts = ['broker', 'registry'] as const
export type Part = (typeof parts)[number]

/** What drains the replica: the end of its process, or an operator. */
export type DrainCause = 'shutdown' | 'operator'

const drainTexts = {
  shutdown: 'draining: this replica is being shut down',
  operator: 'drained: an operator has taken this replica out of service, until undrain',
} as const

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
  #draining: DrainCause | undefined

  /** Call it at every check of a part. `reason` completes "<part>: …" while the part is down. */
  report(part: Part, up: boolean, reason = 'cannot be reached'): void {
    if (up) this.#down.delete(part)
    else this.#down.set(part, scrubText(reason))
  }

  /** Makes it unready: for good if the process ends, otherwise until `undrain`. */
  drain(cause: DrainCause): void {
    if (this.#draining !== 'shutdown') this.#draining = cause
  }

  undrain(): void {
    if (this.#draining === 'operator') this.#draining = undefined
  }

  live(): HealthVerdict {
    return { ok: true, reasons: [] }
  }

  ready(): HealthVerdict {
    const reasons = parts.flatMap((part) => {
      const reason = this.#down.get(part)
      return reason === undefined ? [] : [`${part}: ${reason}`]
    })
    if (this.#draining) reasons.unshift(drainTexts[this.#draining])
    return { ok: reasons.length === 0, reasons }
  }
}
