import { type Cursor, type CursorCodec, cursorBefore } from '../../model/cursor.ts'
import type { JournalMessage } from '../../model/message.ts'
import type { Journal } from '../../ports/journal.ts'

export interface OldestPositionContext {
  readonly journal: Journal
  readonly cursors: CursorCodec
  /** The journal's epoch; undefined while the journal is down. */
  epoch(): string | undefined
}

/** Reads the oldest position that the journal can still serve. */
export class OldestPosition {
  readonly #context: OldestPositionContext
  readonly #signal: AbortSignal
  #reading: Promise<Cursor | null> | undefined

  /** A read stops when `signal` aborts. */
  constructor(context: OldestPositionContext, signal: AbortSignal) {
    this.#context = context
    this.#signal = signal
  }

  /** Null if the journal cannot be read. Concurrent callers share one read. */
  read(): Promise<Cursor | null> {
    this.#reading ??= this.#readFirst().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #readFirst(): Promise<Cursor | null> {
    const { journal, cursors } = this.#context
    const epoch = this.#context.epoch()
    let oldest: Cursor | null = null
    const visit = (entry: JournalMessage): boolean => {
      oldest = epoch === undefined ? null : cursorBefore(cursors, epoch, entry)
      return false
    }
    try {
      await journal.scan(0, visit, this.#signal)
    } catch {
      return null
    }
    return oldest
  }
}
