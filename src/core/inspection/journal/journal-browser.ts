import { badInput } from '../../../errors.ts'
import type { Gateway } from '../../gateway.ts'
import type { Cursor } from '../../model/cursor.ts'
import type { HotWindow, WindowEntry } from '../../ports/hot-window.ts'
import { type Journal, JournalReplaced, JournalTruncated } from '../../ports/journal.ts'
import type { BrowsedEntry, ReplicaOutcomes } from '../replica-outcomes.ts'
import { filterTest, type JournalFilter } from './journal-filter.ts'
import { JournalPlaces, type JournalPoint } from './journal-places.ts'
import {
  beginReading,
  JournalReader,
  nothingRead,
  type PageReading,
  type ReadPart,
  type Reserve,
} from './journal-reader.ts'

/** The part of the journal in which a page has all messages that the filter takes. */
export interface SearchedSpan {
  /** How many it has. Marks of the gateway have offsets, too. */
  readonly messages: number
  readonly firstOffset: number
  readonly lastOffset: number
  /** When the first entry was received. Undefined: this replica does not remember it. */
  readonly since: number | undefined
}

/** Where a page is: around a place, behind a cursor, before one, or at the end of the journal. */
export type PagePlace =
  | { readonly around: JournalPoint }
  | { readonly after: string }
  | { readonly before: string }
  | 'end'

export interface BrowsedPage {
  /** Oldest first. */
  readonly entries: readonly BrowsedEntry[]
  /** Positions just before the page, and behind it. Undefined if nothing was read. */
  readonly start: Cursor | undefined
  readonly end: Cursor | undefined
  readonly hasOlder: boolean
  readonly hasNewer: boolean
  /** The entry at the place that was asked for. Undefined if the page does not contain it. */
  readonly at: BrowsedEntry | undefined
  /** What differs from what was asked, one sentence. */
  readonly note: string | undefined
  /** Undefined: nothing was read. */
  readonly searched: SearchedSpan | undefined
  /** Replicas of which the outcomes are not known. */
  readonly unanswered: readonly string[]
}

/** Reads the journal for operators, both ways. Takes nothing away from it. */
export class JournalBrowser {
  readonly #gateway: Gateway
  readonly #hotWindow: HotWindow
  readonly #outcomes: ReplicaOutcomes
  readonly #reader: JournalReader
  readonly #places: JournalPlaces

  constructor(gateway: Gateway, journal: Journal, hotWindow: HotWindow, outcomes: ReplicaOutcomes) {
    this.#gateway = gateway
    this.#outcomes = outcomes
    this.#hotWindow = hotWindow
    this.#reader = new JournalReader(gateway, journal, hotWindow)
    this.#places = new JournalPlaces(gateway, journal, hotWindow, this.#reader)
  }

  /**
   * Reads a page of at most `count` entries. Rejects with `BROKER_UNAVAILABLE`, and with
   * `BAD_USER_INPUT` for a cursor that Warren did not issue and for an unknown source.
   */
  async page(place: PagePlace, filter: JournalFilter, count: number, reserve: Reserve): Promise<BrowsedPage> {
    await this.#gateway.exactPosition()
    const reading = beginReading(this.matcherOf(filter), reserve)
    try {
      const page = await this.#read(place, count, reading)
      const { entries, unanswered } = await this.#outcomes.complete(page.entries)
      return { ...page, entries, unanswered, at: entries.find(({ entry }) => entry === page.at?.entry) }
    } catch (error) {
      if (error instanceof JournalReplaced || error instanceof JournalTruncated)
        throw badInput('around', 'the journal changed while it was read: try again')
      throw error
    }
  }

  /** The newest matching entries, oldest first. Rejects with `BROKER_UNAVAILABLE`. */
  async newest(matches: (entry: WindowEntry) => boolean, count: number, reserve: Reserve): Promise<BrowsedEntry[]> {
    await this.#gateway.exactPosition()
    const { entries } = await this.#reader.backwards(this.#reader.end + 1, count, beginReading(matches, reserve))
    return entries.map((entry) => this.describe(entry))
  }

