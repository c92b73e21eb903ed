/** Calls `then` if nothing has arrived from a peer for `ms` milliseconds after the last `watch`. */
export class Silence {
  readonly #ms: number
  readonly #then: () => void
  #timer: NodeJS.Timeout | undefined

  constructor(ms: number, then: () => void) {
    this.#ms = ms
    this.#then = then
  }

  watch(): void {
    clearTimeout(this.#timer)
    const timer = setTimeout(() => {
      // After pending socket reads: while the event loop is blocked, no peer is silent.
      setImmediate(() => this.#timer === timer && this.#then())
    }, this.#ms)
    this.#timer = timer
  }

  /** Something has arrived, or the connection ends. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
