/** Keeps the last `max` distinct values that were added, for data that may be forgotten. */
export class BoundedSet<Value> {
  readonly #max: number
  readonly #values = new Set<Value>()

  constructor(max: number) {
    this.#max = max
  }

  has(value: Value): boolean {
    return this.#values.has(value)
  }

  add(value: Value): void {
    if (this.#values.has(value)) return
    if (this.#values.size >= this.#max) {
      const [oldest] = this.#values
      this.#values.delete(oldest as Value)
    }
    this.#values.add(value)
  }

  delete(value: Value): void {
    this.#values.delete(value)
  }

  /** In the order in which they were first added. */
  [Symbol.iterator](): IterableIterator<Value> {
    return this.#values.values()
  }

  clear(): void {
    this.#values.clear()
  }
}
