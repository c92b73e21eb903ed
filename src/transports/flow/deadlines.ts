/**
 * Deadlines with the same length for all entries, with one timer however many wait. Pending socket
 * reads are processed before an entry counts as missed. So a client that was in
 * time is not late because the event loop was blocked.
 */
export class Deadlines<Waiting> {
  readonly #afterMs: number
  readonly #onMissed: (waiting: Waiting) => void
  /** Each entry's deadline, as a value of `performance.now()`, earliest first. */
  readonly #waiting = new Map<Waiting, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(afterMs: number, onMissed: (waiting: Waiting) => void) {
    this.#afterMs = afterMs
    this.#onMissed = onMissed
  }

  add(waiting: Waiting): void {
    if (this.#waiting.has(waiting)) return
    this.#waiting.set(waiting, performance.now() + this.#afterMs)
    this.#timer ??= this.#schedule(this.#afterMs)
  }

  /** Call it when the event has happened or is no longer needed. */
  delete(waiting: Waiting): void {
    this.#waiting.delete(waiting)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#waiting.clear()
  }

  #schedule(ms: number): NodeJS.Timeout {
    return setTimeout(() => setImmediate(() => this.#check()), ms)
  }

  #check(): void {
    this.#timer = undefined
    for (const [waiting, until] of this.#waiting) {
      const left = until - performance.now()
      if (left > 0) {
        this.#timer = this.#schedule(Math.ceil(left))
        return
      }
      this.#waiting.delete(waiting)
      this.#onMissed(waiting)
    }
  }
}
