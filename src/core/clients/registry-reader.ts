/**
 * The registry is asked this often for what is new: a replica that the broker cannot reach learns
 * of it all the same.
 */
const pollMs = 2_000
/**
 * Clocks of replicas differ, and what was written last need not be the latest: so far behind it is
 * read again, in milliseconds.
 */
const overlapMs = 5 * 60_000

interface Reader<Row> {
  /** The rows that were written behind this moment; all of them where it is undefined. */
  readonly list: (behind: Date | undefined) => Promise<Row[]>
  readonly writtenAt: (row: Row) => Date
  /** Called for each row, for some of them more than once. */
  readonly take: (row: Row) => void
  readonly logError: (error: unknown) => void
}

/**
 * Reads rows from the registry when it is opened, every few seconds, and when it is asked to; never
 * twice at a time.
 */
export class RegistryReader<Row> {
  readonly #reader: Reader<Row>
  #latest: Date | undefined
  #reading = false
  #wanted = false
  #timer: NodeJS.Timeout | undefined

  constructor(reader: Reader<Row>) {
    this.#reader = reader
  }

  /** Resolves when everything has been read once; rejects where the registry does not answer. */
  async open(): Promise<void> {
    await this.#read()
    this.#timer = setInterval(() => this.refresh(), pollMs)
  }

  /**
   * Reads what is new. Called while it reads, it reads once more: what caused the call may not be
   * in the answer.
   */
  refresh(): void {
    this.#wanted = true
    if (this.#reading) return
    this.#reading = true
    void this.#readWhileWanted()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #readWhileWanted(): Promise<void> {
    while (this.#wanted) {
      this.#wanted = false
      await this.#read().catch(this.#reader.logError)
    }
    this.#reading = false
  }

  async #read(): Promise<void> {
    const { list, writtenAt, take } = this.#reader
    for (const row of await list(this.#latest && new Date(this.#latest.getTime() - overlapMs))) {
      if (!this.#latest || writtenAt(row) > this.#latest) this.#latest = writtenAt(row)
      take(row)
    }
  }
}
