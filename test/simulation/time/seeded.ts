const { floor, imul, log } = Math

/** Choices that a seed repeats on every platform. */
export class Choices {
  #state: number

  constructor(seed: number) {
    this.#state = (seed * 0x9e3779b1) | 0
  }

  /** From 0 to below 1 (mulberry32). */
  readonly next = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }

  /** From `low` to below `high`. */
  between(low: number, high: number): number {
    return low + this.next() * (high - low)
  }

  /** A whole number from `low` to `high`, both included. */
  whole(low: number, high: number): number {
    return low + floor(this.next() * (high - low + 1))
  }

  /** As `between`, but small values are as likely as large ones. Both bounds are positive. */
  scaled(low: number, high: number): number {
    return low * Math.exp(this.next() * log(high / low))
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(items: readonly T[]): T {
    return items[floor(this.next() * items.length)] as T
  }

  /** A generator with choices that do not depend on when others choose. */
  fork(): Choices {
    return new Choices(floor(this.next() * 2 ** 32))
  }
}
