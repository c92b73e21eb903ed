import { badInput, GatewayError } from '../../../errors.ts'
import type { Gateway } from '../../gateway.ts'
import type { HotWindow, WindowEntry } from '../../ports/hot-window.ts'
import { type Journal, JournalReplaced } from '../../ports/journal.ts'
import type { JournalBrowser } from './journal-browser.ts'
import type { JournalFilter } from './journal-filter.ts'
import { visitWindow } from './visit-window.ts'

export const maxBins = 200
/** How many times the broker is asked for an offset in one answer; between them it is estimated. */
const maxLookups = 48
/** How long these questions may take, in milliseconds. */
const lookupMs = 3_000
/** How many offsets by time are remembered. */
const maxKnown = 2_000
/** Offsets of times younger than this may still change, in milliseconds. */
const settledMs = 60_000

/** Times are in milliseconds since the epoch. */
export interface JournalBin {
  readonly from: number
  readonly to: number
  /** The first offset at `from` or later; null if it is not known. */
  readonly firstOffset: number | null
  /** Null if it is not known. */
  readonly count: number | null
  /** Counted one by one; otherwise the difference of offsets, which marks have too. */
  readonly exact: boolean
  /** Whether the journal holds this time. */
  readonly kept: boolean
}

export interface JournalHistogramPage {
  readonly bins: readonly JournalBin[]
  readonly firstOffset: number
  readonly lastOffset: number
}

export interface HistogramRange {
  readonly from: number
  readonly to: number
  readonly bins: number
}

/**
 * Which messages are counted. RabbitMQ counts entries of all exchanges, so what is older than the
 * hot window is not known with a filter.
 */
export type HistogramFilter = Pick<JournalFilter, 'source' | 'exchange' | 'routingKey'>

/** An offset at a time. */
interface Boundary {
  readonly at: number
  offset: number | undefined
}

/**
 * Counts the messages of the journal by time. The hot window knows them one by one. Before it,
 * RabbitMQ knows the time of each chunk, so the broker is asked for the offset at a time, and the
 * difference of two offsets is the number of entries between.
 */
export class JournalHistogram {
  readonly #gateway: Gateway
  readonly #journal: Journal
  readonly #hotWindow: HotWindow
  readonly #browser: JournalBrowser
  /** By time, of one epoch. */
  readonly #known = new Map<number, number>()
  #knownEpoch: string | undefined

  constructor(gateway: Gateway, journal: Journal, hotWindow: HotWindow, browser: JournalBrowser) {
    this.#gateway = gateway
    this.#journal = journal
    this.#hotWindow = hotWindow
    this.#browser = browser
  }

