import { GatewayError } from '../../errors.ts'
import { FairQueue } from './fair-queue.ts'

export interface ConcurrencyLimitOptions {
  readonly concurrency: number
  /** How many tasks of one network may wait, for each kind of work. */
  readonly maxWaiting: number
  /** The option that `LIMIT_EXCEEDED` names, and the message of the error. */
  readonly limit: string
  readonly message: string
}

/** Who waits, and for which kind of work. */
export interface Waiter {
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
const anyWaiter: Waiter = { network: '', client: '', kind: '' }

interface Waiting {
  readonly waiter: Waiter
  start(): void
  reject(): void
}

/**
 * Runs at most `concurrency` tasks at once. Other tasks wait, in turns by kind, network and client.
 * If too many wait, the newest task of the client with the most waiting tasks is rejected with
 * `LIMIT_EXCEEDED`, so a flood affects only its sender.
 */
export class ConcurrencyLimit {
  readonly #options: ConcurrencyLimitOptions
  readonly #kinds = new Map<string, FairQueue<Waiting>>()
  readonly #slowed = new Map<string, () => boolean>()
  readonly #resting = new Set<string>()
  #running = 0

  constructor(options: ConcurrencyLimitOptions) {
    this.#options = options
  }

  async run<T>(work: () => Promise<T>, waiter: Waiter = anyWaiter): Promise<T> {
    await this.#start(waiter)
    const rests = waiter.slowed?.() === true
    if (rests) this.#resting.add(waiter.network)
    try {
      return await work()
    } finally {
      this.#running -= 1
      if (rests) this.#rest(waiter.network)
      this.#startNext()
    }
  }

  #start(waiter: Waiter): Promise<void> {
    return new Promise((resolve, reject) => {
      const { limit, message } = this.#options
      const refuse = () => reject(new GatewayError('LIMIT_EXCEEDED', message, { limit }))
      let queue = this.#kinds.get(waiter.kind)
      if (!queue) {
        queue = new FairQueue()
        this.#kinds.set(waiter.kind, queue)
      }
      queue.add(waiter.network, waiter.client, { waiter, start: resolve, reject: refuse })
      if (waiter.slowed) this.#slowed.set(waiter.network, waiter.slowed)
      this.#startNext()
      this.#rejectExcess(queue, waiter.network)
    })
  }

  #startNext(): void {
    while (this.#running < this.#options.concurrency) {
      const next = this.#next()
      if (!next) return
      this.#running += 1
      next.start()
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

  #take(isAllowed: (network: string) => boolean): Waiting | undefined {
    for (const [kind, queue] of this.#kinds) {
      const next = queue.take(isAllowed)
      if (!next) continue
      // Move this kind behind the others.
      this.#kinds.delete(kind)
      this.#kinds.set(kind, queue)
      this.#forgetSlowed(next.waiter.network)
      return next
    }
    return undefined
  }

  #rejectExcess(queue: FairQueue<Waiting>, network: string): void {
    const { maxWaiting } = this.#options
    if (queue.sizeOf(network) > maxWaiting) queue.drop(network)?.reject()
    else if (queue.size > maxWaiting * networksFactor) {
      const dropped = queue.drop()
      dropped?.reject()
      if (dropped) this.#forgetSlowed(dropped.waiter.network)
    }
  }

  #forgetSlowed(network: string): void {
    for (const queue of this.#kinds.values()) if (queue.sizeOf(network) > 0) return
    this.#slowed.delete(network)
  }

  #rest(network: string): void {
    setTimeout(() => {
      this.#resting.delete(network)
      this.#startNext()
    }, restMs).unref()
  }
}
