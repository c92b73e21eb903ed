/** Remembers the last so many values that were new to it, for what may be forgotten. */
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

  /** In the order in which they were new. */
  [Symbol.iterator](): IterableIterator<Value> {
    return this.#values.values()
  }

  clear(): void {
    this.#values.clear()
  }
}
