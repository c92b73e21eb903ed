/** How many reads of the journal may go on at once, whatever the number of clients. */
const maxScans = 4
/** How long those who come during a read wait for it to end, in milliseconds: a long one holds nobody up for longer. */
const patienceMs = 2_000
/** So many newcomers in one gathering are a storm: its read waits until fewer come, or for `stormMs`. */
const stormSize = 5
const stormMs = 1_000

/** Says when a read of the journal may begin, so that a storm of clients is served in two or three, and nobody waits for long. */
export class ScanTurns {
  readonly #ask: () => void
  #scans = 0
  /** Runs while somebody waits for a read to end. */
  #patience: NodeJS.Timeout | undefined
  #patienceIsOver = false
  #before = 0
  #since: number | undefined

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
    const grown = waiting - this.#before
    this.#before = waiting
    this.#since ??= performance.now()
    if (grown < stormSize || performance.now() - this.#since >= stormMs) return false
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
