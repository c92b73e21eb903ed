/** Bytes that several callers hold at once: bounded together, and for each of them. */
export class SharedBytes {
  readonly #max: () => { readonly each: number; readonly total: number }
  readonly #held = new Map<string, number>()
  #total = 0

  /** `max`: looked at each time, because limits may change while the gateway runs. */
  constructor(max: () => { readonly each: number; readonly total: number }) {
    this.#max = max
  }

  /** What all hold together. */
  get total(): number {
    return this.#total
  }

  /**
   * An undefined caller has no share of its own. Of the total, who holds something already may take
   * only as much as is left for others: nobody can take what is left alone.
   */
  hasRoom(caller: string | undefined, bytes: number): boolean {
    const { each, total } = this.#max()
    const own = caller === undefined ? 0 : (this.#held.get(caller) ?? 0)
    const left = total - this.#total
    return own + bytes <= each && bytes <= left && (own === 0 || own + bytes <= left)
  }

  /** Whether there is room or not: see `hasRoom`. */
  hold(caller: string | undefined, bytes: number): void {
    this.#total += bytes
    if (caller === undefined) return
    const own = (this.#held.get(caller) ?? 0) + bytes
    if (own > 0) this.#held.set(caller, own)
    else this.#held.delete(caller)
  }
}
