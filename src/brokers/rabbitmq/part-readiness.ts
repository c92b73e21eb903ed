export const notYet = 'RabbitMQ is not connected yet'

/**
 * Whether one part of a gateway makes it unready. A part that was there is missed only after a
 * while.
 */
export class PartReadiness {
  readonly #patienceMs: number
  readonly #onChange: () => void
  #reason: string | undefined = notYet
  /**
   * Whether the reason counts: the part was never up, is refused, or has been away for too long.
   */
  #counts = true
  #timer: NodeJS.Timeout | undefined

  constructor(patienceMs: number, onChange: () => void) {
    this.#patienceMs = patienceMs
    this.#onChange = onChange
  }

  /** Why the gateway is unready; undefined: not because of this part. */
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

  /** Interrupted, for now or still. */
  down(reason: string): void {
    this.#reason = reason
    if (!this.#counts) {
      this.#timer ??= setTimeout(() => this.refused(this.#reason ?? notYet), this.#patienceMs).unref()
    }
    this.#onChange()
  }

  /**
   * Others depend on this part now: while it is interrupted, the reason counts, for at most so many
   * milliseconds.
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

  /** RabbitMQ does not serve this part, which nothing but RabbitMQ ends. */
  refused(reason: string): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#reason = reason
    this.#counts = true
    this.#onChange()
  }
}