  /** Rejects with `BAD_USER_INPUT`, and with `BROKER_UNAVAILABLE`. */
  async count({ from, to, bins }: HistogramRange, filter: HistogramFilter = {}): Promise<JournalHistogramPage> {
    if (!Number.isInteger(bins) || bins < 1 || bins > maxBins)
      throw badInput('bins', `expected 1 to ${maxBins}, got ${bins}`)
    if (to - from < bins) throw badInput('to', 'expected a time after "from", at least a millisecond for each bin')
    const isFiltered = Object.values(filter).some((value) => value !== undefined)
    const matches = this.#browser.matcherOf(filter)
    const { first, last } = await this.#browser.bounds()
    const step = (to - from) / bins
    const boundaries = Array.from(
      { length: bins + 1 },
      (_, index): Boundary => ({
        at: Math.round(from + index * step),
        offset: undefined,
      }),
    )
    const counts = Array.from({ length: bins }, () => 0)
    const since = await this.#countWindow(boundaries, counts, matches)
    // A window that holds the whole journal knows that nothing was before.
    const isWhole = (this.#hotWindow.first ?? Number.POSITIVE_INFINITY) <= first
    const isRemembered = ({ at }: Boundary): boolean => since !== undefined && (isWhole || at >= since)
    for (const boundary of boundaries) {
      if (boundary.offset !== undefined) continue
      if (isWhole && since !== undefined && boundary.at < since) boundary.offset = first
      else if (isRemembered(boundary) || boundary.at > Date.now()) boundary.offset = last + 1
    }
    await this.#lookUp(boundaries.filter(({ offset }) => offset === undefined))
    estimate(boundaries)
    return {
      bins: counts.map((counted, index) => {
        const [start, end] = [boundaries[index], boundaries[index + 1]]
        if (!start || !end) throw new Error('unreachable')
        const [firstOffset, next] = [start.offset, end.offset].map((at) =>
          at === undefined ? null : Math.max(at, first),
        )
        const exact = isRemembered(start)
        const between =
          !isFiltered && typeof firstOffset === 'number' && typeof next === 'number' ? next - firstOffset : null
        return {
          from: start.at,
          to: end.at,
          firstOffset: firstOffset ?? null,
          count: exact ? counted : between === null ? null : Math.max(0, between),
          exact,
          kept: typeof next !== 'number' || next > first,
        }
      }),
      firstOffset: first,
      lastOffset: last,
    }
  }

  /**
   * Counts what the hot window holds and the filter takes, and finds the offsets of the times in
   * it. Resolves with the time of its oldest entry.
   */
  async #countWindow(
    boundaries: readonly Boundary[],
    counts: number[],
    matches: (entry: WindowEntry) => boolean,
  ): Promise<number | undefined> {
    const window: { since: number | undefined; next: number } = { since: undefined, next: 0 }
    await visitWindow(this.#hotWindow, (entry) => {
      const { offset, receivedAt, mark } = entry
      if (window.since === undefined) {
        window.since = receivedAt
        const first = boundaries.findIndex(({ at }) => at >= receivedAt)
        window.next = first < 0 ? boundaries.length : first
      }
      let boundary = boundaries[window.next]
      while (boundary && boundary.at <= receivedAt) {
        boundary.offset = offset
        window.next += 1
        boundary = boundaries[window.next]
      }
      const bin = window.next - 1
      const before = counts[bin]
      if (!mark && before !== undefined && matches(entry)) counts[bin] = before + 1
    })
    return window.since
  }

  /** Asks the broker for the offsets of some of these times, evenly spread. */
  async #lookUp(unknown: readonly Boundary[]): Promise<void> {
    const { epoch } = this.#gateway
    if (epoch !== this.#knownEpoch) this.#known.clear()
    this.#knownEpoch = epoch
    for (const boundary of unknown) boundary.offset = this.#known.get(boundary.at)
    const open = unknown.filter(({ offset }) => offset === undefined)
    const each = Math.max(1, Math.ceil(open.length / maxLookups))
    const signal = AbortSignal.timeout(lookupMs)
    for (const [index, boundary] of open.entries()) {
      if (index % each !== 0 && index !== open.length - 1) continue
      const offset = await this.#journal.offsetAt(boundary.at, signal).catch(unknownIfUnavailable)
      // The epoch has changed, or it takes too long.
      if (signal.aborted || this.#gateway.epoch !== epoch) return
      boundary.offset = offset
      if (offset !== undefined) this.#remember(boundary.at, offset)
    }
  }

  #remember(at: number, offset: number): void {
    if (Date.now() - at < settledMs) return
    const [oldest] = this.#known.keys()
    if (this.#known.size >= maxKnown && oldest !== undefined) this.#known.delete(oldest)
    this.#known.set(at, offset)
  }
}

/** One place that cannot be read does not take the other places of the histogram away. */
function unknownIfUnavailable(error: unknown): undefined {
  if (error instanceof JournalReplaced || error instanceof GatewayError) return undefined
  throw error
}

/** Fills offsets between two that are known, evenly. Offsets never go back in time. */
function estimate(boundaries: readonly Boundary[]): void {
  let known: { readonly index: number; readonly offset: number } | undefined
  for (const [index, boundary] of boundaries.entries()) {
    if (boundary.offset === undefined) continue
    const offset = Math.max(boundary.offset, known?.offset ?? 0)
    boundary.offset = offset
    if (known) {
      const { index: from, offset: start } = known
      for (let between = from + 1; between < index; between += 1) {
        const missing = boundaries[between]
        if (missing) missing.offset = Math.round(start + ((offset - start) * (between - from)) / (index - from))
      }
    }
    known = { index, offset }
  }
}
