import type { JournalMessage } from '../model/message.ts'
import { type DropReason, dropReasons } from './labels.ts'
import type { Counted } from './message-outcomes.ts'

/** Deliveries of one message that count as having taken the same time. */
const timedTogether = 32

/**
 * The account of all events that subscriptions of one transport were given. Each is matched as its
 * subscription takes it from its channel or from the journal, and ends in one of two ways: handed
 * to its client, or dropped for a reason. In between it is pending, so that at any moment matched =
 * delivered + dropped + pending. What a subscription has not been given yet, because it is behind,
 * is in the journal and not in here.
 */
export class DeliveryCounter {
  matched = 0
  delivered = 0
  /** Counted where queues grow and shrink, not worked out from the others. */
  pending = 0
  readonly dropped = Object.fromEntries(dropReasons.map((reason) => [reason, 0])) as Record<DropReason, number>
  /**
   * How often a subscription let go of its live end, because its client was slower than its
   * channel.
   */
  fellBehind = 0
  readonly #onTimed: (seconds: number, deliveries: number) => void
  /** The offset of the message whose delivery was timed last. */
  #timedOffset = -1
  #seconds = 0
  /** Deliveries of that time which nobody has been told of. */
  #unreported = 0

  /**
   * `onTimed`: told how long deliveries were on their way through this process; of the last ones at
   * the latest by `flushTimes`.
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
    // A message is handed to one subscription after another: the clock need not be asked for each
    // of them.
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
