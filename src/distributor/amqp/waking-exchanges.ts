import type { Outgoing } from './outgoing.ts'

/** One publication on its way to an exchange that is not known to be up, and those behind it. */
interface Waking {
  readonly first: Outgoing
  readonly behind: Outgoing[]
}

/**
 * Exchanges as they come up again behind a new connection: RabbitMQ takes connections before all of its queues are there, and returns meanwhile what it routed before. Until an exchange has routed
 * again, one publication to it is on its way at a time, for none may overtake one that was returned and is to be published again. Other exchanges' go on.
 */
export class WakingExchanges {
  readonly #awake = new Set<string>()
  readonly #waking = new Map<string, Waking>()

  /** A new connection. What was on its way over the last one is over, or will be. */
  reconnected(): void {
    this.#awake.clear()
  }

  /** Whether it stays behind another until that one is over. */
  holdsBack(outgoing: Outgoing): boolean {
    const waking = this.#waking.get(outgoing.exchange)
    waking?.behind.push(outgoing)
    return waking !== undefined
  }

  /** It is on its way, and held by nobody. */
  sent(outgoing: Outgoing): void {
    const { exchange } = outgoing
    if (!this.#awake.has(exchange)) this.#waking.set(exchange, { first: outgoing, behind: [] })
  }

  /** Nobody need wait there any more, once the one that they wait for is over. */
  routed(exchange: string): void {
    this.#awake.add(exchange)
  }

  /** It has an answer, or is to be published again: gives those that waited for it. */
  over(outgoing: Outgoing): readonly Outgoing[] {
    const waking = this.#waking.get(outgoing.exchange)
    if (waking?.first !== outgoing) return nobody
    this.#waking.delete(outgoing.exchange)
    return waking.behind
  }
}

const nobody: readonly Outgoing[] = []
