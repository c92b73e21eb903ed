import { GatewayError } from '../../errors.ts'
import type { CheckpointEvent, StateMark } from '../model/channel-event.ts'
import type { Cursor, CursorCodec, JournalPlace } from '../model/cursor.ts'
import { errorText } from '../model/error-text.ts'
import type { JournalMessage } from '../model/message.ts'
import { JournalReplaced } from '../ports/journal.ts'
import type { Observer } from '../ports/observer.ts'
import type { EventTopic, StateTopic } from '../ports/topic.ts'
import { pause } from '../timing/pause.ts'
import { StateEvent } from './state-event.ts'
import type { StateHead, StateRow, StateStore } from './state-store.ts'

/** Events of a page, at most. */
const defaultPageEvents = 1_000
/** Of the bodies of a page; it has at least one event. */
const pageBytes = 4 * 1024 * 1024
/** How long a page answers those who ask the same, in milliseconds. */
const freshMs = 200
/** What all pages that are kept hold together, at most. */
const maxCachedBytes = 32 * 1024 * 1024
/** How long a subscription waits for a state that is being built, in milliseconds. */
const waitMs = 10_000
const againMs = 200
/** Reads at the same time. Others wait for their turn. */
const maxReads = 3
/** Rows that one page of a query reads at most, in full pages, however few of them match. */
const maxScannedPages = 10

export interface StatePagesContext {
  readonly store: StateStore
  readonly cursors: CursorCodec
  readonly observer: Pick<Observer, 'log'>
  /** Events of a page, at most. */
  readonly pageEvents?: number | undefined
  /** The epoch of the journal, as far as it is known. */
  readonly epoch: () => string | undefined
  readonly cursorOf: (entry: JournalMessage) => string
}

/** What is wanted of a state. */
export interface StateWish {
  readonly topic: EventTopic
  readonly state: StateTopic
  readonly phase: 'SNAPSHOT' | 'REBASED'
  /** Rows with a greater offset. -1: all. */
  readonly after: number
  /**
   * Keys that were removed up to this offset are left out. Undefined: those that are removed when
   * the read begins.
   */
  readonly since: number | undefined
  /** The state must be folded at least up to this offset. */
  readonly atLeast: number
  /**
   * For a query: events of the page, at most. Such a page also ends where it has read many rows, so
   * that one request takes a bounded time.
   */
  readonly first?: number | undefined
  /** Rows with a greater offset are left out. Undefined: none. */
  readonly upTo?: number | undefined
  /** Of the journal that `after` is of. Undefined: `after` is of none. */
  readonly epoch?: string | undefined
}

export interface StateEvents {
  /** In the order of offsets. At least one, unless the wish has `first`. */
  readonly events: readonly (StateEvent | CheckpointEvent)[]
  /** Up to where the state was folded when the read of this page began. */
  readonly begin: Cursor
  /** The offset up to which it was folded when the last rows of this page were read. */
  readonly foldedUpTo: number
  /** What to ask for next. Undefined: nothing follows. */
  readonly next: StateWish | undefined
}

/** Reads states for subscriptions and queries. Those who ask the same at once share one read. */
export class StatePages {
  readonly #context: StatePagesContext
  readonly #pageEvents: number
  readonly #pages = new Map<string, Promise<StateEvents>>()
  readonly #waiting: (() => void)[] = []
  #reading = 0
  #cachedBytes = 0
  #isFailing = false
  readonly #closing = new AbortController()
  /** How many pages were read from the store. */
  reads = 0

  constructor(context: StatePagesContext) {
    this.#context = context
    this.#pageEvents = context.pageEvents ?? defaultPageEvents
  }

