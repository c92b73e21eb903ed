import { type MessageOutcome, messageOutcomes } from '../ports/observer.ts'

/** What became of one message at the subscriptions of this replica, replays included. */
export interface DeliveryCounts {
  readonly matched: number
  readonly delivered: number
  readonly dropped: number
}

/**
 * What this replica did with each of a number of neighbouring messages. Columns of numbers, for there is one for each message of the hot window: as objects, they
 * would be the garbage collector's work.
 */
export class MessageOutcomes {
  /** 0: none yet; else its place in `messageOutcomes`, counted from 1. */
  readonly #fates: Uint8Array
  /** Three numbers a message: matched, delivered, dropped. */
  readonly #reach: Uint32Array

  constructor(messages: number) {
    this.#fates = new Uint8Array(messages)
    this.#reach = new Uint32Array(messages * 3)
  }

  set(place: number, fate: MessageOutcome): void {
    this.#fates[place] = messageOutcomes.indexOf(fate) + 1
  }

  /** Undefined where it came before this replica did, and so is only replayed. */
  of(place: number): MessageOutcome | undefined {
    return messageOutcomes[(this.#fates[place] ?? 0) - 1]
  }

  match(place: number): void {
    this.#add(place * 3)
  }

  deliver(place: number): void {
    this.#add(place * 3 + 1)
  }

  drop(place: number): void {
    this.#add(place * 3 + 2)
  }

  reachOf(place: number): DeliveryCounts {
    const [matched = 0, delivered = 0, dropped = 0] = this.#reach.subarray(place * 3)
    return { matched, delivered, dropped }
  }

  #add(at: number): void {
    this.#reach[at] = (this.#reach[at] ?? 0) + 1
  }
}
