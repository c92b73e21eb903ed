import type { ChannelEvent } from '../../model/channel-event.ts'
import type { JournalMessage } from '../../model/message.ts'
import type { Recipients } from '../../ports/topic.ts'
import type { ChannelSubscription } from '../channel-subscription.ts'
import { TopicIndex } from '../topic-index.ts'

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
  readonly #byTopic = new TopicIndex<ChannelSubscription>()
  /** The first offset that each subscription should receive. */
  readonly #starts = new Map<ChannelSubscription, number>()
  /** Subscriptions that have received events since their last flush. */
  readonly #unflushed = new Set<ChannelSubscription>()
  #timer: NodeJS.Timeout | undefined

  constructor(lastOffset: number, epoch: string) {
    this.lastOffset = lastOffset
    this.epoch = epoch
  }

  get size(): number {
    return this.#starts.size
  }

  /** `start`: the first offset that the subscription should receive. */
  add(subscription: ChannelSubscription, start: number): void {
    this.#byTopic.add(subscription)
    this.#starts.set(subscription, start)
  }

  remove(subscription: ChannelSubscription): void {
    if (!this.#starts.delete(subscription)) return
    this.#byTopic.remove(subscription)
    if (this.#unflushed.delete(subscription)) this.#flush(subscription)
  }

  hasSubscribers(recipients: Recipients): boolean {
    return this.#byTopic.hasAny(recipients)
  }

  /**
   * A subscription without room leaves the batch. It resumes when its consumer has taken some
   * events.
   */
  deliver(offset: number, recipients: Recipients, event: ChannelEvent): void {
    this.#byTopic.forEach(recipients, (subscription) => this.#deliverFrom(offset, subscription, event))
    this.#flushSoon()
  }

  /** Delivers an event that concerns every subscription of the batch. */
  broadcast(offset: number, event: ChannelEvent): void {
    for (const subscription of Array.from(this.#starts.keys())) this.#deliverFrom(offset, subscription, event)
    this.#flushSoon()
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

  subscriptions(): Iterable<ChannelSubscription> {
    return this.#starts.keys()
  }

  #flushSoon(): void {
    if (this.#unflushed.size > 0) this.#timer ??= setTimeout(() => this.flush(), gatherMs)
  }

  #deliverFrom(offset: number, subscription: ChannelSubscription, event: ChannelEvent): void {
    if (offset >= (this.#starts.get(subscription) ?? Number.POSITIVE_INFINITY)) this.#deliverTo(subscription, event)
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
}
