import type { JournalMessage } from '../model/message.ts'
import { type DropReason, dropReasons } from './labels.ts'
import type { Counted } from './message-outcomes.ts'

/** How many deliveries of one message share one reading of the clock. */
const timedTogether = 32

/**
 * Counts the events of all subscriptions of one transport.
 *
 * A message is matched when a subscription takes it, live or from a replay. It is then either
 * delivered to the client or dropped for a reason, and until then it is pending. So matched =
 * delivered + dropped + pending holds at any moment. Messages that a subscription has not reached
 * yet, because it is behind, are not counted.
 */
export class DeliveryCounter {
  matched = 0
  delivered = 0
  /** Counted when queues grow and shrink, not computed from the other numbers. */
  pending = 0
  readonly dropped = Object.fromEntries(dropReasons.map((reason) => [reason, 0])) as Record<DropReason, number>
  /** Messages that the pace of a subscription (`every`) passed over. They are not matched. */
  passedOver = 0
  /** How often a subscription left live delivery because its client was slower than its channel. */
  fellBehind = 0
  readonly #onTimed: (seconds: number, deliveries: number) => void
  /** The offset of the message that was timed last. */
  #timedOffset = -1
  #seconds = 0
  /** Deliveries with the last reading that `onTimed` has not received yet. */
  #unreported = 0

  /**
   * `onTimed` receives how long deliveries took within this process, and for how many deliveries.
   * It receives the last ones when `flushTimes` is called, at the latest.
   */
  constructor(onTimed: (seconds: number, deliveries: number) => void) {
    this.#onTimed = onTimed
  }

  match({ outcomes, slot = 0 }: Counted): void {
    this.matched += 1
    outcomes?.match(slot)
  }

  deliver({ outcomes, slot = 0, receivedAt, offset }: Counted & JournalMessage): void {
    this.delivered += 1
    outcomes?.deliver(slot)
    // A message is delivered to one subscription after another, so one reading of the clock serves
    // many deliveries.
    if (offset !== this.#timedOffset || this.delivered % timedTogether === 0) {
      this.flushTimes()
      this.#timedOffset = offset
      this.#seconds = (Date.now() - receivedAt) / 1000
    }
    this.#unreported += 1
  }

  flushTimes(): void {
    if (this.#unreported > 0) this.#onTimed(this.#seconds, this.#unreported)
    this.#unreported = 0
  }

  drop({ outcomes, slot = 0 }: Counted, reason: DropReason): void {
    this.dropped[reason] += 1
    outcomes?.drop(slot)
  }
}
