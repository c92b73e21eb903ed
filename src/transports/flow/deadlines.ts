/**
 * What must have happened by a time that is equally long for all: one timer, however many wait.
 * Before anybody is found late, what has come from the network meanwhile is looked at: who was in
 * time is not to be late because this process was.
 */
export class Deadlines<Waiting> {
  readonly #afterMs: number
  readonly #onMissed: (waiting: Waiting) => void
  /** In the order of their times. */
  readonly #waiting = new Map<Waiting, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(afterMs: number, onMissed: (waiting: Waiting) => void) {
    this.#afterMs = afterMs
    this.#onMissed = onMissed
  }

  add(waiting: Waiting): void {
    if (this.#waiting.has(waiting)) return
    this.#waiting.set(waiting, performance.now() + this.#afterMs)
    this.#timer ??= this.#lookIn(this.#afterMs)
  }

  /** It has happened, or need not any more. */
  delete(waiting: Waiting): void {
    this.#waiting.delete(waiting)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#waiting.clear()
  }

  #lookIn(ms: number): NodeJS.Timeout {
    return setTimeout(() => setImmediate(() => this.#look()), ms)
  }

  #look(): void {
    this.#timer = undefined
    for (const [waiting, until] of this.#waiting) {
      const left = until - performance.now()
      if (left > 0) {
        this.#timer = this.#lookIn(Math.ceil(left))
        return
      }
      this.#waiting.delete(waiting)
      this.#onMissed(waiting)
    }
  }
}
