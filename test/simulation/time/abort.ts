type Listener = () => void

/**
 * In place of Node's, which makes an error with a stack for each abort and a list of events for
 * each listener. Listeners get no event, and none may throw.
 */
export class SimulatedAbortSignal {
  aborted = false
  reason: unknown
  /** A function is there once; an object that another one made is never removed. */
  #listeners: Listener[] = []

  static abort(reason?: unknown): SimulatedAbortSignal {
    const signal = new SimulatedAbortSignal()
    signal.abortNow(reason)
    return signal
  }

  static any(signals: readonly SimulatedAbortSignal[]): SimulatedAbortSignal {
    const result = new SimulatedAbortSignal()
    const aborted = signals.find((signal) => signal.aborted)
    if (aborted) result.abortNow(aborted.reason)
    else for (const signal of signals) signal.addEventListener('abort', () => result.abortNow(signal.reason))
    return result
  }

  addEventListener(_type: 'abort', listener: Listener): void {
    if (!this.aborted && !this.#listeners.includes(listener)) this.#listeners.push(listener)
  }

  removeEventListener(_type: 'abort', listener: Listener): void {
    const index = this.#listeners.indexOf(listener)
    if (index >= 0) this.#listeners[index] = () => undefined
    if (!this.aborted) this.#listeners = this.#listeners.filter((_, each) => each !== index)
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason
  }

  /** Called by its controller. */
  abortNow(reason: unknown): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason ?? aborted
    const listeners = this.#listeners
    for (const listener of listeners) listener()
    this.#listeners = []
  }
}

export class SimulatedAbortController {
  readonly signal = new SimulatedAbortSignal()

  abort(reason?: unknown): void {
    this.signal.abortNow(reason)
  }
}

const aborted = new DOMException('This operation was aborted', 'AbortError')
