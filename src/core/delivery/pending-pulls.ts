import type { GatewayError } from '../../errors.ts'
import type { ChannelEvent } from '../model/channel-event.ts'

interface PendingPull {
  resolve(result: IteratorResult<ChannelEvent>): void
  reject(failure: GatewayError): void
}

/** The calls of `next` that wait for an event, in their order. */
export class PendingPulls {
  readonly #pulls: PendingPull[] = []

  /** Returns what `next` returns: it settles with an event, or at the end. */
  add(): Promise<IteratorResult<ChannelEvent>> {
    return new Promise((resolve, reject) => {
      this.#pulls.push({ resolve, reject })
    })
  }

  /** Removes the call that has waited longest. The caller resolves it with an event. */
  shift(): PendingPull | undefined {
    return this.#pulls.shift()
  }

  /**
   * Settles all calls: the first one with the failure, if there is one, and the others without a
   * value. Returns whether a call waited.
   */
  end(failure: GatewayError | undefined): boolean {
    const [first, ...others] = this.#pulls.splice(0)
    if (!first) return false
    if (failure) first.reject(failure)
    else first.resolve({ done: true, value: undefined })
    for (const pull of others) pull.resolve({ done: true, value: undefined })
    return true
  }
}
