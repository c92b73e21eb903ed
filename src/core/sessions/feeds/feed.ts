import type { GatewayError } from '../../../errors.ts'

/** A feed, for those who end it and do not read it. */
export interface OpenFeed {
  onEnd(callback: () => void): void
  end(failure?: GatewayError): void
  return(): Promise<unknown>
}

/**
 * A subscription to something other than messages, such as rates or presence. Its events have no
 * cursor, and a lost one cannot be read again. Of the events with one key that its consumer has not
 * taken, it holds the newest.
 */
export class Feed<Event> implements AsyncIterableIterator<Event>, OpenFeed {
  readonly #keyOf: (event: Event) => string
  readonly #limit: number
  readonly #onEnd: (() => void)[] = []
  readonly #waiting = new Map<string, Event>()
  #pull: { resolve(result: IteratorResult<Event>): void; reject(failure: GatewayError): void } | undefined
  #ended = false
  #failure: GatewayError | undefined

  /**
   * `keyOf`: by default all events have one key. `limit`: how many keys may wait; beyond it the
   * oldest event is dropped.
   */
  constructor(keyOf: (event: Event) => string = () => '', limit = 1) {
    this.#keyOf = keyOf
    this.#limit = limit
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Whether the consumer has taken every event. */
  get isTaken(): boolean {
    return this.#waiting.size === 0
  }

  /** Called when the feed ends, or at once if it has. */
  onEnd(callback: () => void): void {
    if (this.#ended) callback()
    else this.#onEnd.push(callback)
  }

  push(event: Event): void {
    if (this.#ended) return
    const pull = this.#pull
    this.#pull = undefined
    if (pull) return pull.resolve({ done: false, value: event })
    this.#waiting.set(this.#keyOf(event), event)
    const [oldest] = this.#waiting.keys()
    if (oldest !== undefined && this.#waiting.size > this.#limit) this.#waiting.delete(oldest)
  }

  /** Events that wait are still delivered, then `failure` if given. Idempotent. */
  end(failure?: GatewayError): void {
    if (this.#ended) return
    this.#ended = true
    for (const callback of this.#onEnd.splice(0)) callback()
    const pull = this.#pull
    this.#pull = undefined
    if (!pull) this.#failure = failure
    else if (failure) pull.reject(failure)
    else pull.resolve({ done: true, value: undefined })
  }

  next(): Promise<IteratorResult<Event>> {
    for (const [key, value] of this.#waiting) {
      this.#waiting.delete(key)
      return Promise.resolve({ done: false, value })
    }
    const failure = this.#failure
    this.#failure = undefined
    if (failure) return Promise.reject(failure)
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve, reject) => {
      this.#pull = { resolve, reject }
    })
  }

  return(): Promise<IteratorResult<Event>> {
    this.#waiting.clear()
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }
}
