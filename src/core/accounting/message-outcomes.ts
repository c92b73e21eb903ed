import { type MessageOutcome, messageOutcomes } from './labels.ts'

/** What the subscriptions of this replica did with one message, replays included. */
export interface DeliveryCounts {
  readonly matched: number
  readonly delivered: number
  readonly dropped: number
}

/**
 * An entry with a slot in `MessageOutcomes`. Both are undefined if the hot window never held it.
 */
export interface Counted {
  outcomes?: MessageOutcomes | undefined
  slot?: number
}

/**
 * What this replica did with each message of a block of neighbouring messages. Numbers in columns,
 * because there is one for each message of the hot window, and as many objects would burden the
 * garbage collector.
 */
export class MessageOutcomes {
  /** 0: no outcome yet. Otherwise its index in `messageOutcomes`, plus 1. */
  readonly #outcomes: Uint8Array
  /** Three numbers for each message: matched, delivered, dropped. */
  readonly #counts: Uint32Array

  constructor(messages: number) {
    this.#outcomes = new Uint8Array(messages)
    this.#counts = new Uint32Array(messages * 3)
  }

  set(slot: number, outcome: MessageOutcome): void {
    this.#outcomes[slot] = messageOutcomes.indexOf(outcome) + 1
  }

  /** Undefined if the message was published before this replica started: it is only replayed. */
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
    const [matched = 0, delivered = 0, dropped = 0] = this.#counts.subarray(slot * 3)
    return { matched, delivered, dropped }
  }

  #add(at: number): void {
    this.#counts[at] = (this.#counts[at] ?? 0) + 1
  }
}
