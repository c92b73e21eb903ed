import type { ChannelSubscription } from '../delivery/channel-subscription.ts'
import { TopicIndex } from '../delivery/topic-index.ts'
import type { Gateway } from '../gateway.ts'
import type { WindowEntry } from '../ports/hot-window.ts'

/** How many subscriptions that are not live are considered, and how many for one message. */
const maxConsidered = 10_000
const maxVisited = 1_000

/**
 * The subscriptions of this replica that are not live at one moment: their clients are slow, or
 * have just resumed. They read from the journal what arrives meanwhile.
 */
export class BehindSubscriptions {
  readonly #gateway: Gateway
  readonly #index = new TopicIndex<ChannelSubscription>()

  constructor(gateway: Gateway) {
    this.#gateway = gateway
    for (const subscription of gateway.notLive) {
      // A page of the history is no client.
      if (!subscription.endsAtLive) this.#index.add(subscription)
      if (this.#index.size === maxConsidered) break
    }
  }

  /** How many of them are for the message and have not come to it. At least, if there are many. */
  count(message: WindowEntry): number {
    if (this.#index.size === 0) return 0
    let visited = 0
    let behind = 0
    for (const { position } of this.#index.of(this.#gateway.recipientsOf(message))) {
      visited += 1
      if (visited > maxVisited) break
      if (typeof position !== 'object') continue
      if (position.epoch !== this.#gateway.epoch || position.offset < message.offset) behind += 1
    }
    return behind
  }
}
