import { setImmediate as nextTurn } from 'node:timers/promises'
import { badInput } from '../../../errors.ts'
import { TimeSlice } from '../../delivery/time-slice.ts'
import type { Gateway } from '../../gateway.ts'
import type { Cursor } from '../../model/cursor.ts'
import type { JournalMessage } from '../../model/message.ts'
import { matchesTopic } from '../../model/topic-pattern.ts'
import type { HotWindow, WindowEntry } from '../../ports/hot-window.ts'
import { type Journal, JournalReplaced, JournalTruncated } from '../../ports/journal.ts'
import { MessageSearch, maxSearch } from '../message-search.ts'
import type { BrowsedEntry, ReplicaOutcomes } from '../replica-outcomes.ts'

/** How long one page may take, in milliseconds. */
const pageMs = 5_000
/** How many entries are read for one page at most. Past it, the page ends with a note. */
const maxVisited = 100_000
/** How long the offset of the oldest entry is taken from memory, in milliseconds. */
const oldestMs = 5_000
/** How far the first step backwards goes, in offsets; each further one goes eight times as far. */
const firstStepBack = 200
/** The longest step: what a step has found is only known at its end. */
const longestStepBack = 20_000

/** Which messages to list. All members that are given must hold. */
export interface JournalFilter {
  /** The id of a source: messages that its binding takes. */
  readonly source?: string | undefined
  /** Messages for this client. */
  readonly channel?: string | undefined
  /** Messages that a binding of this typed field takes. */
  readonly field?: string | undefined
  readonly exchange?: string | undefined
  /** A topic pattern. */
  readonly routingKey?: string | undefined
  /** A text in the body. */
  readonly text?: string | undefined
  /** Words, as for `MessageSearch`, in the id, the routing key or the body. */
  readonly search?: string | undefined
}

/** The part of the journal in which a page has all messages that the filter takes. */
export interface SearchedSpan {
  /** How many it has. Marks of the gateway have offsets, too. */
  readonly messages: number
  readonly firstOffset: number
  readonly lastOffset: number
  /** When the first entry was received. Undefined: this replica does not remember it. */
  readonly since: number | undefined
}

/** A place in the journal. */
export type JournalPoint =
  | { readonly cursor: string }
  | { readonly offset: number }
  | { readonly timeMs: number }
  | { readonly messageId: string }

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

/** Called before an entry becomes part of the page. False: the page ends before it. */
export type Reserve = (entry: WindowEntry, isFirst: boolean) => boolean

interface Reading {
  readonly matches: (entry: WindowEntry) => boolean
  readonly reserve: Reserve
  readonly signal: AbortSignal
  visited: number
  /** How many messages of the page's part of the journal were compared with the filter. */
  compared: number
  isFirst: boolean
}

interface Read {
  readonly entries: readonly WindowEntry[]
  /** The first and the last entry that were visited, filtered ones too. */
  readonly first: WindowEntry | undefined
  readonly last: WindowEntry | undefined
  /** Whether more matching entries may follow in the direction of reading. */
  readonly more: boolean
  /** Whether a bound ended the reading. */
  readonly stopped: boolean
}

const nothingRead: Read = { entries: [], first: undefined, last: undefined, more: false, stopped: false }

/** Reads the journal for operators, both ways. Takes nothing away from it. */
export class JournalBrowser {
  readonly #gateway: Gateway
  readonly #journal: Journal
  readonly #hotWindow: HotWindow
  readonly #outcomes: ReplicaOutcomes
  #knownOldest: { readonly epoch: string | undefined; readonly offset: number; readonly at: number } | undefined

  constructor(gateway: Gateway, journal: Journal, hotWindow: HotWindow, outcomes: ReplicaOutcomes) {
    this.#gateway = gateway
    this.#outcomes = outcomes
    this.#journal = journal
    this.#hotWindow = hotWindow
  }