  /** The offsets of the first and the last entry. */
  async bounds(): Promise<{ readonly first: number; readonly last: number }> {
    await this.#gateway.exactPosition()
    return { first: await this.#reader.oldest(), last: this.#reader.end }
  }

  /** The entry at a cursor; undefined if the journal does not hold it any more. */
  async at(cursor: string): Promise<BrowsedEntry | undefined> {
    const { offset, note } = this.#places.offsetOf('cursor', cursor)
    const found = note === undefined ? await this.#entryAt(offset) : undefined
    return found && (await this.#outcomes.complete([found])).entries[0]
  }

  async #entryAt(offset: number): Promise<BrowsedEntry | undefined> {
    let found: WindowEntry | undefined = this.#hotWindow.at(offset)
    if (!found) {
      await this.#gateway.exactPosition()
      found = await this.#reader.stored(offset)
    }
    return found && !found.mark ? this.describe(found) : undefined
  }

  async #read(place: PagePlace, count: number, reading: PageReading): Promise<Omit<BrowsedPage, 'unanswered'>> {
    if (place === 'end')
      return this.#pageOf(await this.#reader.backwards(this.#reader.end + 1, count, reading), nothingRead, reading)
    if ('after' in place) {
      const { offset, note } = this.#places.offsetOf('after', place.after)
      const from = note === undefined ? offset + 1 : 0
      return this.#pageOf(nothingRead, await this.#reader.forwards(from, count, reading), reading, {
        note,
        hasOlder: from > 0,
      })
    }
    if ('before' in place) {
      const { offset, note } = this.#places.offsetOf('before', place.before)
      const older = await this.#reader.backwards(note === undefined ? offset : 0, count, reading)
      return this.#pageOf(older, nothingRead, reading, { note, hasNewer: true })
    }
    const { offset, note, isExact } = await this.#places.find(place.around, reading)
    const older = await this.#reader.backwards(offset, Math.floor(count / 2), reading)
    const newer = await this.#reader.forwards(offset, Math.max(1, count - older.entries.length), reading)
    return this.#pageOf(older, newer, reading, { note, at: isExact ? offset : undefined })
  }

  #pageOf(
    older: ReadPart,
    newer: ReadPart,
    { compared }: PageReading,
    given: { note?: string | undefined; at?: number | undefined; hasOlder?: boolean; hasNewer?: boolean } = {},
  ): Omit<BrowsedPage, 'unanswered'> {
    const entries = [...older.entries, ...newer.entries].map((entry) => this.describe(entry))
    const first = older.first ?? newer.first
    const last = newer.last ?? older.last
    const stopped = older.stopped || newer.stopped
    return {
      entries,
      start: first && { ...this.#gateway.cursorOf(first), before: true },
      end: last && this.#gateway.cursorOf(last),
      hasOlder: older.more || given.hasOlder === true,
      hasNewer: newer.more || given.hasNewer === true,
      at: given.at === undefined ? undefined : entries.find(({ entry }) => entry.offset === given.at),
      note:
        given.note ??
        (stopped ? 'Not everything was searched: the page before this one, or after it, continues.' : undefined),
      searched: first && {
        messages: compared,
        firstOffset: first.offset,
        lastOffset: (last ?? first).offset,
        since: first.outcomes === undefined ? undefined : first.receivedAt,
      },
    }
  }

  /** What this replica knows of an entry. */
  describe(entry: WindowEntry): BrowsedEntry {
    const isOfWindow = entry.outcomes !== undefined
    return {
      entry,
      described: this.#gateway.tracer.describe(entry),
      receivedAt: isOfWindow ? entry.receivedAt : undefined,
    }
  }

  /** See `filterTest`. */
  matcherOf(filter: JournalFilter): (entry: WindowEntry) => boolean {
    return filterTest(filter, this.#gateway)
  }
}
