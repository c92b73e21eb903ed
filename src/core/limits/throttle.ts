/**
 * Runs a function at once, but at most every `intervalMs`; calls in between share one run at the
 * end.
 */
export class Throttle {
  readonly #run: () => void
  readonly #intervalMs: number
  #timer: NodeJS.Timeout | undefined
  #isWanted = false

  constructor(run: () => void, intervalMs: number) {
    this.#run = run
    this.#intervalMs = intervalMs
  }

  call(): void {
    this.#isWanted = true
    if (!this.#timer) this.#runIfWanted()
  }

  close(): void {
    this.#isWanted = false
    clearTimeout(this.#timer)
  }

  #runIfWanted(): void {
    this.#timer = undefined
    if (!this.#isWanted) return
    this.#isWanted = false
    this.#timer = setTimeout(() => this.#runIfWanted(), this.#intervalMs)
    this.#run()
  }
}
