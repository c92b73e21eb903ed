/** How many reads of the journal may go on at once, whatever the number of clients. */
const maxScans = 4
/**
 * How long those who come during a read wait for it to end, in milliseconds: a long one holds
 * nobody up for longer.
 */
const patienceMs = 4_000
/**
 * So many newcomers in one gathering are a storm: its read waits until fewer have come in so many
 * gatherings on end, for a busy event loop lets some wait at the door, or for `stormMs` in all. Two
 * reads at once take longer than one after the other.
 */
const stormSize = 5
const lullGatherings = 5
const stormMs = 2_000

/**
 * Says when a read of the journal may begin, so that a storm of clients is served in two or three,
 * and nobody waits for long.
 */
export class ScanScheduler {
  readonly #ask: () => void
  #scans = 0
  /** Runs while somebody waits for a read to end. */
  #patience: NodeJS.Timeout | undefined
  #patienceIsOver = false
  #before = 0
  /** When the storm began, and how many gatherings ago so many came together last. */
  #since: number | undefined
  #lull = 0

  /** `ask` is called when it is worth asking again. */
  constructor(ask: () => void) {
    this.#ask = ask
  }

  /** Whether a read for so many who wait may begin now: then it has begun. */
  begin(waiting: number): boolean {
    if (this.#scans === 0 ? this.#stillComing(waiting) : this.#mustWait()) return false
    clearTimeout(this.#patience)
    this.#patience = undefined
    this.#patienceIsOver = false
    this.#before = 0
    this.#since = undefined
    this.#scans += 1
    return true
  }

  end(): void {
    this.#scans -= 1
    this.#ask()
  }

  close(): void {
    clearTimeout(this.#patience)
  }

  #stillComing(waiting: number): boolean {
    const now = performance.now()
    const grown = waiting - this.#before
    this.#before = waiting
    if (grown >= stormSize) {
      this.#since ??= now
      this.#lull = 0
    } else {
      this.#lull += 1
    }
    if (this.#since === undefined || this.#lull >= lullGatherings || now - this.#since >= stormMs) return false
    this.#ask()
    return true
  }

  #mustWait(): boolean {
    if (this.#patienceIsOver && this.#scans < maxScans) return false
    this.#patience ??= setTimeout(() => {
      this.#patienceIsOver = true
      this.#ask()
    }, patienceMs)
    return true
  }
}
