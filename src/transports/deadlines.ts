/** What must have happened by a time that is equally long for all: one timer, however many wait. */
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
    this.#waiting.set(waiting, performance.now() + this.#afterMs)
    this.#timer ??= setTimeout(() => this.#look(), this.#afterMs)
  }

  /** It has happened, or need not any more. */
  delete(waiting: Waiting): void {
    this.#waiting.delete(waiting)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#waiting.clear()
  }

  #look(): void {
    this.#timer = undefined
    for (const [waiting, until] of this.#waiting) {
      const left = until - performance.now()
      if (left > 0) {
        this.#timer = setTimeout(() => this.#look(), Math.ceil(left))
        return
      }
      this.#waiting.delete(waiting)
      this.#onMissed(waiting)
    }
  }
}
