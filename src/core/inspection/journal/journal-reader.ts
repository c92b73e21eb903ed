import { setImmediate as nextTurn } from 'node:timers/promises'
import { TimeSlice } from '../../delivery/time-slice.ts'
import type { Gateway } from '../../gateway.ts'
import type { JournalMessage } from '../../model/message.ts'
import type { HotWindow, WindowEntry } from '../../ports/hot-window.ts'
import type { Journal } from '../../ports/journal.ts'

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

/** Called before an entry becomes part of the page. False: the page ends before it. */
export type Reserve = (entry: WindowEntry, isFirst: boolean) => boolean

/** What the reading of one page has taken up so far, over all its parts. */
export interface PageReading {
  readonly matches: (entry: WindowEntry) => boolean
  readonly reserve: Reserve
  readonly signal: AbortSignal
  visited: number
  /** How many messages of the page's part of the journal were compared with the filter. */
  compared: number
  isFirst: boolean
}

/** What was read in one direction. */
export interface ReadPart {
  readonly entries: readonly WindowEntry[]
  /** The first and the last entry that were visited, filtered ones too. */
  readonly first: WindowEntry | undefined
  readonly last: WindowEntry | undefined
  /** Whether more matching entries may follow in the direction of reading. */
  readonly more: boolean
  /** Whether a bound ended the reading. */
  readonly stopped: boolean
}

export const nothingRead: ReadPart = { entries: [], first: undefined, last: undefined, more: false, stopped: false }

/** Begins a page, which may take `pageMs` from now on. */
export function beginReading(matches: PageReading['matches'], reserve: Reserve): PageReading {
  return { matches, reserve, signal: AbortSignal.timeout(pageMs), visited: 0, compared: 0, isFirst: true }
}

/**
 * Reads the entries that a test takes from one place of the journal on, in either direction. It
 * ends at bounds of time and of entries, and takes entries from the hot window where that has them.
 */
export class JournalReader {
  readonly #gateway: Pick<Gateway, 'epoch'>
  readonly #journal: Pick<Journal, 'scan'>
  readonly #hotWindow: HotWindow
  #knownOldest: { readonly epoch: string | undefined; readonly offset: number; readonly at: number } | undefined

  constructor(gateway: Pick<Gateway, 'epoch'>, journal: Pick<Journal, 'scan'>, hotWindow: HotWindow) {
    this.#gateway = gateway
    this.#journal = journal
    this.#hotWindow = hotWindow
  }

  /** The offset of the last entry that this replica has read. */
  get end(): number {
    return this.#hotWindow.last?.offset ?? -1
  }

  /** Reads one entry again from the journal. Undefined: the journal does not hold it. */
  async stored(offset: number): Promise<JournalMessage | undefined> {
    let found: JournalMessage | undefined
    if (offset <= this.end) {
      const visit = (entry: JournalMessage): boolean => {
        if (entry.offset === offset) found = entry
        return false
      }
      await this.#journal.scan(offset, visit, AbortSignal.timeout(pageMs))
    }
    return found
  }

  /** Matching entries from this offset on, oldest first. */
  async forwards(from: number, count: number, reading: PageReading): Promise<ReadPart> {
    const entries: WindowEntry[] = []
    let first: WindowEntry | undefined
    let last: WindowEntry | undefined
    let more = false
    let stopped = false
    const end = this.end
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
  async backwards(before: number, count: number, reading: PageReading): Promise<ReadPart> {
    let found: WindowEntry[] = []
    let first: WindowEntry | undefined
    let last: WindowEntry | undefined
    let upTo = before
    let more = false
    let stopped = false
    const oldest = count > 0 ? await this.oldest(reading.signal) : before
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
    reading: PageReading,
    take: (entry: WindowEntry) => boolean,
    onStopped: () => void,
  ): Promise<void> {
    if (to < from) return
    const { first } = this.#hotWindow
    if (first !== undefined && from >= first) return this.visitWindow(from, reading, take, onStopped)
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

  async visitWindow(
    from: number,
    reading: PageReading,
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
  async oldest(signal = AbortSignal.timeout(pageMs)): Promise<number> {
    const { epoch } = this.#gateway
    const known = this.#knownOldest
    if (known && known.epoch === epoch && performance.now() - known.at < oldestMs) return known.offset
    let oldest = this.end + 1
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
}

function isTaken(entry: WindowEntry, reading: PageReading): boolean {
  if (entry.mark || entry.unreadable) return false
  reading.compared += 1
  return reading.matches(entry)
}
