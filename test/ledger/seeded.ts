// A run makes millions of choices, and in jest's contexts each access to a global costs more than
// the choice.
const { floor, imul } = Math

/**
 * Choices that a seed repeats. They exclude the machine's timing: the same seed makes the same
 * script, not the same run.
 */
export class Seeded {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** From 0 to below 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low)
  }

  pick<T>(items: readonly T[]): T {
    return items[floor(this.next() * items.length)] as T
  }

  some<T>(items: readonly T[], count: number): T[] {
    const rest = [...items]
    const chosen: T[] = []
    while (chosen.length < count && rest.length > 0) {
      chosen.push(...rest.splice(floor(this.next() * rest.length), 1))
    }
    return chosen
  }

  /**
   * Returns a separate generator, for a user with choices that must not depend on when others
   * choose.
   */
  fork(): Seeded {
    return new Seeded(floor(this.next() * 2 ** 32))
  }
}
