import type { DeliveryCounter } from '../accounting/delivery-counter.ts'
import { type ChannelEvent, type GapEvent, type MessageEvent, OverflowGap } from '../model/channel-event.ts'
import type { OverflowPolicy } from '../model/overflow-policy.ts'

/** How many events one subscription queues for a consumer that is slower than its channel. */
const maxQueuedEvents = 1024

/**
 * What all subscriptions of one connection may queue together, in bytes of message bodies. One
 * event of each subscription comes on top of it. A subscription that exceeds it leaves live
 * delivery.
 */
export class Allowance {
  readonly maxBytes: number
  used = 0

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }
}

/**
 * The events that the consumer of one subscription has not taken, oldest first. Bounded in number,
 * and in bytes by the allowance of the connection. Its messages are pending in the counter.
 */
export class EventQueue {
  readonly #events: ChannelEvent[] = []
  readonly #allowance: Allowance
  readonly #counter: DeliveryCounter | undefined

  constructor(allowance: Allowance, counter: DeliveryCounter | undefined) {
    this.#allowance = allowance
    this.#counter = counter
  }

  get events(): readonly ChannelEvent[] {
    return this.#events
  }

  get isEmpty(): boolean {
    return this.#events.length === 0
  }

  get oldest(): ChannelEvent | undefined {
    return this.#events[0]
  }

  /** Whether no further event fits. An empty queue is never full. */
  get isFull(): boolean {
    return (
      this.#events.length >= maxQueuedEvents ||
      (this.#events.length > 0 && this.#allowance.used >= this.#allowance.maxBytes)
    )
  }

  /** Resuming costs a replay, so it waits until there is room for more than a few events. */
  get hasRoomToResume(): boolean {
    if (this.isEmpty) return true
    return this.#events.length <= maxQueuedEvents / 2 && this.#allowance.used <= this.#allowance.maxBytes / 2
  }

  /**
   * Whether the event fits into the bounds. An empty queue accepts any event, else a large message
   * could never be delivered. So a connection may hold its allowance and one event for each
   * subscription.
   */
  hasRoomFor(event: ChannelEvent): boolean {
    return this.isEmpty || this.#fits(event)
  }

  /** Adds the event, also beyond the bounds. It replaces the gap before it if it covers that. */
  add(event: ChannelEvent): void {
    if (event.kind === 'MESSAGE') {
      event.keep()
      this.#allowance.used += bytesOf(event)
      if (this.#counter) this.#counter.pending += 1
    } else if (event.kind === 'GAP') {
      const before = this.#events.at(-1)
      if (before?.kind === 'GAP' && covers(event, before)) this.#events.pop()
    }
    this.#events.push(event)
  }

  /** Removes the oldest event, and returns it. */
  shift(): ChannelEvent | undefined {
    const event = this.#events.shift()
    if (event) this.#release(event)
    return event
  }

  /**
   * Makes room for a live event by dropping the oldest messages, and reports their number in an
   * `OVERFLOW` gap. Gaps are not dropped: they stay at the front. `DROP_OLDEST` drops what is
   * necessary, `CONFLATE` everything. Returns how many messages were dropped.
   */
  dropFor(event: MessageEvent, policy: Extract<OverflowPolicy, 'CONFLATE' | 'DROP_OLDEST'>): number {
    let at = this.#events.findIndex(({ kind }) => kind !== 'GAP')
    if (at < 0) return 0
    let dropped = 0
    const front = this.#events[at - 1]
    let notice = front instanceof OverflowGap ? front : undefined
    for (let oldest = this.#events[at]; oldest; oldest = this.#events[at]) {
      if (policy === 'DROP_OLDEST' && this.#fits(event)) break
      if (oldest.kind === 'GAP') {
        // A gap for another reason stays in its place. All `OVERFLOW` gaps are at the front.
        at += 1
        notice = undefined
        continue
      }
      this.#events.splice(at, 1)
      if (oldest.kind !== 'MESSAGE') continue
      this.#release(oldest)
      dropped += 1
      this.#counter?.drop(oldest.message, policy === 'CONFLATE' ? 'conflated' : 'overflow')
      if (notice) {
        notice.add(oldest)
      } else {
        notice = new OverflowGap(oldest)
        this.#events.splice(at, 0, notice)
        at += 1
      }
    }
    return dropped
  }

  #fits(event: ChannelEvent): boolean {
    return this.#events.length < maxQueuedEvents && this.#allowance.used + bytesOf(event) <= this.#allowance.maxBytes
  }

  #release(event: ChannelEvent): void {
    this.#allowance.used -= bytesOf(event)
    if (this.#counter && event.kind === 'MESSAGE') this.#counter.pending -= 1
  }
}

/**
 * Of adjacent gaps with the same reason the last one covers all. Gaps are queued even if there is
 * no room, so without this they would accumulate while retention keeps overtaking a slow client. An
 * `OVERFLOW` gap counts what was dropped before it, so it stays.
 */
function covers(later: GapEvent, earlier: GapEvent): boolean {
  return later.reason === earlier.reason && later.reason !== 'OVERFLOW'
}

function bytesOf(event: ChannelEvent): number {
  return event.kind === 'MESSAGE' ? event.message.body.length : 0
}
