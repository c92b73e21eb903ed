import { promisify } from 'node:util'

const real = { Date, now: Date.now, setTimeout, clearTimeout, setInterval, clearInterval, setImmediate }
const realPerformanceNow = performance.now.bind(performance)

/** The most timers that one call of `advance` runs, which a short interval could make endless. */
const maxRunTimers = 1_000_000
/** Clients answer pings in real time: they get `answerMs` in each `strideMs` of the clock. */
const strideMs = 5 * 60_000
const answerMs = 50

/**
 * A clock that runs as usual and can be moved on. It replaces the timers, `Date` and
 * `performance.now` of this thread, so nothing else may run there. Timers of Node.js itself, such
 * as those of sockets, keep the real time.
 */
export class TestClock {
  /** How far it is ahead of the real time, in ms. */
  #aheadMs = 0
  readonly #timers = new Set<ClockTimer>()

  /** Replaces the globals. Call it before the modules are loaded that keep references to them. */
  install(): void {
    const start = (callback: () => void, ms: unknown, isRepeated: boolean): ClockTimer => {
      const delayMs = Number(ms)
      const timer = new ClockTimer(this, this.#timers, {
        callback,
        delayMs: delayMs >= 1 && delayMs <= 2 ** 31 - 1 ? delayMs : 1,
        isRepeated,
      })
      timer.refresh()
      return timer
    }
    const stop = (timer: unknown): void => {
      if (timer instanceof ClockTimer) timer.close()
      // Of a module that took the timer from `node:timers`.
      else real.clearTimeout(timer as NodeJS.Timeout)
    }
    const startTimeout = (callback: (...rest: unknown[]) => void, ms?: number, ...rest: unknown[]) =>
      start(() => callback(...rest), ms, false)
    const startInterval = (callback: (...rest: unknown[]) => void, ms?: number, ...rest: unknown[]) =>
      start(() => callback(...rest), ms, true)
    const wait = (ms: number, value: unknown) => new Promise((resolve) => startTimeout(() => resolve(value), ms))
    const now = () => real.now() + this.#aheadMs
    Object.assign(globalThis, {
      setTimeout: Object.assign(startTimeout, { [promisify.custom]: wait }),
      setInterval: startInterval,
      clearTimeout: stop,
      clearInterval: stop,
      Date: new Proxy(real.Date, {
        construct: (target, given, newTarget) =>
          Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget) as Date,
        apply: () => new real.Date(now()).toString(),
      }),
    })
    real.Date.now = now
    performance.now = () => this.now()
  }

  /** Monotonic, in ms. */
  now(): number {
    return realPerformanceNow() + this.#aheadMs
  }

  /**
   * Runs the timers of the next `ms` milliseconds in their order, each at its time, with a turn of
   * the event loop after each.
   */
  async advance(ms: number): Promise<void> {
    if (!(ms >= 0 && Number.isFinite(ms))) throw new TypeError(`expected a number of ms from 0 on, got ${ms}`)
    const until = this.now() + ms
    let strideEnd = this.now() + strideMs
    for (let runs = 0; ; runs += 1) {
      if (runs > maxRunTimers) throw new Error(`more than ${maxRunTimers} timers are due within ${ms} ms`)
      const next = [...this.#timers].reduce<ClockTimer | undefined>(
        (first, timer) => (first && first.dueAt <= timer.dueAt ? first : timer),
        undefined,
      )
      if (strideEnd < Math.min(next?.dueAt ?? until, until)) {
        this.#moveTo(strideEnd)
        strideEnd += strideMs
        await new Promise<void>((resolve) => real.setTimeout(resolve, answerMs))
        continue
      }
      if (!next || next.dueAt > until) break
      this.#moveTo(next.dueAt)
      next.run()
      await new Promise<void>((resolve) => real.setImmediate(resolve))
    }
    this.#moveTo(until)
    for (const timer of this.#timers) timer.arm()
  }

  #moveTo(time: number): void {
    this.#aheadMs += Math.max(0, time - this.now())
  }
}

interface ClockTimerParts {
  readonly callback: () => void
  readonly delayMs: number
  readonly isRepeated: boolean
}

/** What `setTimeout` and `setInterval` return: the members of a timer of Node.js. */
class ClockTimer {
  dueAt = 0
  readonly #clock: TestClock
  readonly #timers: Set<ClockTimer>
  readonly #parts: ClockTimerParts
  #armed: NodeJS.Timeout | undefined
  #isReferenced = true

  constructor(clock: TestClock, timers: Set<ClockTimer>, parts: ClockTimerParts) {
    this.#clock = clock
    this.#timers = timers
    this.#parts = parts
  }

  refresh(): this {
    this.dueAt = this.#clock.now() + this.#parts.delayMs
    this.#timers.add(this)
    this.arm()
    return this
  }

  /** Lets the real time run it, too. */
  arm(): void {
    real.clearTimeout(this.#armed)
    this.#armed = real.setTimeout(() => this.run(), Math.max(0, this.dueAt - this.#clock.now()))
    if (!this.#isReferenced) this.#armed.unref()
  }

  run(): void {
    this.close()
    if (this.#parts.isRepeated) this.refresh()
    this.#parts.callback()
  }

  close(): this {
    real.clearTimeout(this.#armed)
    this.#timers.delete(this)
    return this
  }

  ref(): this {
    this.#isReferenced = true
    this.#armed?.ref()
    return this
  }

  unref(): this {
    this.#isReferenced = false
    this.#armed?.unref()
    return this
  }

  hasRef(): boolean {
    return this.#isReferenced
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
