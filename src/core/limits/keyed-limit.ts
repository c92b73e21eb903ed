import { GatewayError } from '../../errors.ts'

/**
 * Counts what there is at once by a key (an address, a client id), up to a limit. Keys of which
 * there is nothing are forgotten.
 */
export class KeyedLimit {
  readonly #counts = new Map<string, number>()
  readonly #max: () => number
  readonly #limit: string
  readonly #what: string

  /** `limit`: the option that `LIMIT_EXCEEDED` names; `what` completes "at most 7 …". */
  constructor(max: () => number, limit: string, what: string) {
    this.#max = max
    this.#limit = limit
    this.#what = what
  }

  get size(): number {
    return this.#counts.size
  }

  /**
   * Throws `LIMIT_EXCEEDED`. Undefined is counted nowhere. `extra`: how many beyond the limit this
   * one may be. Returns what gives the place back; idempotent.
   */
  take(key: string | undefined, extra = 0): () => void {
    if (key === undefined) return () => undefined
    const count = this.#counts.get(key) ?? 0
    const max = this.#max()
    if (count >= max + extra)
      throw new GatewayError('LIMIT_EXCEEDED', `at most ${max} ${this.#what}`, { limit: this.#limit })
    this.#counts.set(key, count + 1)
    let held = true
    return () => {
      if (!held) return
      held = false
      const left = (this.#counts.get(key) ?? 1) - 1
      if (left > 0) this.#counts.set(key, left)
      else this.#counts.delete(key)
    }
  }
}
