/** How many reads of the journal may go on at once, whatever the number of clients. */
const maxScans = 4
/**
 * How long those who come during a read wait for it to end, in milliseconds: a long one holds
 * nobody up for longer.
 */
const maxWaitMs = 4_000
/**
 * So many newcomers in one gathering are a storm: its read waits until fewer have come in so many
 * gatherings on end, for a busy event loop lets some wait at the door, or for `stormMs` in all. Two
 * reads at once take longer than one after the other.
 */
const stormSize = 5
const stormEndGatherings = 5
const stormMs = 2_000

/**
 * Says when a read of the journal may begin, so that a storm of clients is served in two or three,
 * and nobody waits for long.
 */
export class ScanScheduler {
  readonly #onReady: () => void
  #scans = 0
  /** Runs while somebody waits for a read to end. */
  #waitTimer: NodeJS.Timeout | undefined
  #waitIsOver = false
  #lastWaiting = 0
  /** When the storm began, and how many gatherings ago so many came together last. */
  #stormStartedAt: number | undefined
  #quietGatherings = 0

  /** `onReady` is called when it is worth asking again. */
  constructor(onReady: () => void) {
    this.#onReady = onReady
  }

  /** Whether a read for so many who wait may begin now: then it has begun. */
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
