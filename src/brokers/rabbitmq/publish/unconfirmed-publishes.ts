import type { PendingPublish } from './pending-publish.ts'

/**
 * The messages that were sent on one channel and are not concluded, in the order of sending. A
 * message is concluded when RabbitMQ has confirmed it and all earlier ones on the channel are
 * concluded.
 */
export class UnconfirmedPublishes {
  /** In the order of sending. */
  #order: PendingPublish[] = []
  /**
   * By message id, because a return has no other key. So of two messages with the same id, the
   * second is sent after the first is answered.
   */
  readonly #unanswered = new Map<string, PendingPublish>()
  /** How many messages in `#order` are confirmed and wait for an earlier one. */
  #early = 0
  /** When the first of them was confirmed. */
  #overtakenSince: number | undefined

  get isEmpty(): boolean {
    return this.#unanswered.size === 0 && this.#order.length === 0
  }

  /** How many messages RabbitMQ has not answered yet. */
  get unanswered(): number {
    return this.#unanswered.size
  }

  /** The oldest message that RabbitMQ has not answered. */
  get oldest(): PendingPublish | undefined {
    for (const pending of this.#unanswered.values()) return pending
    return undefined
  }

  /** When a message was first confirmed before an earlier one; undefined if none was. */
  get overtakenSince(): number | undefined {
    return this.#overtakenSince
  }

  /** The unanswered message with this id. */
  get(id: string): PendingPublish | undefined {
    return this.#unanswered.get(id)
  }

  add(pending: PendingPublish): void {
    this.#unanswered.set(pending.id, pending)
    this.#order.push(pending)
  }

  /** Undoes `add` if the message could not be sent. */
  undoAdd(pending: PendingPublish): void {
    this.#unanswered.delete(pending.id)
    this.#order.pop()
  }

  acked(pending: PendingPublish): void {
    this.#unanswered.delete(pending.id)
    pending.confirmed = true
    this.#early += 1
  }

  nacked(pending: PendingPublish): void {
    this.#unanswered.delete(pending.id)
    const index = this.#order.indexOf(pending)
    if (index >= 0) this.#order.splice(index, 1)
  }

  /** Removes and returns the messages that are concluded now, or known to be stored. */
  conclude(): readonly PendingPublish[] {
    const open = this.#order.findIndex((pending) => !pending.confirmed && !pending.isStored)
    const concluded = this.#order.splice(0, open < 0 ? this.#order.length : open)
    for (const { confirmed } of concluded) if (confirmed) this.#early -= 1
    if (concluded.length > 0) this.#overtakenSince = undefined
    if (this.#early > 0) this.#overtakenSince ??= performance.now()
    return concluded
  }

  /**
   * Removes all messages when the channel is lost or replaced. `lost` includes those that were
   * confirmed after an unanswered one, because none of them is certain to be stored.
   */
  clear(): { readonly unanswered: readonly PendingPublish[]; readonly lost: readonly PendingPublish[] } {
    const unanswered = [...this.#unanswered.values()]
    const lost = [...new Set([...unanswered, ...this.#order])]
    this.#order = []
    this.#unanswered.clear()
    this.#early = 0
    this.#overtakenSince = undefined
    return { unanswered, lost }
  }
}
