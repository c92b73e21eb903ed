import { type MessageOutcome, messageOutcomes } from './labels.ts'

/** What became of one message at the subscriptions of this replica, replays included. */
export interface DeliveryCounts {
  readonly matched: number
  readonly delivered: number
  readonly dropped: number
}

/**
 * An entry with a slot in `MessageOutcomes`; both are undefined if the hot window never held it.
 */
export interface Counted {
  outcomes?: MessageOutcomes | undefined
  slot?: number
}

/**
 * What this replica did with each of a number of neighbouring messages. Columns of numbers, for
 * there is one for each message of the hot window: as objects, they would be the garbage
 * collector's work.
 */
export class MessageOutcomes {
  /** 0: none yet; else its place in `messageOutcomes`, counted from 1. */
  readonly #outcomes: Uint8Array
  /** Three numbers a message: matched, delivered, dropped. */
  readonly #reach: Uint32Array

  constructor(messages: number) {
    this.#outcomes = new Uint8Array(messages)
    this.#reach = new Uint32Array(messages * 3)
  }

  set(slot: number, outcome: MessageOutcome): void {
    this.#outcomes[slot] = messageOutcomes.indexOf(outcome) + 1
  }

  /** Undefined where it came before this replica did, and so is only replayed. */
  of(slot: number): MessageOutcome | undefined {
    return messageOutcomes[(this.#outcomes[slot] ?? 0) - 1]
  }

  match(slot: number): void {
    this.#add(slot * 3)
  }

  deliver(slot: number): void {
    this.#add(slot * 3 + 1)
  }

  drop(slot: number): void {
    this.#add(slot * 3 + 2)
  }

  countsOf(slot: number): DeliveryCounts {
    const [matched = 0, delivered = 0, dropped = 0] = this.#reach.subarray(slot * 3)
    return { matched, delivered, dropped }
  }

  #add(at: number): void {
    this.#reach[at] = (this.#reach[at] ?? 0) + 1
  }
}
