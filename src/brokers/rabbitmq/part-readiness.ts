export const notYet = 'RabbitMQ is not connected yet'

/**
 * Decides whether one part of a gateway makes it unready. An interruption counts only after a grace
 * period.
 */
export class PartReadiness {
  readonly #graceMs: number
  readonly #onChange: () => void
  #reason: string | undefined = notYet
  /**
   * Whether the reason counts: the part was never up, RabbitMQ refuses it, or the grace period is
   * over.
   */
  #counts = true
  #timer: NodeJS.Timeout | undefined

  constructor(graceMs: number, onChange: () => void) {
    this.#graceMs = graceMs
    this.#onChange = onChange
  }

  /** Why the gateway is unready; undefined if not because of this part. */
  get reason(): string | undefined {
    return this.#counts ? this.#reason : undefined
  }

  up(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#reason = undefined
    this.#counts = false
    this.#onChange()
  }

  /** The part is interrupted, or still interrupted. */
  down(reason: string): void {
    this.#reason = reason
    if (!this.#counts) {
      this.#timer ??= setTimeout(() => this.refused(this.#reason ?? notYet), this.#graceMs).unref()
    }
    this.#onChange()
  }

  /**
   * Other parts depend on this one now. While it is interrupted, the reason counts, for at most
   * `forMs`.
   */
  awaited(forMs: number): void {
    if (this.#counts || this.#reason === undefined) return
    clearTimeout(this.#timer)
    this.#counts = true
    this.#timer = setTimeout(() => {
      this.#counts = false
      this.#timer = undefined
      this.down(this.#reason ?? notYet)
    }, forMs).unref()
    this.#onChange()
  }

  /** Stops the timer. Called when the part's connection is closed for good. */
  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** RabbitMQ refuses to serve this part, and only RabbitMQ can change that. */
  refused(reason: string): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#reason = reason
    this.#counts = true
    this.#onChange()
  }
}
