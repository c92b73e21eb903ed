/**
 * Runs something at once, but not more often than every `intervalMs`; calls in between share one
 * run at the end.
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
    if (!this.#timer) this.#turn()
  }

  close(): void {
    this.#isWanted = false
    clearTimeout(this.#timer)
  }

  #turn(): void {
    this.#timer = undefined
    if (!this.#isWanted) return
    this.#isWanted = false
    this.#timer = setTimeout(() => this.#turn(), this.#intervalMs)
    this.#run()
  }
}
