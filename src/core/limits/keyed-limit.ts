import { GatewayError } from '../../errors.ts'

/**
 * Counts concurrent items by a key (an address, a client id), up to a limit. Keys without items are
 * forgotten.
 */
export class KeyedLimit {
  readonly #counts = new Map<string, number>()
  readonly #max: () => number
  readonly #limit: string
  readonly #what: string

  /** `limit`: the option named in `LIMIT_EXCEEDED`; `what` completes "at most 7 …". */
  constructor(max: () => number, limit: string, what: string) {
    this.#max = max
    this.#limit = limit
    this.#what = what
  }

  get size(): number {
    return this.#counts.size
  }

  /**
   * Counts one item; throws `LIMIT_EXCEEDED` past the limit. `key` undefined: not counted. `extra`:
   * how far beyond the limit this item may be. Returns a function that releases it; idempotent.
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