  /**
   * Reads a page of at most `count` entries. Rejects with `BROKER_UNAVAILABLE`, and with
   * `BAD_USER_INPUT` for a cursor that Warren did not issue and for an unknown source.
   */
  async page(place: PagePlace, filter: JournalFilter, count: number, reserve: Reserve): Promise<BrowsedPage> {
    await this.#gateway.exactPosition()
    const reading: Reading = {
      matches: this.matcherOf(filter),
      reserve,
      signal: AbortSignal.timeout(pageMs),
      visited: 0,
      compared: 0,
      isFirst: true,
    }
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
    const signal = AbortSignal.timeout(pageMs)
    const reading: Reading = { matches, reserve, signal, visited: 0, compared: 0, isFirst: true }
    const { entries } = await this.#backwards(this.#end + 1, count, reading)
    return entries.map((entry) => this.describe(entry))
  }

  /** The offsets of the first and the last entry. */
  async bounds(): Promise<{ readonly first: number; readonly last: number }> {
    await this.#gateway.exactPosition()
    return { first: await this.#oldest(AbortSignal.timeout(pageMs)), last: this.#end }
  }

  /** The entry at a cursor; undefined if the journal does not hold it any more. */
  async at(cursor: string): Promise<BrowsedEntry | undefined> {
    const { offset, note } = this.#offsetOf('cursor', cursor)
    const found = note === undefined ? await this.#entryAt(offset) : undefined
    return found && (await this.#outcomes.complete([found])).entries[0]
  }

  async #entryAt(offset: number): Promise<BrowsedEntry | undefined> {
    const known = this.#hotWindow.at(offset)
    if (known) return this.describe(known)
    await this.#gateway.exactPosition()
    let found: JournalMessage | undefined
    if (offset <= this.#end) {
      const visit = (entry: JournalMessage): boolean => {
        if (entry.offset === offset) found = entry
        return false
      }
      await this.#journal.scan(offset, visit, AbortSignal.timeout(pageMs))
    }
    return found && !found.mark ? this.describe(found) : undefined
  }

  async #read(place: PagePlace, count: number, reading: Reading): Promise<Omit<BrowsedPage, 'unanswered'>> {
    if (place === 'end') return this.#pageOf(await this.#backwards(this.#end + 1, count, reading), nothingRead, reading)
    if ('after' in place) {
      const { offset, note } = this.#offsetOf('after', place.after)
      const from = note === undefined ? offset + 1 : 0
      return this.#pageOf(nothingRead, await this.#forwards(from, count, reading), reading, {
        note,
        hasOlder: from > 0,
      })
    }
    if ('before' in place) {
      const { offset, note } = this.#offsetOf('before', place.before)
      const older = await this.#backwards(note === undefined ? offset : 0, count, reading)
      return this.#pageOf(older, nothingRead, reading, { note, hasNewer: true })
    }
    const { offset, note, isExact } = await this.#find(place.around, reading)
    const older = await this.#backwards(offset, Math.floor(count / 2), reading)
    const newer = await this.#forwards(offset, Math.max(1, count - older.entries.length), reading)
    return this.#pageOf(older, newer, reading, { note, at: isExact ? offset : undefined })
  }

  #pageOf(
    older: Read,
    newer: Read,
    { compared }: Reading,
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

  /** The offset of the last entry that this replica has read. */
  get #end(): number {
    return this.#hotWindow.last?.offset ?? -1
  }

  /** Matching entries from this offset on, oldest first. */
  async #forwards(from: number, count: number, reading: Reading): Promise<Read> {
    const entries: WindowEntry[] = []
    let first: WindowEntry | undefined
    let last: WindowEntry | undefined
    let more = false
    let stopped = false
    const end = this.#end
    const take = (entry: WindowEntry): boolean => {
      if (entry.offset > end) return false
      if (isTaken(entry, reading)) {
        if (entries.length === count || !reading.reserve(entry, reading.isFirst)) {
          more = true
          reading.compared -= 1
          return false
        }
        reading.isFirst = false
        entries.push(entry.detach?.() ?? entry)
      }
      first ??= entry
      last = entry
      return entry.offset < end
    }
    await this.#visit(from, end, reading, take, () => {
      more = true
      stopped = true
    })
    return { entries, first, last, more, stopped }
  }

  /** The last matching entries before this offset, oldest first. */
  async #backwards(before: number, count: number, reading: Reading): Promise<Read> {
    let found: WindowEntry[] = []
    let first: WindowEntry | undefined
    let last: WindowEntry | undefined
    let upTo = before
    let more = false
    let stopped = false
    const oldest = count > 0 ? await this.#oldest(reading.signal) : before
    for (let step = firstStepBack; upTo > oldest && found.length < count; step *= 8) {
      const room = maxVisited - reading.visited
      if (room <= 0) {
        stopped = true
        more = true
        break
      }
      const from = Math.max(oldest, upTo - Math.min(step, longestStepBack, room))
      const wanted = count - found.length
      const part: { readonly entry: WindowEntry; readonly comparedBefore: number }[] = []
      const { compared } = reading
      let dropped = false
      let firstOfPart: WindowEntry | undefined
      const take = (entry: WindowEntry): boolean => {
        if (entry.offset >= upTo) return false
        firstOfPart ??= entry
        if (upTo === before) last = entry
        if (isTaken(entry, reading)) {
          part.push({ entry: entry.detach?.() ?? entry, comparedBefore: reading.compared - compared - 1 })
          if (part.length > wanted) {
            part.shift()
            dropped = true
          }
        }
        return entry.offset < upTo - 1
      }
      await this.#visit(from, upTo - 1, reading, take, () => {
        stopped = true
      })
      // Entries of a part that was not read to its end do not adjoin the page.
      if (stopped) {
        more = true
        reading.compared = compared
        break
      }
      const kept: typeof part = []
      for (const one of part.toReversed()) {
        if (!reading.reserve(one.entry, reading.isFirst)) {
          dropped = true
          break
        }
        reading.isFirst = false
        kept.unshift(one)
      }
      found = [...kept.map(({ entry }) => entry), ...found]
      first = (dropped ? kept[0]?.entry : firstOfPart) ?? first
      // The page begins with the first message that it keeps.
      if (dropped) reading.compared -= kept[0]?.comparedBefore ?? reading.compared - compared
      more = dropped || from > oldest
      upTo = from
      if (dropped) break
    }
    return { entries: found, first, last, more, stopped }
  }

  /** Visits entries from the hot window if it holds them, else from the journal. */
  async #visit(
    from: number,
    to: number,
    reading: Reading,
    take: (entry: WindowEntry) => boolean,
    onStopped: () => void,
  ): Promise<void> {
    if (to < from) return
    const { first } = this.#hotWindow
    if (first !== undefined && from >= first) return this.#visitWindow(from, reading, take, onStopped)
    let reached = false
    await this.#journal.scan(
      from,
      (entry) => {
        reading.visited += 1
        if (reading.visited > maxVisited) {
          onStopped()
          reached = true
          return false
        }
        // An entry of the window knows what became of it.
        const wanted = take(
          first !== undefined && entry.offset >= first ? (this.#hotWindow.at(entry.offset) ?? entry) : entry,
        )
        reached ||= !wanted
        return wanted
      },
      reading.signal,
    )
    if (!reached && reading.signal.aborted) onStopped()
  }

  async #visitWindow(
    from: number,
    reading: Reading,
    take: (entry: WindowEntry) => boolean,
    onStopped: () => void,
  ): Promise<void> {
    let at = from - 1
    for (;;) {
      const slice = new TimeSlice()
      let paused = false as boolean
      this.#hotWindow.visit(at, (entry) => {
        at = entry.offset
        reading.visited += 1
        const wanted = take(entry)
        paused = wanted && slice.isOver
        return wanted && !paused
      })
      if (!paused) return
      if (reading.visited > maxVisited || reading.signal.aborted) return onStopped()
      await nextTurn()
    }
  }

  /** The offset of the first entry that the journal holds. */
  async #oldest(signal: AbortSignal): Promise<number> {
    const { epoch } = this.#gateway
    const known = this.#knownOldest
    if (known && known.epoch === epoch && performance.now() - known.at < oldestMs) return known.offset
    let oldest = this.#end + 1
    await this.#journal.scan(
      0,
      ({ offset }) => {
        oldest = offset
        return false
      },
      signal,
    )
    if (!signal.aborted) this.#knownOldest = { epoch, offset: oldest, at: performance.now() }
    return oldest
  }

  #offsetOf(field: string, text: string): { offset: number; note?: string } {
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

  async #find(
    point: JournalPoint,
    reading: Reading,
  ): Promise<{ offset: number; note?: string | undefined; isExact: boolean }> {
    if ('cursor' in point) {
      const found = this.#offsetOf('around.cursor', point.cursor)
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
    reading: Reading,
  ): Promise<{ note?: string | undefined; isExact: boolean }> {
    if (note !== undefined) return { note, isExact: false }
    if (offset > this.#end)
      return { note: `The journal ends at offset ${this.#end}: this place does not exist yet.`, isExact: false }
    const oldest = await this.#oldest(reading.signal)
    if (offset < oldest) {
      return {
        note: `The journal no longer holds offset ${offset}: it begins at ${oldest} (WARREN_RETENTION).`,
        isExact: false,
      }
    }
    return { isExact: true }
  }

  async #findTime(
    timeMs: number,
    reading: Reading,
  ): Promise<{ offset: number; note?: string | undefined; isExact: boolean }> {
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
      return { offset: this.#end + 1, note: 'No message was received since that time.', isExact: false }
    const offset = await this.#journal.offsetAt(timeMs, reading.signal)
    return {
      offset: offset ?? this.#end + 1,
      note: 'This replica does not remember that time, and RabbitMQ finds times only roughly: the page begins a little before it.',
      isExact: false,
    }
  }

  /** Looks in the hot window only: an older id would need a search of the whole journal. */
  async #findId(
    messageId: string,
    reading: Reading,
  ): Promise<{ offset: number; note?: string | undefined; isExact: boolean }> {
    const first = this.#hotWindow.first ?? 0
    let found: number | undefined
    await this.#visitWindow(
      first,
      reading,
      (entry) => {
        if (!entry.mark && entry.properties.messageId === messageId) found = entry.offset
        return entry.offset < this.#end
      },
      () => undefined,
    )
    if (found !== undefined) return { offset: found, isExact: true }
    return {
      offset: this.#end + 1,
      note: 'No message with this id is in the memory of this replica (WARREN_HOT_WINDOW): name a time or a cursor.',
      isExact: false,
    }
  }

  /** Throws `BAD_USER_INPUT` for an unknown source and for a search that is empty or too long. */
  matcherOf({
    source,
    channel,
    field,
    exchange,
    routingKey,
    text,
    search,
  }: JournalFilter): (entry: WindowEntry) => boolean {
    const matchers: ((entry: WindowEntry) => boolean)[] = []
    if (exchange !== undefined) matchers.push((entry) => entry.exchange === exchange)
    if (routingKey !== undefined) matchers.push((entry) => matchesTopic(routingKey, entry.routingKey))
    if (text !== undefined) matchers.push((entry) => entry.body.includes(text))
    if (search !== undefined) {
      if (search.trim() === '' || search.length > maxSearch.characters)
        throw badInput('search', `expected 1 to ${maxSearch.characters} characters`)
      const wanted = new MessageSearch(search)
      matchers.push((entry) => wanted.isInId(entry.properties.messageId) || wanted.isInMessage(entry))
    }
    if (source !== undefined) {
      const takes = this.#gateway.sources.bindingOf(source)
      if (!takes) throw badInput('source', `expected the id of a source, got "${source}"`)
      matchers.push(takes)
    }
    if (channel !== undefined) matchers.push((entry) => this.#isFor(entry, channel))
    if (field !== undefined) matchers.push((entry) => this.#gateway.explain(entry).some((one) => one.field === field))
    return (entry) => matchers.every((matches) => matches(entry))
  }

  #isFor(entry: WindowEntry, clientId: string): boolean {
    const audience = this.#gateway.audienceOf(entry)
    return audience === 'everyone' || audience.includes(clientId)
  }
}

function isTaken(entry: WindowEntry, reading: Reading): boolean {
  if (entry.mark || entry.unreadable) return false
  reading.compared += 1
  return reading.matches(entry)
}
