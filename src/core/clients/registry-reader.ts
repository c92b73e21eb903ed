/**
 * How often new rows are read from the registry, in milliseconds: so a replica that the broker
 * cannot reach sees them too.
 */
const pollMs = 2_000
/**
 * How far before the latest row rows are read again, in milliseconds: the clocks of replicas
 * differ, so the row written last need not have the latest time.
 */
const overlapMs = 5 * 60_000

interface Reader<Row> {
  /** The rows that were written after this time; all rows if it is undefined. */
  readonly list: (after: Date | undefined) => Promise<Row[]>
  readonly writtenAt: (row: Row) => Date
  /** Called for each row, for some rows more than once. */
  readonly take: (row: Row) => void
  readonly logError: (error: unknown) => void
}

/**
 * Reads rows from the registry on `open`, every few seconds, and on `refresh`; one read at a time.
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

  /** Resolves when all rows have been read once; rejects if the registry does not answer. */
  async open(): Promise<void> {
    await this.#read()
    this.#timer = setInterval(() => this.refresh(), pollMs)
  }

  /**
   * Reads new rows. If a read is under way, another one follows, because the running one may miss
   * the change that caused the call.
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
