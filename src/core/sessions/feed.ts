import type { GatewayError } from '../../errors.ts'

/** A feed, for those who end it and do not read it. */
export interface OpenFeed {
  onEnd(callback: () => void): void
  end(failure?: GatewayError): void
  return(): Promise<unknown>
}

/**
 * A subscription to something other than messages, such as rates or presence. Its events have no
 * cursor, and a lost one cannot be read again. It holds one event that its consumer has not taken;
 * `merge` makes one of it and the next.
 */
export class Feed<Event> implements AsyncIterableIterator<Event>, OpenFeed {
  readonly #merge: (waiting: Event, next: Event) => Event
  readonly #onEnd: (() => void)[] = []
  #waiting: { readonly event: Event } | undefined
  #pull: { resolve(result: IteratorResult<Event>): void; reject(failure: GatewayError): void } | undefined
  #ended = false
  #failure: GatewayError | undefined

  /** `merge`: by default the next event replaces the one that waits. */
  constructor(merge: (waiting: Event, next: Event) => Event = (_waiting, next) => next) {
    this.#merge = merge
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Whether the consumer has taken every event. */
  get isTaken(): boolean {
    return this.#waiting === undefined
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
    if (pull) pull.resolve({ done: false, value: event })
    else this.#waiting = { event: this.#waiting ? this.#merge(this.#waiting.event, event) : event }
  }

  /** The event that waits is still delivered, then `failure` if given. Idempotent. */
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
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting) return Promise.resolve({ done: false, value: waiting.event })
    const failure = this.#failure
    this.#failure = undefined
    if (failure) return Promise.reject(failure)
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve, reject) => {
      this.#pull = { resolve, reject }
    })
  }

  return(): Promise<IteratorResult<Event>> {
    this.#waiting = undefined
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
