import { GatewayError } from '../../errors.ts'
import { FairQueue } from './fair-queue.ts'

export interface TurnstileOptions {
  readonly inside: number
  /** How many tasks of one network may wait, for each kind of work. */
  readonly waiting: number
  /** The option that `LIMIT_EXCEEDED` names, and the message of the error. */
  readonly limit: string
  readonly refusal: string
}

/** Who waits, and for which kind of work. */
export interface Place {
  readonly network: string
  readonly client: string
  /** Kinds of work take turns. */
  readonly kind: string
  /** If true, the network waits for all others, and pauses after each of its turns. */
  readonly slowed?: () => boolean
}

/** All networks together may have this many times the waiting tasks of one network. */
const networksFactor = 10
/** How long a slowed network pauses after each turn, in milliseconds. */
const restMs = 100
const anybody: Place = { network: '', client: '', kind: '' }

interface Waiting {
  readonly place: Place
  enter(): void
  refuse(): void
}

/**
 * Runs at most `concurrency` tasks at once. Other tasks wait, in turns by kind, network and client.
 * If too many wait, the newest task of the client with the most waiting tasks is rejected with
 * `LIMIT_EXCEEDED`, so a flood affects only its sender.
 */
export class ConcurrencyLimit {
  readonly #options: TurnstileOptions
  readonly #kinds = new Map<string, FairQueue<Waiting>>()
  readonly #slowed = new Map<string, () => boolean>()
  readonly #resting = new Set<string>()
  #running = 0

  constructor(options: TurnstileOptions) {
    this.#options = options
  }

  async through<T>(work: () => Promise<T>, place: Place = anybody): Promise<T> {
    await this.#enter(place)
    const rests = place.slowed?.() === true
    if (rests) this.#resting.add(place.network)
    try {
      return await work()
    } finally {
      this.#running -= 1
      if (rests) this.#restAwhile(place.network)
      this.#letIn()
    }
  }

  #enter(place: Place): Promise<void> {
    return new Promise((resolve, reject) => {
      const { limit, refusal } = this.#options
      const refuse = () => reject(new GatewayError('LIMIT_EXCEEDED', refusal, { limit }))
      let queue = this.#kinds.get(place.kind)
      if (!queue) {
        queue = new FairQueue()
        this.#kinds.set(place.kind, queue)
      }
      queue.add(place.network, place.client, { place, enter: resolve, refuse })
      if (place.slowed) this.#slowed.set(place.network, place.slowed)
      this.#letIn()
      this.#turnAway(queue, place.network)
    })
  }

  #letIn(): void {
    while (this.#running < this.#options.inside) {
      const next = this.#next()
      if (!next) return
      this.#running += 1
      next.enter()
    }
  }

  /** Slowed networks come last. */
  #next(): Waiting | undefined {
    const isSlowed = (network: string): boolean => this.#slowed.get(network)?.() === true
    return (
      this.#take((network) => !isSlowed(network)) ??
      this.#take((network) => isSlowed(network) && !this.#resting.has(network))
    )
  }

  #take(mayCome: (network: string) => boolean): Waiting | undefined {
    for (const [kind, queue] of this.#kinds) {
      const next = queue.take(mayCome)
      if (!next) continue
      // Move this kind behind the others.
      this.#kinds.delete(kind)
      this.#kinds.set(kind, queue)
      this.#forget(next.place.network)
      return next
    }
    return undefined
  }

  #turnAway(queue: FairQueue<Waiting>, network: string): void {
    const { waiting } = this.#options
    if (queue.sizeOf(network) > waiting) queue.drop(network)?.refuse()
    else if (queue.size > waiting * networksFactor) {
      const dropped = queue.drop()
      dropped?.refuse()
      if (dropped) this.#forget(dropped.place.network)
    }
  }

  #forget(network: string): void {
    for (const queue of this.#kinds.values()) if (queue.sizeOf(network) > 0) return
    this.#slowed.delete(network)
  }

  #restAwhile(network: string): void {
    setTimeout(() => {
      this.#resting.delete(network)
      this.#letIn()
    }, restMs).unref()
  }
}
