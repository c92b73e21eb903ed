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

/**
 * The pace of one subscription: when it may deliver the next message, and the newest message that
 * waits until then.
 */
export class Pace {
  held: MessageEvent | undefined
  readonly #everyMs: number
  readonly #paces: Paces
  readonly #subscription: Paced
  #readyAt = Number.NEGATIVE_INFINITY

  constructor(everyMs: number, paces: Paces, subscription: Paced) {
    this.#everyMs = everyMs
    this.#paces = paces
    this.#subscription = subscription
  }

  get isReady(): boolean {
    return performance.now() >= this.#readyAt
  }

  /** Holds the message back. Returns whether it takes the place of an older one. */
  hold(event: MessageEvent): boolean {
    const replaces = this.held !== undefined
    this.held = event
    return replaces
  }

  /** Releases the held message at its time. */
  schedule(): void {
    this.#paces.wheel.add(this.#subscription, this.#readyAt)
  }

  /** A message is delivered now. */
  delivered(): void {
    this.held = undefined
    this.#readyAt = performance.now() + this.#everyMs
  }

  end(): void {
    this.held = undefined
    this.#paces.wheel.remove(this.#subscription)
  }
}
