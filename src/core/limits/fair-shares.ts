/**
 * One bounded buffer that many payers share. A payer may hold no more than it leaves free: one
 * alone gets half of the buffer, two get a third each, and the next one always finds room.
 */
export class FairShares {
  readonly #max: number
  readonly #of = new Map<string, number>()
  #used = 0

  constructor(max: number) {
    this.#max = max
  }

  get used(): number {
    return this.#used
  }

  /** `payer` undefined: no share is counted. An empty buffer accepts an item of any size. */
  hasRoom(payer: string | undefined, amount: number): boolean {
    if (this.#used === 0) return true
    if (this.#used + amount > this.#max) return false
    const own = payer === undefined ? 0 : (this.#of.get(payer) ?? 0)
    return own === 0 || own + amount <= this.#max - this.#used
  }

  add(payer: string | undefined, amount: number): void {
    this.#used += amount
    if (payer === undefined) return
    const own = (this.#of.get(payer) ?? 0) + amount
    if (own > 0) this.#of.set(payer, own)
    else this.#of.delete(payer)
  }
}
