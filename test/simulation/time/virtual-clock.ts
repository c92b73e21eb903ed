import { setFlagsFromString } from 'node:v8'
import { runInThisContext } from 'node:vm'

const realImmediate = setImmediate

/** How many events run before the process may do real I/O, such as printing. */
const eventsPerTurn = 4_096

setFlagsFromString('--allow-natives-syntax')
/** Runs all microtasks now. Node's own way, one turn of `process.nextTick`, takes 2 µs. */
const runMicrotasks = runInThisContext('() => { %PerformMicrotaskCheckpoint() }') as () => void

/** A timer of the code under test, or an event of the simulated world. */
export class VirtualTimer {
  readonly owner: number
  time: number
  sequence = 0
  /** Undefined: it fires once. */
  readonly intervalMs: number | undefined
  readonly delayMs: number
  run: (() => void) | undefined
  /** Where it was created, if the clock records that. */
  readonly origin: string | undefined
  /** Whether the code under test created it, and not the simulated world. */
  isUnderTest = false
  readonly #clock: VirtualClock

  constructor(clock: VirtualClock, owner: number, delayMs: number, intervalMs: number | undefined, run: () => void) {
    this.#clock = clock
    this.owner = owner
    this.delayMs = delayMs
    this.intervalMs = intervalMs
    this.run = run
    this.time = clock.now + delayMs
    this.origin = clock.recordsOrigins ? new Error('created here').stack : undefined
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  hasRef(): boolean {
    return true
  }

  refresh(): this {
    this.#clock.restart(this)
    return this
  }
}

/**
 * Time that passes only from event to event. Events at the same time run in the order of their
 * creation. All microtasks of an event run before the next event, as between two timers of Node.
 *
 * `owner` names who created a timer: a replica's number, or 0 for the world. A timer and everything
 * that follows from it belongs to one owner, so a replica can be killed with all its timers.
 */
export class VirtualClock {
  /** Milliseconds since the epoch. */
  now: number
  /** The owner of the code that runs now. */
  owner = 0
  events = 0
  /** Whether the code that runs now belongs to an event. */
  isRunning = false
  /** For the search of a timer that is left behind. */
  recordsOrigins = false
  readonly #heap: VirtualTimer[] = []
  #immediates: VirtualTimer[] = []
  #ticks: (() => void)[] = []
  #sequence = 0
  readonly #killed = new Set<number>()

  constructor(startsAt: number) {
    this.now = startsAt
  }

  /** Runs `run` after `delayMs`, on behalf of `owner`. */
  at(delayMs: number, run: () => void, owner = this.owner): VirtualTimer {
    const timer = new VirtualTimer(this, owner, delayMs > 0 ? delayMs : 0, undefined, run)
    this.#push(timer)
    return timer
  }

  /** As `setTimeout` and `setInterval`: at least 1 ms. */
  timer(delayMs: unknown, run: () => void, repeats = false): VirtualTimer {
    const given = Number(delayMs)
    const ms = given >= 1 && given <= 2 ** 31 - 1 ? given : 1
    const timer = new VirtualTimer(this, this.owner, ms, repeats ? ms : undefined, run)
    timer.isUnderTest = true
    this.#push(timer)
    return timer
  }

  immediate(run: () => void): VirtualTimer {
    const timer = new VirtualTimer(this, this.owner, 0, undefined, run)
    timer.isUnderTest = true
    this.#immediates.push(timer)
    return timer
  }

  clear(timer: unknown): void {
    if (timer instanceof VirtualTimer) timer.run = undefined
  }

  restart(timer: VirtualTimer): void {
    const { run } = timer
    if (!run) return
    const index = this.#heap.indexOf(timer)
    if (index >= 0) this.#remove(index)
    timer.time = this.now + timer.delayMs
    this.#push(timer)
  }

  /** Drops every timer of the owner. What it scheduled later is dropped, too. */
  kill(owner: number): void {
    this.#killed.add(owner)
    for (const timer of this.#heap) if (timer.owner === owner) timer.run = undefined
    for (const timer of this.#immediates) if (timer.owner === owner) timer.run = undefined
  }

  isKilled(owner: number): boolean {
    return this.#killed.has(owner)
  }

  /** The active timers that the code of an owner created. */
  timersOf(owner: number): readonly VirtualTimer[] {
    return [...this.#heap, ...this.#immediates].filter(
      (timer) => timer.owner === owner && timer.isUnderTest && timer.run,
    )
  }

  /** As `process.nextTick`. */
  tick(run: () => void): void {
    this.#ticks.push(run)
  }

  /** Runs everything up to `until`. Resolves early when `stopped` returns true. */
  runUntil(until: number, stopped: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        this.isRunning = true
        try {
          for (let left = eventsPerTurn; left > 0; left -= 1) {
            const timer = this.#next(until)
            if (!timer || stopped()) {
              this.now = Math.max(this.now, until)
              return resolve()
            }
            this.#run(timer)
            this.events += 1
            runMicrotasks()
            while (this.#ticks.length > 0) this.#runTicks()
          }
        } catch (error) {
          return reject(error)
        } finally {
          this.isRunning = false
        }
        realImmediate(turn)
      }
      // Microtasks can only be run from outside of one.
      realImmediate(turn)
    })
  }

  #runTicks(): void {
    const ticks = this.#ticks
    this.#ticks = []
    for (const run of ticks) {
      run()
      runMicrotasks()
    }
  }

  #run(timer: VirtualTimer): void {
    const { run } = timer
    if (!run || this.#killed.has(timer.owner)) return
    if (timer.intervalMs === undefined) timer.run = undefined
    else {
      timer.time = this.now + timer.intervalMs
      this.#push(timer)
    }
    this.owner = timer.owner
    run()
  }

  #next(until: number): VirtualTimer | undefined {
    for (;;) {
      const immediate = this.#immediates.shift()
      if (immediate) {
        if (immediate.run) return immediate
        continue
      }
      const first = this.#heap[0]
      if (!first || first.time > until) return undefined
      this.#remove(0)
      if (!first.run) continue
      if (first.time > this.now) this.now = first.time
      return first
    }
  }

  #push(timer: VirtualTimer): void {
    this.#sequence += 1
    timer.sequence = this.#sequence
    this.#heap.push(timer)
    this.#up(this.#heap.length - 1)
  }

  #remove(index: number): void {
    const heap = this.#heap
    const last = heap.pop()
    if (!last || index >= heap.length) return
    heap[index] = last
    this.#down(index)
    this.#up(index)
  }

  #up(from: number): void {
    const heap = this.#heap
    let index = from
    const timer = heap[index] as VirtualTimer
    while (index > 0) {
      const parentIndex = (index - 1) >> 1
      const parent = heap[parentIndex] as VirtualTimer
      if (!isBefore(timer, parent)) break
      heap[index] = parent
      index = parentIndex
    }
    heap[index] = timer
  }

  #down(from: number): void {
    const heap = this.#heap
    const { length } = heap
    let index = from
    const timer = heap[index] as VirtualTimer
    for (;;) {
      let child = 2 * index + 1
      if (child >= length) break
      if (child + 1 < length && isBefore(heap[child + 1] as VirtualTimer, heap[child] as VirtualTimer)) child += 1
      if (!isBefore(heap[child] as VirtualTimer, timer)) break
      heap[index] = heap[child] as VirtualTimer
      index = child
    }
    heap[index] = timer
  }
}

function isBefore(one: VirtualTimer, other: VirtualTimer): boolean {
  return one.time < other.time || (one.time === other.time && one.sequence < other.sequence)
}
