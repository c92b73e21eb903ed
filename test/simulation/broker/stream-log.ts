import type { MessageProperties } from '../../../src/core/model/message.ts'

/** One stored message. `properties` are as a consumer receives them. */
export interface StoredMessage {
  readonly offset: number
  readonly exchange: string
  readonly routingKey: string
  readonly body: Buffer
  readonly properties: MessageProperties
  readonly storedAt: number
  /** Whether RabbitMQ 4 ends every consumer of AMQP 0-9-1 that reaches it. */
  readonly unreadable: boolean
}

export type NewMessage = Omit<StoredMessage, 'offset' | 'storedAt'>

export interface StreamLimits {
  /** How many messages a segment holds. */
  readonly segmentMessages: number
  /** How many segments retention keeps, at least 1. It is applied when a segment begins. */
  readonly segments: number
}

/**
 * The messages of a stream, as facts of RabbitMQ: each segment begins with a hole in the offsets,
 * and retention removes whole segments, the oldest first, when a new one begins.
 */
export class StreamLog {
  limits: StreamLimits
  readonly messages: StoredMessage[] = []
  /** The messages that each segment still holds, oldest first. */
  readonly #segments: number[] = [0]
  /** How many messages were removed. `messages[0]` has this index. */
  removed = 0
  #nextOffset = 0
  /** When retention removed something, and the oldest offset that it kept. In order. */
  readonly #removals: { readonly keptFrom: number; readonly at: number }[] = []

  constructor(limits: StreamLimits) {
    this.limits = limits
  }

  /** The index behind the last message. */
  get end(): number {
    return this.removed + this.messages.length
  }

  /** The offset of the oldest message. Undefined: the stream is empty. */
  get oldest(): number | undefined {
    return this.messages[0]?.offset
  }

  /** When retention removed this offset; undefined if it did not. */
  removedAt(offset: number): number | undefined {
    return this.#removals.find(({ keptFrom }) => keptFrom > offset)?.at
  }

  get nextOffset(): number {
    return this.#nextOffset
  }

  append(message: NewMessage, storedAt: number): StoredMessage {
    if ((this.#segments.at(-1) ?? 0) >= this.limits.segmentMessages) this.#beginSegment(storedAt)
    // No spread: it makes a hidden class for each object.
    const { exchange, routingKey, body, properties, unreadable } = message
    const stored = { offset: this.#nextOffset, exchange, routingKey, body, properties, storedAt, unreadable }
    this.#nextOffset += 1
    this.messages.push(stored)
    this.#segments[this.#segments.length - 1] = (this.#segments.at(-1) ?? 0) + 1
    return stored
  }

  /** Begins a segment and removes all but the newest `segments` of those that are full. */
  trim(segments: number, now: number): void {
    this.#beginSegment(now)
    this.#keep(segments, now)
  }

  at(index: number): StoredMessage | undefined {
    return this.messages[index - this.removed]
  }

  /** The index of the first message at `offset` or later. */
  indexOf(offset: number): number {
    let low = 0
    let high = this.messages.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.messages[middle]?.offset ?? 0) < offset) low = middle + 1
      else high = middle
    }
    return this.removed + low
  }

  /** The index of the first message that was stored at this time or later. */
  indexAt(time: number): number {
    const index = this.messages.findIndex(({ storedAt }) => storedAt >= time)
    return index < 0 ? this.end : this.removed + index
  }

  #beginSegment(now: number): void {
    if (this.#segments.at(-1) === 0) return
    this.#segments.push(0)
    this.#nextOffset += 1
    this.#keep(this.limits.segments, now)
  }

  #keep(segments: number, now: number): void {
    const { removed } = this
    while (this.#segments.length > segments) {
      const count = this.#segments.shift() ?? 0
      this.messages.splice(0, count)
      this.removed += count
    }
    if (this.removed > removed) this.#removals.push({ keptFrom: this.oldest ?? this.#nextOffset, at: now })
  }
}
