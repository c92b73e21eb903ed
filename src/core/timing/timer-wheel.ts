/** How exact the wheel is, in milliseconds. */
const tickMs = 10

/**
 * Timers for many items at the price of one: an item is called at its time, or up to 10 ms later,
 * together with all others of that tick. An item has one time. The wheel stands still while it is
 * empty.
 */
export class TimerWheel<Item extends object> {
  readonly #onDue: (item: Item) => void
  readonly #slots = new Map<number, Set<Item>>()
  readonly #tickOf = new Map<Item, number>()
  #timer: NodeJS.Timeout | undefined
  /** The tick that was served last. */
  #tick = 0

  /** `onDue` must not throw. */
  constructor(onDue: (item: Item) => void) {
    this.#onDue = onDue
  }

  get size(): number {
    return this.#tickOf.size
  }

  /** Calls `onDue` with the item once `performance.now()` has reached `at`. Replaces its time. */
  add(item: Item, at: number): void {
    this.remove(item)
    if (!this.#timer) this.#tick = tickAt(performance.now())
    const tick = Math.max(this.#tick + 1, Math.ceil(at / tickMs))
    const slot = this.#slots.get(tick)
    if (slot) slot.add(item)
    else this.#slots.set(tick, new Set([item]))
    this.#tickOf.set(item, tick)
    this.#timer ??= setInterval(() => this.#turn(), tickMs)
  }

  remove(item: Item): void {
    const tick = this.#tickOf.get(item)
    if (tick === undefined) return
    this.#tickOf.delete(item)
    const slot = this.#slots.get(tick)
    slot?.delete(item)
    if (slot?.size === 0) this.#slots.delete(tick)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#slots.clear()
    this.#tickOf.clear()
  }

  #turn(): void {
    const now = tickAt(performance.now())
    while (this.#tick < now && this.#slots.size > 0) {
      this.#tick += 1
      const slot = this.#slots.get(this.#tick)
      if (!slot) continue
      this.#slots.delete(this.#tick)
      for (const item of slot) this.#tickOf.delete(item)
      for (const item of slot) this.#onDue(item)
    }
    this.#tick = now
    if (this.#slots.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

function tickAt(ms: number): number {
  return Math.floor(ms / tickMs)
}
