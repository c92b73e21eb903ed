import { GatewayError } from '../errors.ts'

export interface TurnstileOptions {
  readonly inside: number
  readonly waiting: number
  /** What `LIMIT_EXCEEDED` names, and says. */
  readonly limit: string
  readonly refusal: string
}

/** Lets so many in at once and so many wait, in order; turns the rest away with `LIMIT_EXCEEDED`. */
export class Turnstile {
  readonly #options: TurnstileOptions
  readonly #queue: (() => void)[] = []
  #running = 0

  constructor(options: TurnstileOptions) {
    this.#options = options
  }

  async through<T>(work: () => Promise<T>): Promise<T> {
    await this.#enter()
    try {
      return await work()
    } finally {
      const next = this.#queue.shift()
      // The place is handed over, not given back: nobody slips in between.
      if (next) next()
      else this.#running -= 1
    }
  }

  async #enter(): Promise<void> {
    const { inside, waiting, limit, refusal } = this.#options
    if (this.#running < inside) {
      this.#running += 1
      return
    }
    if (this.#queue.length >= waiting) throw new GatewayError('LIMIT_EXCEEDED', refusal, { limit })
    await new Promise<void>((resolve) => this.#queue.push(resolve))
  }
}
