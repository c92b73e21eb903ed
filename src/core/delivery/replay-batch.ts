import type { ChannelEvent } from '../model/channel-event.ts'
import type { JournalMessage } from '../model/message.ts'
import type { Audience } from '../model/source.ts'
import type { ChannelSubscription } from './channel-subscription.ts'

/**
 * How long the batch gathers events before it flushes subscriptions, in ms. Neighbouring entries
 * belong to different clients, and each client should get many events in one write.
 */
const gatherMs = 100

/** Subscriptions that move through the journal together: one read for any number of clients. */
export class ReplayBatch {
  /** The last offset that the batch has read. */
  lastOffset: number
  /** The epoch of the entries that it reads, also while the tail is down. */
  readonly epoch: string
  /**
   * The last entry read, if the broker cannot deliver it. The gap for it has not been delivered
   * yet.
   */
  unreadable: JournalMessage | undefined
  readonly #byChannel = new Map<string, Map<ChannelSubscription, number>>()
  #size = 0
  /** Subscriptions that have received events since their last flush. */
  readonly #unflushed = new Set<ChannelSubscription>()
  #timer: NodeJS.Timeout | undefined

  constructor(lastOffset: number, epoch: string) {
    this.lastOffset = lastOffset
    this.epoch = epoch
  }

  get size(): number {
    return this.#size
  }

  /** `start`: the first offset that the subscription should receive. */
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

  /**
   * A subscription without room leaves the batch. It resumes when its consumer has taken some
   * events.
   */
  deliver(offset: number, audience: Audience, event: ChannelEvent): void {
    for (const channel of audience === 'everyone' ? [...this.#byChannel.keys()] : audience) {
      for (const [subscription, start] of this.#byChannel.get(channel) ?? []) {
        if (offset >= start) this.#deliverTo(subscription, event)
      }
    }
    if (this.#unflushed.size > 0) this.#timer ??= setTimeout(() => this.flush(), gatherMs)
  }

  /**
   * Flushes every subscription that has received events. Call it before the subscriptions leave the
   * batch.
   */
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

  /** Removes the subscription that failed; the others continue. */
  #failAlone(subscription: ChannelSubscription, error: unknown): void {
    this.#unflushed.delete(subscription)
    this.remove(subscription)
    subscription.fail(error)
  }

  *subscriptions(): Generator<ChannelSubscription> {
    for (const subscriptions of this.#byChannel.values()) yield* subscriptions.keys()
  }
}
