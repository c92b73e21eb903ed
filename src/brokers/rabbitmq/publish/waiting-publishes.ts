import type { PendingPublish } from './pending-publish.ts'

/** The messages that wait to be sent on one channel, in order of their sequence. */
export class WaitingPublishes {
  #order: PendingPublish[] = []

  get isEmpty(): boolean {
    return this.#order.length === 0
  }

  get first(): PendingPublish | undefined {
    return this.#order[0]
  }

  /** Adds a message with the highest sequence so far. */
  add(pending: PendingPublish): void {
    this.#order.push(pending)
  }

  /** Adds a message that was sent before, in its place. */
  putBack(pending: PendingPublish): void {
    this.#order.push(pending)
    this.#order.sort((one, other) => one.sequence - other.sequence)
  }

  removeFirst(): void {
    this.#order.shift()
  }

  /** Does nothing if the message does not wait. */
  remove(pending: PendingPublish): void {
    const index = this.#order.indexOf(pending)
    if (index >= 0) this.#order.splice(index, 1)
  }

  /** Removes and returns the messages to an exchange. */
  takeAllTo(exchange: string): readonly PendingPublish[] {
    const taken = this.#order.filter((pending) => pending.exchange === exchange)
    this.#order = this.#order.filter((pending) => pending.exchange !== exchange)
    return taken
  }
}
