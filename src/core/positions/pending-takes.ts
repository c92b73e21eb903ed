import type { PositionHold } from './position-hold.ts'
import { textOf } from './position-writer.ts'

interface Takes {
  /** The last one that asked, until it has its answer. */
  latest: PositionHold | undefined
  /** The registry changes the position. Never rejects. */
  inFlight: Promise<void> | undefined
  running: number
}

/**
 * Subscriptions of this replica that ask for a position and have no answer. They may wait for the
 * journal or the registry for long, and a client that lost its connection asks again meanwhile. Of
 * several for one position the last one that asked gets it.
 */
export class PendingTakes {
  readonly #ofPosition = new Map<string, Takes>()

  /** How many positions are asked for. */
  get size(): number {
    return this.#ofPosition.size
  }

  /**
   * Ends an earlier subscription that has no answer. Calls `take` after `prepare`, one call at a
   * time for a position. Resolves with undefined, and calls nothing, if the subscription of `hold`
   * has ended by then.
   */
  async run<Taken>(
    hold: PositionHold,
    prepare: () => Promise<void>,
    take: () => Promise<Taken>,
  ): Promise<Taken | undefined> {
    const key = textOf(hold)
    const takes = this.#ofPosition.get(key) ?? { latest: undefined, inFlight: undefined, running: 0 }
    this.#ofPosition.set(key, takes)
    const earlier = takes.latest
    takes.latest = hold
    takes.running += 1
    earlier?.lose('taken')
    try {
      await prepare()
      while (takes.inFlight) await takes.inFlight
      if (hold.isOver) return undefined
      const taking = take()
      const landed = (): void => {
        takes.inFlight = undefined
      }
      takes.inFlight = taking.then(landed, landed)
      return await taking
    } finally {
      if (takes.latest === hold) takes.latest = undefined
      takes.running -= 1
      if (takes.running === 0) this.#ofPosition.delete(key)
    }
  }
}
