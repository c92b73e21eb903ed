import type { ChannelEvent } from '../model/channel-event.ts'
import type { Audience } from '../model/source.ts'
import type { Subscriber } from '../ports/subscriber.ts'

/** The subscribers of each channel on this replica. Calls each subscriber once per message. */
export class Hub {
  readonly #channels = new Map<string, Set<Subscriber>>()
  #size = 0

  /** How many subscribers are registered. */
  get size(): number {
    return this.#size
  }

  countOf(channel: string): number {
    return this.#channels.get(channel)?.size ?? 0
  }

  /** The channels with at least one subscriber on this replica. */
  channels(): Iterable<string> {
    return this.#channels.keys()
  }

  /**
   * Whether the audience has a subscriber on this replica. If not, the body need not be decoded.
   */
  hasSubscribers(audience: Audience): boolean {
    if (audience === 'everyone') return this.#size > 0
    for (const channel of audience) if (this.#channels.has(channel)) return true
    return false
  }

  subscribe(subscriber: Subscriber): void {
    let subscribers = this.#channels.get(subscriber.channel)
    if (!subscribers) {
      subscribers = new Set()
      this.#channels.set(subscriber.channel, subscribers)
    }
    if (subscribers.has(subscriber)) return
    subscribers.add(subscriber)
    this.#size += 1
  }

  /** Idempotent. */
  unsubscribe(subscriber: Subscriber): void {
    const subscribers = this.#channels.get(subscriber.channel)
    if (!subscribers?.delete(subscriber)) return
    this.#size -= 1
    if (subscribers.size === 0) this.#channels.delete(subscriber.channel)
  }

  publish(audience: Audience, event: ChannelEvent): void {
    if (audience === 'everyone') {
      for (const subscriber of this.all()) this.#deliverTo(subscriber, event)
      return
    }
    for (const channel of audience) {
      const subscribers = this.#channels.get(channel)
      if (subscribers) for (const subscriber of subscribers) this.#deliverTo(subscriber, event)
    }
  }

  /**
   * A subscriber that throws is removed. A bug in one transport must not keep the message from
   * other subscribers, or stop the tail.
   */
  #deliverTo(subscriber: Subscriber, event: ChannelEvent): void {
    try {
      subscriber.deliver(event)
    } catch (error) {
      this.unsubscribe(subscriber)
      subscriber.fail?.(error)
    }
  }

  *all(): Generator<Subscriber> {
    for (const subscribers of this.#channels.values()) yield* subscribers
  }
}
