import type { Recipients, Topic } from '../ports/topic.ts'

interface Member {
  readonly topic: Topic
}

/** `many`: more than one, or not counted. */
export type Reach = 'none' | 'one' | 'many'

/** Subscribers by topic. A message costs a look-up for each of its recipients. */
export class TopicIndex<Subscriber extends Member> {
  readonly #channels = new Map<string, Set<Subscriber>>()
  readonly #events = new Map<string, Set<Subscriber>>()
  #size = 0

  /** How many subscribers it holds. */
  get size(): number {
    return this.#size
  }

  countOfChannel(clientId: string): number {
    return this.#channels.get(clientId)?.size ?? 0
  }

  /** The client ids with at least one subscriber. */
  clientIds(): Iterable<string> {
    return this.#channels.keys()
  }

  /** Returns false if it holds the subscriber already. */
  add(subscriber: Subscriber): boolean {
    const { index, key } = this.#placeOf(subscriber.topic)
    const subscribers = index.get(key)
    if (subscribers?.has(subscriber)) return false
    if (subscribers) subscribers.add(subscriber)
    else index.set(key, new Set([subscriber]))
    this.#size += 1
    return true
  }

  /** Returns false if it does not hold the subscriber. Call it before the topic changes. */
  remove(subscriber: Subscriber): boolean {
    const { index, key } = this.#placeOf(subscriber.topic)
    const subscribers = index.get(key)
    if (!subscribers?.delete(subscriber)) return false
    if (subscribers.size === 0) index.delete(key)
    this.#size -= 1
    return true
  }

  /** Whether any subscriber is among the recipients. */
  hasAny({ clients, eventKeys }: Recipients): boolean {
    if (clients === 'everyone' ? this.#channels.size > 0 : clients.some((clientId) => this.#channels.has(clientId))) {
      return true
    }
    return eventKeys.some((key) => this.#events.has(key))
  }

  /** How many subscribers are among the recipients. */
  reachOf(recipients: Recipients): Reach {
    const { clients, eventKeys } = recipients
    const [first] = clients
    if (clients === 'everyone' || first === undefined || clients.length > 1 || eventKeys.length > 0) {
      return this.hasAny(recipients) ? 'many' : 'none'
    }
    const size = this.#channels.get(first)?.size ?? 0
    return size === 0 ? 'none' : size === 1 ? 'one' : 'many'
  }

  /**
   * Calls `visit` once for each subscriber among the recipients. `visit` may remove subscribers.
   */
  forEach({ clients, eventKeys }: Recipients, visit: (subscriber: Subscriber) => void): void {
    if (clients === 'everyone') for (const subscribers of this.#channels.values()) subscribers.forEach(visit)
    else for (const clientId of clients) this.#channels.get(clientId)?.forEach(visit)
    for (const key of eventKeys) this.#events.get(key)?.forEach(visit)
  }

  /** As `forEach`, for a caller that may stop early. It must not remove subscribers. */
  *of({ clients, eventKeys }: Recipients): Generator<Subscriber> {
    if (clients === 'everyone') for (const subscribers of this.#channels.values()) yield* subscribers
    else for (const clientId of clients) yield* this.#channels.get(clientId) ?? []
    for (const key of eventKeys) yield* this.#events.get(key) ?? []
  }

  /** Every subscriber once. */
  *all(): Generator<Subscriber> {
    for (const subscribers of this.#channels.values()) yield* subscribers
    for (const subscribers of this.#events.values()) yield* subscribers
  }

  #placeOf(topic: Topic): { readonly index: Map<string, Set<Subscriber>>; readonly key: string } {
    return topic.kind === 'channel'
      ? { index: this.#channels, key: topic.clientId }
      : { index: this.#events, key: topic.key }
  }
}
