import { badInput } from '../../errors.ts'
import type { MessageEvent } from '../model/channel-event.ts'
import { shortDurationOf } from '../timing/short-duration.ts'
import { TimerWheel } from '../timing/timer-wheel.ts'

const shortest = { text: '20ms', ms: 20 }
const longest = { text: '1h', ms: 3_600_000 }

/** Of the argument `every`, for every schema that has it. */
export const everyDescription = `Deliver at most one message in this time, the newest, such as "250ms" (${shortest.text} to ${longest.text}). What is passed over is no loss: the cursor of the newest message covers it.`

/** Checks the argument `every`, and returns it in milliseconds. Throws `BAD_USER_INPUT`. */
export function everyOf(every: unknown): number | undefined {
  if (every === undefined || every === null) return undefined
  const ms = typeof every === 'string' ? shortDurationOf(every, shortest.ms, longest.ms) : undefined
  if (ms === undefined)
    throw badInput('every', `expected a time such as "250ms", "2s" or "1m", from ${shortest.text} to ${longest.text}`)
  return ms
}

/** What a pace releases its message to. */
interface Paced {
  /** The time has passed: the held message may be delivered, if there is one. */
  releaseHeld(): void
}

/** The paced subscriptions of a replica share one timer. */
export class Paces {
  readonly wheel = new TimerWheel<Paced>((subscription) => subscription.releaseHeld())

  close(): void {
    this.wheel.close()
  }
}

/** How many keys of a state may wait for their time. */
const maxHeldKeys = 1_024
/** How many bytes of bodies may wait, if that is more than one message. */
const maxHeldBytes = 256 * 1024

/**
 * The pace of one subscription: when it may deliver again, and what waits until then. That is the
 * newest message, or the newest message of each key of a keyed state.
 */
export class Pace {
  /** The last message that was held back. */
  #newest: MessageEvent | undefined
  /** In the order of the journal. Undefined: at most the newest message waits. */
  #byKey: Map<unknown, MessageEvent> | undefined
  /** Bytes of the bodies in `#byKey`. */
  #bytes = 0
  readonly #everyMs: number
  readonly #paces: Paces
  readonly #subscription: Paced
  #readyAt = Number.NEGATIVE_INFINITY

  constructor(everyMs: number, paces: Paces, subscription: Paced) {
    this.#everyMs = everyMs
    this.#paces = paces
    this.#subscription = subscription
  }

  /** The newest message that waits. Undefined: none waits. */
  get newest(): MessageEvent | undefined {
    return this.#newest
  }

  get isReady(): boolean {
    return performance.now() >= this.#readyAt
  }

  /** Whether a message of another key cannot wait, too. */
  get isFull(): boolean {
    return this.#byKey !== undefined && (this.#byKey.size >= maxHeldKeys || this.#bytes >= maxHeldBytes)
  }

  /**
   * Holds the message back. Returns whether it takes the place of an older one. `key`: it only
   * takes the place of a message with the same key.
   */
  hold(event: MessageEvent, key?: unknown): boolean {
    event.keep()
    let replaced = this.#newest
    if (key !== undefined) {
      this.#byKey ??= new Map()
      replaced = this.#byKey.get(key)
      // It moves to the end, so that the messages stay in the order of the journal.
      this.#byKey.delete(key)
      this.#byKey.set(key, event)
      this.#bytes += event.message.body.length - (replaced?.message.body.length ?? 0)
    }
    this.#newest = event
    return replaced !== undefined
  }

  /** Takes what waits, in the order of the journal. */
  take(): readonly MessageEvent[] {
    const held = this.#byKey ? [...this.#byKey.values()] : this.#newest ? [this.#newest] : []
    this.#forget()
    return held
  }

  /** Releases the held message at its time. */
  schedule(): void {
    this.#paces.wheel.add(this.#subscription, this.#readyAt)
  }

  /** A message is delivered now. */
  delivered(): void {
    this.#readyAt = performance.now() + this.#everyMs
  }

  end(): void {
    this.#forget()
    this.#paces.wheel.remove(this.#subscription)
  }

  #forget(): void {
    this.#newest = undefined
    this.#byKey = undefined
    this.#bytes = 0
  }
}
