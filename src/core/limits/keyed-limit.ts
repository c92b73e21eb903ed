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
   * how far beyond the limit this item may be.
   */
  take(key: string | undefined, extra = 0): HeldItem {
    if (key === undefined) return HeldItem.nothing
    const count = this.#counts.get(key) ?? 0
    const max = this.#max()
    if (count >= max + extra)
      throw new GatewayError('LIMIT_EXCEEDED', `at most ${max} ${this.#what}`, { limit: this.#limit })
    this.#counts.set(key, count + 1)
    return new HeldItem(this.#counts, key)
  }
}

/**
 * An item that counts until its release. An object, not a function, because each connection keeps
 * several, and a function takes three times the memory.
 */
export class HeldItem {
  /** For what is not counted. */
  static readonly nothing = new HeldItem(undefined, '')
  /** Undefined once it is released. */
  #counts: Map<string, number> | undefined
  readonly #key: string

  constructor(counts: Map<string, number> | undefined, key: string) {
    this.#counts = counts
    this.#key = key
  }

  /** Idempotent. */
  release(): void {
    const counts = this.#counts
    if (!counts) return
    this.#counts = undefined
    const left = (counts.get(this.#key) ?? 1) - 1
    if (left > 0) counts.set(this.#key, left)
    else counts.delete(this.#key)
  }
}
