/**
 * Counts the bytes that several callers hold at once. They are bounded in total and for each
 * caller.
 */
export class SharedBytes {
  readonly #max: () => { readonly each: number; readonly total: number }
  readonly #held = new Map<string, number>()
  #total = 0

  /** `max`: read on each use, because limits may change while the gateway runs. */
  constructor(max: () => { readonly each: number; readonly total: number }) {
    this.#max = max
  }

  /** The bytes that all callers hold together. */
  get total(): number {
    return this.#total
  }

  /**
   * `caller` undefined: it has no share of its own. A caller that already holds something may take
   * only as much of the total as it leaves for others, so no single caller can take all that is
   * left.
   */
  hasRoom(caller: string | undefined, bytes: number): boolean {
    const { each, total } = this.#max()
    const own = caller === undefined ? 0 : (this.#held.get(caller) ?? 0)
    const left = total - this.#total
    return own + bytes <= each && bytes <= left && (own === 0 || own + bytes <= left)
  }

  /** Adds bytes even if there is no room; call `hasRoom` first. Negative `bytes` release them. */
  hold(caller: string | undefined, bytes: number): void {
    this.#total += bytes
    if (caller === undefined) return
    const own = (this.#held.get(caller) ?? 0) + bytes
    if (own > 0) this.#held.set(caller, own)
    else this.#held.delete(caller)
  }
}
