/** How many reads of the journal may run at the same time, for any number of clients. */
const maxScans = 4
/** How long subscriptions wait for a running read to end before another one may start, in ms. */
const maxWaitMs = 4_000
/**
 * This many new subscriptions in one gathering period are a storm. The read then waits until fewer
 * arrive in `stormEndGatherings` consecutive periods, because a busy event loop delays the accept
 * of further clients; it waits `stormMs` at most. Two concurrent reads take longer than one after
 * the other.
 */
const stormSize = 5
const stormEndGatherings = 5
const stormMs = 2_000

/**
 * Decides when a read of the journal may start. Two or three reads then serve a storm of clients,
 * and no client waits long.
 */
export class ScanScheduler {
  readonly #onReady: () => void
  #scans = 0
  /** Runs while subscriptions wait for a read to end. */
  #waitTimer: NodeJS.Timeout | undefined
  #waitIsOver = false
  #lastWaiting = 0
  /** When the storm began, and how many gathering periods have passed since the last busy one. */
  #stormStartedAt: number | undefined
  #quietGatherings = 0

  /** `onReady` is called when `tryBegin` may return true. */
  constructor(onReady: () => void) {
    this.#onReady = onReady
  }

  /**
   * Starts a read and returns true if one may start now. `waiting`: the number of subscriptions
   * that need it. The caller calls `end` when the read has ended.
   */
  tryBegin(waiting: number): boolean {
    if (this.#scans === 0 ? this.#stormContinues(waiting) : this.#mustWait()) return false
    clearTimeout(this.#waitTimer)
    this.#waitTimer = undefined
    this.#waitIsOver = false
    this.#lastWaiting = 0
    this.#stormStartedAt = undefined
    this.#scans += 1
    return true
  }

  end(): void {
    this.#scans -= 1
    this.#onReady()
  }

  close(): void {
    clearTimeout(this.#waitTimer)
  }

  #stormContinues(waiting: number): boolean {
    const now = performance.now()
    const newcomers = waiting - this.#lastWaiting
    this.#lastWaiting = waiting
    if (newcomers >= stormSize) {
      this.#stormStartedAt ??= now
      this.#quietGatherings = 0
    } else {
      this.#quietGatherings += 1
    }
    if (
      this.#stormStartedAt === undefined ||
      this.#quietGatherings >= stormEndGatherings ||
      now - this.#stormStartedAt >= stormMs
    )
      return false
    this.#onReady()
    return true
  }

  #mustWait(): boolean {
    if (this.#waitIsOver && this.#scans < maxScans) return false
    this.#waitTimer ??= setTimeout(() => {
      this.#waitIsOver = true
      this.#onReady()
    }, maxWaitMs)
    return true
  }
}