  /**
   * Rejects with `STATE_UNAVAILABLE` or `LIMIT_EXCEEDED`, and with `JournalReplaced` if the journal
   * of the wish is gone.
   */
  read(wish: StateWish): Promise<StateEvents> {
    const { topic, state, phase, after, since, atLeast, first, upTo } = wish
    const key = JSON.stringify([this.#context.epoch(), topic.key, state.id, phase, after, since, atLeast, first, upTo])
    const known = this.#pages.get(key)
    if (known) return known
    const reading = this.#read(wish)
    this.#pages.set(key, reading)
    const forget = (): void => {
      if (this.#pages.get(key) === reading) this.#pages.delete(key)
    }
    reading.then(({ events }) => {
      const bytes = bytesOf(events)
      if (this.#cachedBytes + bytes > maxCachedBytes) return forget()
      this.#cachedBytes += bytes
      setTimeout(() => {
        this.#cachedBytes -= bytes
        forget()
      }, freshMs).unref()
    }, forget)
    return reading
  }

  close(): void {
    this.#closing.abort()
  }

  async #inTurn<T>(read: () => Promise<T>): Promise<T> {
    if (this.#reading >= maxReads) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#reading += 1
    try {
      return await read()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#reading -= 1
    }
  }

  async #read(asked: StateWish): Promise<StateEvents> {
    const deadline = performance.now() + waitMs
    for (;;) {
      // Those who wait for a state that is being built do not delay the readers of others.
      const page = await this.#inTurn(() => this.#attempt(asked))
      if (page !== 'later') return page
      if (performance.now() >= deadline || this.#closing.signal.aborted) throw unavailable(asked.topic.field)
      await pause(againMs, this.#closing.signal)
    }
  }

  async #attempt(asked: StateWish): Promise<StateEvents | 'later'> {
    const pageEvents = Math.min(asked.first ?? this.#pageEvents, this.#pageEvents)
    let wish = asked
    let after = wish.after
    let bytes = 0
    let scanned = 0
    // One more shows whether rows follow a full page.
    let maxRows = pageEvents + 1
    let begin: JournalPlace | undefined
    const found: StateRow[] = []
    for (;;) {
      const page = await this.#page(wish.state, after, maxRows)
      if (page === 'later') return page
      const { place, rows, head } = page
      if (wish.epoch !== undefined && wish.epoch !== place.epoch)
        throw new JournalReplaced('the state is of another journal')
      if (place.offset < wish.atLeast) return 'later'
      // What happened since the cursor is not known any more: the whole state takes its place.
      if (wish.phase === 'REBASED' && found.length === 0 && wish.after < head.forgottenUpTo) {
        wish = { ...wish, phase: 'SNAPSHOT', after: -1, since: undefined }
        after = -1
        continue
      }
      // The journal was replaced while the page was read.
      if (begin && begin.epoch !== place.epoch) return 'later'
      begin ??= place
      const bounds = { begin, foldedUpTo: place.offset }
      if (wish.since === undefined) wish = { ...wish, since: place.offset }
      for (const row of rows) {
        const { offset } = row.message
        if (offset > (wish.upTo ?? offset)) return this.#eventsOf(wish, found, { ...bounds, end: place })
        if (row.removed && offset <= (wish.since ?? -1)) continue
        if (!wish.state.matches(row.message, () => this.#context.cursorOf(row.message))) continue
        // One more than a page shows whether this page is the last one.
        if (found.length >= pageEvents || (found.length > 0 && bytes >= pageBytes))
          return this.#eventsOf(wish, found, { ...bounds, next: found.at(-1)?.message.offset ?? after })
        found.push(row)
        bytes += row.message.body.length
      }
      if (rows.length < maxRows) return this.#eventsOf(wish, found, { ...bounds, end: place })
      after = rows.at(-1)?.message.offset ?? after
      scanned += rows.length
      if (wish.first !== undefined && scanned >= maxScannedPages * this.#pageEvents)
        return this.#eventsOf(wish, found, { ...bounds, next: after })
      maxRows = Math.min(2 * maxRows, this.#pageEvents + 1)
    }
  }

  async #page(
    { id, indexes }: StateTopic,
    after: number,
    maxRows: number,
  ): Promise<{ head: StateHead; place: JournalPlace; rows: readonly StateRow[] } | 'later'> {
    const page = await this.#context.store.page({ id, indexes, after, maxRows }).then(
      (read) => {
        this.#isFailing = false
        return read
      },
      (error: unknown) => this.#reportFailure(error),
    )
    this.reads += 1
    if (page?.head.full) {
      throw new GatewayError('LIMIT_EXCEEDED', 'the keyed state of this field has more keys than the gateway keeps', {
        limit: 'WARREN_MAX_STATE_KEYS',
      })
    }
    const { head, rows } = page ?? {}
    if (!head?.place || !rows || !head.built || head.epoch !== this.#context.epoch()) return 'later'
    return { head, place: head.place, rows }
  }

  /** Logged once, until a read succeeds. */
  #reportFailure(error: unknown): undefined {
    if (!this.#isFailing && !this.#closing.signal.aborted)
      this.#context.observer.log('warn', `keyed state cannot be read at the moment: ${errorText(error)}`)
    this.#isFailing = true
    return undefined
  }

  #eventsOf(wish: StateWish, rows: readonly StateRow[], { begin, foldedUpTo, end, next }: PageBounds): StateEvents {
    const { cursors } = this.#context
    const epoch = this.#context.epoch() ?? ''
    const place: Cursor | undefined = end && { ...end, codec: cursors }
    const bounds = {
      begin: { ...begin, codec: cursors },
      foldedUpTo,
      next: next === undefined ? undefined : { ...wish, after: next, epoch: begin.epoch },
    }
    const isBegin = wish.phase === 'SNAPSHOT' && wish.after < 0
    const markOf = (index: number, isEnd: boolean): StateMark => ({
      phase: wish.phase === 'SNAPSHOT' && isEnd ? 'SNAPSHOT_END' : wish.phase,
      reset: isBegin && index === 0,
    })
    if (place && rows.length === 0) {
      const empty: CheckpointEvent = {
        kind: 'CHECKPOINT',
        cursor: place,
        receivedAt: Date.now(),
        state: markOf(0, true),
      }
      return { events: [empty], ...bounds }
    }
    const events = rows.map(({ message }, index) => {
      const isEnd = place !== undefined && index === rows.length - 1
      return new StateEvent(cursors, epoch, message, markOf(index, isEnd), isEnd ? place : undefined)
    })
    return { events, ...bounds }
  }
}

/** Where a page begins and ends: `end` is the place of the state, and without it more follows. */
type PageBounds = { readonly begin: JournalPlace; readonly foldedUpTo: number } & (
  | { readonly end: JournalPlace; readonly next?: undefined }
  | { readonly end?: undefined; readonly next: number }
)

function bytesOf(events: StateEvents['events']): number {
  return events.reduce((sum, event) => sum + (event.kind === 'MESSAGE' ? event.message.body.length + 200 : 0), 0)
}

function unavailable(field: string): GatewayError {
  return new GatewayError(
    'STATE_UNAVAILABLE',
    `the keyed state of ${field} cannot be read now: it is being built, or its database cannot be reached; try again`,
  )
}
