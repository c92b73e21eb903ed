import type { ChannelEvent } from '../model/channel-event.ts'
import type { JournalMessage } from '../model/message.ts'
import type { Audience } from '../model/source.ts'
import type { ChannelSubscription } from './channel-subscription.ts'

/**
 * How long events of a passage are gathered, in milliseconds: neighbours in the journal are for
 * different clients, and each is to have many in one write.
 */
const gatherMs = 100

/** Feeds that move through the journal together: one read, any number of clients. */
export class ReplayBatch {
  /** The offset up to which it has come. */
  at: number
  /**
   * The last entry it met, if that is one that the broker cannot hand out: its feeds are still to
   * be told.
   */
  unreadable: JournalMessage | undefined
  readonly #byChannel = new Map<string, Map<ChannelSubscription, number>>()
  #size = 0
  /** Those that have been given something that they have not been told to hand on yet. */
  readonly #unflushed = new Set<ChannelSubscription>()
  #timer: NodeJS.Timeout | undefined

  constructor(at: number) {
    this.at = at
  }

  get size(): number {
    return this.#size
  }

  /** `start`: the first offset that the feed is to be given. */
  add(subscription: ChannelSubscription, start: number): void {
    let subscriptions = this.#byChannel.get(subscription.channel)
    if (!subscriptions) {
      subscriptions = new Map()
      this.#byChannel.set(subscription.channel, subscriptions)
    }
    if (!subscriptions.has(subscription)) this.#size += 1
    subscriptions.set(subscription, start)
  }

  remove(subscription: ChannelSubscription): void {
    const subscriptions = this.#byChannel.get(subscription.channel)
    if (!subscriptions?.delete(subscription)) return
    this.#size -= 1
    if (subscriptions.size === 0) this.#byChannel.delete(subscription.channel)
    if (this.#unflushed.delete(subscription)) this.#flush(subscription)
  }

  hasSubscribers(audience: Audience): boolean {
    if (audience === 'everyone') return this.#size > 0
    return audience.some((channel) => this.#byChannel.has(channel))
  }

  /** A feed that has no room leaves: it comes back when its consumer has taken some. */
  deliver(offset: number, audience: Audience, event: ChannelEvent): void {
    for (const channel of audience === 'everyone' ? [...this.#byChannel.keys()] : audience) {
      for (const [subscription, start] of this.#byChannel.get(channel) ?? []) {
        if (offset >= start) this.#deliverTo(subscription, event)
      }
    }
    if (this.#unflushed.size > 0) this.#timer ??= setTimeout(() => this.flush(), gatherMs)
  }

  /** Hands on what was gathered; to be called before the feeds go on elsewhere. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const unflushed = [...this.#unflushed]
    this.#unflushed.clear()
    for (const subscription of unflushed) this.#flush(subscription)
  }

  #deliverTo(subscription: ChannelSubscription, event: ChannelEvent): void {
    try {
      if (subscription.full) subscription.flush()
      if (subscription.full) {
        subscription.leaveLive()
      } else {
        subscription.deliver(event, true)
        this.#unflushed.add(subscription)
      }
    } catch (error) {
      this.#failAlone(subscription, error)
    }
  }

  #flush(subscription: ChannelSubscription): void {
    try {
      subscription.flush()
    } catch (error) {
      this.#failAlone(subscription, error)
    }
  }

  /** It alone leaves: its neighbours go on. */
  #failAlone(subscription: ChannelSubscription, error: unknown): void {
    this.#unflushed.delete(subscription)
    this.remove(subscription)
    subscription.fail(error)
  }

  *subscriptions(): Generator<ChannelSubscription> {
    for (const subscriptions of this.#byChannel.values()) yield* subscriptions.keys()
  }
}
