import { patienceMs } from '../patience.ts'

interface Waiter<T> {
  readonly wanted: (item: T) => boolean
  readonly resolve: (item: T) => void
  readonly reject: (reason: Error) => void
}

/** Queues what arrives until a test takes it, so that a test misses nothing between two calls. */
export class Inbox<T> {
  readonly #name: string
  readonly #items: T[] = []
  readonly #waiters = new Set<Waiter<T>>()
  #ended: Error | undefined

  constructor(name: string) {
    this.#name = name
  }

  /** Items that arrived and have not been taken yet. */
  get waiting(): readonly T[] {
    return this.#items
  }

  push(item: T): void {
    for (const waiter of this.#waiters) {
      if (!waiter.wanted(item)) continue
      waiter.resolve(item)
      return
    }
    this.#items.push(item)
  }

  /** Ends the inbox: waiting calls and all later ones reject with the reason. */
  end(reason: Error): void {
    this.#ended ??= reason
    for (const waiter of this.#waiters) waiter.reject(reason)
  }

  next(withinMs = patienceMs): Promise<T> {
    return this.nextMatching(() => true, withinMs)
  }

  /** The first item that matches. Items that do not match stay, in their order. */
  nextMatching(wanted: (item: T) => boolean, withinMs = patienceMs): Promise<T> {
    const index = this.#items.findIndex(wanted)
    if (index >= 0) return Promise.resolve(this.#items.splice(index, 1)[0] as T)
    if (this.#ended) return Promise.reject(this.#ended)
    return new Promise<T>((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer)
        this.#waiters.delete(waiter)
      }
      const waiter: Waiter<T> = {
        wanted,
        resolve(item) {
          settle()
          resolve(item)
        },
        reject(reason) {
          settle()
          reject(reason)
        },
      }
      const timer = setTimeout(() => waiter.reject(new Error(this.#inVain(withinMs))), withinMs)
      // Of several waiters a test may need one only.
      timer.unref()
      this.#waiters.add(waiter)
    })
  }

  #inVain(withinMs: number): string {
    const others = this.#items.slice(0, 5).map((item) => JSON.stringify(item)?.slice(0, 200))
    const seen = others.length === 0 ? 'nothing came' : `${this.#items.length} others came: ${others.join(' ')}`
    return `Waited ${withinMs} ms in vain for ${this.#name}; ${seen}`
  }
}
