import { badInput, GatewayError } from '../../../errors.ts'
import type { Gateway } from '../../gateway.ts'
import type { HotWindow } from '../../ports/hot-window.ts'
import type { Journal } from '../../ports/journal.ts'
import type { JournalReader, PageReading } from './journal-reader.ts'

/** A place in the journal. */
export type JournalPoint =
  | { readonly cursor: string }
  | { readonly offset: number }
  | { readonly timeMs: number }
  | { readonly messageId: string }

export interface FoundPlace {
  readonly offset: number
  /** What differs from what was asked, one sentence. */
  readonly note?: string | undefined
  /** Whether the entry at the offset is the one that was asked for. */
  readonly isExact: boolean
}

/** Finds the offset that a caller names by a cursor, an offset, a time or a message id. */
export class JournalPlaces {
  readonly #gateway: Pick<Gateway, 'cursors' | 'epoch'>
  readonly #journal: Pick<Journal, 'offsetAt'>
  readonly #hotWindow: HotWindow
  readonly #reader: JournalReader

  constructor(
    gateway: Pick<Gateway, 'cursors' | 'epoch'>,
    journal: Pick<Journal, 'offsetAt'>,
    hotWindow: HotWindow,
    reader: JournalReader,
  ) {
    this.#gateway = gateway
    this.#journal = journal
    this.#hotWindow = hotWindow
    this.#reader = reader
  }

  /** Throws `BAD_USER_INPUT`, which names the field, for a cursor that Warren did not issue. */
  offsetOf(field: string, text: string): Omit<FoundPlace, 'isExact'> {
    const cursor = this.#gateway.cursors.parse(text)
    if (!cursor) throw badInput(field, 'expected a cursor that this deployment has issued')
    if (cursor.epoch !== this.#gateway.epoch) {
      return {
        offset: 0,
        note: 'The cursor belongs to a journal that was replaced: the page begins with the oldest message.',
      }
    }
    return { offset: cursor.offset }
  }

  async find(point: JournalPoint, reading: PageReading): Promise<FoundPlace> {
    if ('cursor' in point) {
      const found = this.offsetOf('around.cursor', point.cursor)
      return { ...found, ...(await this.#noteIfGone(found, reading)) }
    }
    if ('offset' in point) {
      if (!Number.isSafeInteger(point.offset) || point.offset < 0)
        throw badInput('around.offset', `expected a whole number from 0, got ${point.offset}`)
      return { offset: point.offset, ...(await this.#noteIfGone(point, reading)) }
    }
    if ('timeMs' in point) return this.#findTime(point.timeMs, reading)
    return this.#findId(point.messageId, reading)
  }

  async #noteIfGone(
    { offset, note }: { offset: number; note?: string },
    reading: PageReading,
  ): Promise<Omit<FoundPlace, 'offset'>> {
    if (note !== undefined) return { note, isExact: false }
    if (offset > this.#reader.end)
      return { note: `The journal ends at offset ${this.#reader.end}: this place does not exist yet.`, isExact: false }
    const oldest = await this.#reader.oldest(reading.signal)
    if (offset < oldest) {
      return {
        note: `The journal no longer holds offset ${offset}: it begins at ${oldest} (WARREN_RETENTION).`,
        isExact: false,
      }
    }
    return { isExact: true }
  }

  async #findTime(timeMs: number, reading: PageReading): Promise<FoundPlace> {
    let since: number | undefined
    let found: number | undefined
    this.#hotWindow.visit(-1, ({ offset, receivedAt }) => {
      since ??= receivedAt
      if (timeMs < since) return false
      if (receivedAt >= timeMs) found = offset
      return found === undefined
    })
    if (found !== undefined) return { offset: found, isExact: false }
    if (since !== undefined && timeMs >= since)
      return { offset: this.#reader.end + 1, note: 'No message was received since that time.', isExact: false }
    const offset = await this.#journal.offsetAt(timeMs, reading.signal)
    if (offset === undefined && reading.signal.aborted)
      throw new GatewayError(
        'BROKER_UNAVAILABLE',
        'RabbitMQ did not find the offset of that time soon enough: try again',
      )
    return {
      offset: offset ?? this.#reader.end + 1,
      note: 'This replica does not remember that time, and RabbitMQ finds times only roughly: the page begins a little before it.',
      isExact: false,
    }
  }

  /** Looks in the hot window only: an older id would need a search of the whole journal. */
  async #findId(messageId: string, reading: PageReading): Promise<FoundPlace> {
    const first = this.#hotWindow.first ?? 0
    let found: number | undefined
    let isPart = false
    await this.#reader.visitWindow(
      first,
      reading,
      (entry) => {
        if (!entry.mark && entry.properties.messageId === messageId) found = entry.offset
        return entry.offset < this.#reader.end
      },
      () => {
        isPart = true
      },
    )
    if (found !== undefined) return { offset: found, isExact: true }
    return {
      offset: this.#reader.end + 1,
      note: isPart
        ? `No message with this id is among the oldest ${reading.visited} of this replica's memory, and more were not searched: name a time or a cursor.`
        : 'No message with this id is in the memory of this replica (WARREN_HOT_WINDOW): name a time or a cursor.',
      isExact: false,
    }
  }
}
