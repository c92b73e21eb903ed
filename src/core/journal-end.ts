import { GatewayError } from '../errors.ts'
import type { JournalListener } from './journal-listener.ts'
import type { Cursor } from './model/cursor.ts'
import type { HotWindow } from './ports/hot-window.ts'
import type { Journal, MarkNote } from './ports/journal.ts'

/** How long the first connection to the broker is waited for, in milliseconds. */
const firstUpMs = 5_000

export interface JournalEndParts {
  readonly journal: Pick<Journal, 'mark'>
  readonly hotWindow: Pick<HotWindow, 'last'>
  readonly listener: Pick<JournalListener, 'up' | 'firstUp' | 'epoch' | 'cursorOf' | 'downReason'>
}

/** Where the journal ends, as far as this replica has read it, and what is read up to there. */
export class JournalEnd {
  readonly #parts: JournalEndParts

  constructor(parts: JournalEndParts) {
    this.#parts = parts
  }

  /** Undefined: no entry was read yet, or retention has overtaken the tail. */
  get known(): Cursor | undefined {
    const { hotWindow, listener } = this.#parts
    const { last } = hotWindow
    return last && listener.epoch !== undefined ? listener.cursorOf(last) : undefined
  }

  /** See `Gateway.position`. */
  async position(): Promise<Cursor> {
    const { journal, listener } = this.#parts
    if (listener.up) await journal.mark().catch(() => undefined)
    return this.#last()
  }

  /** See `Gateway.exactPosition`. */
  async exactPosition(): Promise<Cursor> {
    await this.catchUp()
    return this.#last()
  }

  /**
   * The epoch of the journal as of now, by a mark. Rejects with `BROKER_UNAVAILABLE` while the
   * journal is away.
   */
  async epoch(): Promise<string | undefined> {
    await this.catchUp()
    return this.#parts.listener.epoch
  }

  /** Resolves when the tail has read everything that was stored before the call. */
  async catchUp(timeoutMs = firstUpMs): Promise<void> {
    const { journal, listener } = this.#parts
    if (!listener.up) await listener.firstUp(timeoutMs)
    if (!listener.up) throw this.unavailable()
    await journal.mark()
  }

  /**
   * Resolves when this replica's tail has read the mark. Every message published afterwards comes
   * after the mark in the journal.
   */
  async append(note: MarkNote): Promise<void> {
    try {
      await this.#parts.journal.mark(note)
    } catch (error) {
      throw this.#parts.listener.up ? error : this.unavailable(error)
    }
  }

  unavailable(cause?: unknown): GatewayError {
    const { downReason } = this.#parts.listener
    return new GatewayError('BROKER_UNAVAILABLE', `the journal cannot be reached: ${downReason}`, { cause })
  }

  async #last(): Promise<Cursor> {
    const { journal, hotWindow, listener } = this.#parts
    if (!hotWindow.last) await listener.firstUp(firstUpMs)
    // Retention has overtaken the tail, which reads its next entry soon.
    if (!hotWindow.last && listener.up) await journal.mark()
    const end = this.known
    if (!end) {
      throw new GatewayError(
        'BROKER_UNAVAILABLE',
        'the journal has not been reached yet, so no position is known: try again',
      )
    }
    return end
  }
}
