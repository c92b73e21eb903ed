import type { ChannelEvent, GapEvent } from '../model/channel-event.ts'
import type { Subscriber } from '../ports/subscriber.ts'
import type { Recipients } from '../ports/topic.ts'
import { type Reach, TopicIndex } from './topic-index.ts'

/** The live subscribers on this replica. Calls each subscriber once per message. */
export class Hub {
  readonly #subscribers = new TopicIndex<Subscriber>()

  /** How many subscribers are registered. */
  get size(): number {
    return this.#subscribers.size
  }

  /** How many subscribers the channel of a client has. */
  countOf(clientId: string): number {
    return this.#subscribers.countOfChannel(clientId)
  }

  /** The client ids with at least one subscriber on this replica. */
  channels(): Iterable<string> {
    return this.#subscribers.clientIds()
  }

  /**
   * How many subscribers the recipients have on this replica. If none, the body need not be decoded.
   */
  reachOf(recipients: Recipients): Reach {
    return this.#subscribers.reachOf(recipients)
  }

  /** Idempotent. */
  subscribe(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber)
  }

  /** Idempotent. */
  unsubscribe(subscriber: Subscriber): void {
    this.#subscribers.remove(subscriber)
  }

  /** Every subscriber once. */
  all(): Iterable<Subscriber> {
    return this.#subscribers.all()
  }

  publish(recipients: Recipients, event: ChannelEvent): void {
    this.#subscribers.forEach(recipients, (subscriber) => this.#deliverTo(subscriber, event))
  }

  /** Delivers an event that concerns every subscriber, such as a gap. */
  broadcast(event: ChannelEvent): void {
    for (const subscriber of this.all()) this.#deliverTo(subscriber, event)
  }

  /** Retention deleted entries before the tail read them, or the journal was replaced. */
  missed(gap: GapEvent): void {
    // Those that continue in another way leave the hub meanwhile.
    const subscribers = Array.from(this.all())
    for (const subscriber of subscribers) {
      try {
        if (subscriber.missed) subscriber.missed(gap)
        else subscriber.deliver(gap)
      } catch (error) {
        this.#fail(subscriber, error)
      }
    }
  }

  #deliverTo(subscriber: Subscriber, event: ChannelEvent): void {
    try {
      subscriber.deliver(event)
    } catch (error) {
      this.#fail(subscriber, error)
    }
  }

  /**
   * A subscriber that throws is removed. A bug in one transport must not keep the message from
   * other subscribers, or stop the tail.
   */
  #fail(subscriber: Subscriber, error: unknown): void {
    this.unsubscribe(subscriber)
    subscriber.fail?.(error)
  }
}
