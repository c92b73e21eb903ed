import { type ChannelEvent, type GapReason, unreadableGap } from '../model/channel-event.ts'
import type { Checkpoints } from './checkpoints.ts'
import { type Cursor, type CursorCodec, cursorBefore, cursorOf, fingerprintOf } from '../model/cursor.ts'
import { Duplicates } from './deduplicator.ts'
import type { Feed, FeedKeeper } from './channel-subscription.ts'
import type { Hub } from './hub.ts'
import type { Journal } from '../ports/journal.ts'
import type { JournalMessage } from '../model/message.ts'
import type { Observer } from '../ports/observer.ts'
import { Passage } from './replay-batch.ts'
import type { RecentMessages } from '../ports/hot-window.ts'
import { ScanTurns } from './scan-scheduler.ts'
import type { Audience } from '../model/source.ts'
import { WindowWalks } from './window-replay.ts'

/** How long resumes are gathered before they are served together, in milliseconds. */
const gatherMs = 20
/** A scan begins so many offsets before the first place wanted, to know a message that was published twice around it. */
const lookBack = 1_000

export interface CatchUpContext {
  readonly journal: Journal
  readonly recent: RecentMessages
  readonly hub: Hub
  readonly checkpoints: Checkpoints
  readonly observer: Observer
  readonly cursors: CursorCodec
  /** The journal's epoch while it is up, else undefined: nothing is judged then. */
  epoch(): string | undefined
  /**
   * Before this place the journal has nothing for the channel's present owner; undefined: no such
   * place.
   */
  originOf(channel: string): Cursor | undefined
  /** `inWindow`: it will be asked about again. */
  audienceOf(message: JournalMessage, inWindow: boolean): Audience
  /** The event of a message; undefined where its body is poison. */
  eventOf(message: JournalMessage): ChannelEvent | undefined
  /** A walk met a message that cannot be read. */
  onUnreadable(entry: JournalMessage): void
}

/**
 * Brings feeds from their position to the live end. Those within the hot window are served from memory; older ones share
 * scans of the journal: requests are gathered, each feed joins at its offset and leaves at the window, and in the very tick in
 * which the window's end is reached it is live: a comparison of offsets, not a race.
 */
export class CatchUp implements FeedKeeper {
  readonly #context: CatchUpContext
  readonly #pending = new Set<Feed>()
  readonly #passages = new Set<Passage>()
  readonly #scans = new ScanTurns(() => this.#gather())
  readonly #walks: WindowWalks
  #timer: NodeJS.Timeout | undefined
  #oldest: Promise<Cursor | null> | undefined
  readonly #closing = new AbortController()

  constructor(context: CatchUpContext) {
    this.#context = context
    this.#walks = new WindowWalks({
      recent: context.recent,
      isUp: () => context.epoch() !== undefined,
      pass: (passage, entry) => this.#pass(passage, entry, true),
      arrived: (passage) => {
        this.#tellUnreadable(passage)
        passage.flush()
        this.#passages.delete(passage)
        for (const feed of passage.feeds()) this.#goLive(feed)
        this.#gather()
      },
      interrupted: (passage) => this.#again(passage),
    })
  }

  /** How many feeds are on their way to the live end. */
  get size(): number {
    return [...this.#passages].reduce((sum, passage) => sum + passage.size, this.#pending.size)
  }

  resume(feed: Feed): void {
    if (feed.ended) return
    this.#beginAtOrigin(feed)
    if (feed.position === undefined) {
      feed.judged = true
      this.#goLive(feed)
      if (feed.checkpoints) this.#tellWhereItBegins(feed)
      return
    }
    this.#pending.add(feed)
    this.#gather()
  }

  release(feed: Feed): void {
    this.#context.hub.unsubscribe(feed)
    this.#context.checkpoints.remove(feed)
    this.#pending.delete(feed)
    for (const passage of this.#passages) passage.remove(feed)
  }

  /** The journal is up (again): whoever waited for it is judged now. */
  onUp(): void {
    this.#gather()
  }

  /** The oldest place that can still be had; asked of the journal once for all who want it at a time. */
  oldestCursor(): Promise<Cursor | null> {
    this.#oldest ??= this.#readOldest().finally(() => {
      this.#oldest = undefined
    })
    return this.#oldest
  }

  /** The oldest place from which a channel can be read. */
  async oldestOf(channel: string): Promise<Cursor | null> {
    const oldest = await this.oldestCursor()
    const origin = this.#context.originOf(channel)
    return oldest && origin && isOlder(oldest, origin) ? origin : oldest
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#scans.close()
    this.#closing.abort()
    this.#pending.clear()
  }

  #gather(): void {
    if (this.#timer || this.#pending.size === 0 || this.#closing.signal.aborted) return
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        this.#serve()
      },
      Math.max(gatherMs, this.#walks.restMs),
    )
  }

  #serve(): void {
    const { recent } = this.#context
    const epoch = this.#context.epoch()
    const { first, last } = recent
    if (epoch === undefined || first === undefined || !last) return
    const inWindow: Feed[] = []
    const older: Feed[] = []
    const unknown: Feed[] = []
    for (const feed of this.#pending) {
      const { position } = feed
      if (typeof position !== 'object') this.#tellGap([feed], 'INVALID_CURSOR')
      else if (position.epoch !== epoch || position.offset > last.offset) unknown.push(feed)
      else if (position.offset < first) older.push(feed)
      else if (this.#stands(recent.at(position.offset), position)) inWindow.push(feed)
      else this.#tellGap([feed], 'JOURNAL_REPLACED')
    }
    for (const feed of unknown) this.#pending.delete(feed)
    if (inWindow.length > 0 && !this.#walks.busy) {
      for (const feed of inWindow) {
        this.#pending.delete(feed)
        this.#judge(feed, 'resumed')
      }
      const begin = inWindow.reduce((least, feed) => Math.min(least, startOf(feed)), Number.POSITIVE_INFINITY)
      this.#walks.begin(this.#passageOf(inWindow, begin - 1))
    }
    if (unknown.length > 0) void this.#awaitUnknown(unknown)
    if (older.length > 0 && this.#scans.begin(older.length)) {
      for (const feed of older) this.#pending.delete(feed)
      void this.#scan(older)
    }
  }

  /** What an earlier owner of the channel was sent is told as a gap, whoever asks for it. */
  #beginAtOrigin(feed: Feed): void {
    const origin = this.#context.originOf(feed.channel)
    const { position } = feed
    if (!origin || typeof position !== 'object' || !isOlder(position, origin)) return
    this.#judge(feed, 'gap')
    feed.deliver({ kind: 'GAP', cursor: origin, reason: 'RETENTION', oldest: origin, receivedAt: Date.now() })
  }

  #goLive(feed: Feed): void {
    if (feed.endsAtLive) {
      feed.end()
      return
    }
    this.#context.hub.subscribe(feed)
    if (feed.checkpoints) this.#context.checkpoints.add(feed)
  }

  /** So that a client whose connection breaks before its first event can come back to this place too. */
  #tellWhereItBegins(feed: Feed): void {
    const epoch = this.#context.epoch()
    const { last } = this.#context.recent
    if (epoch !== undefined && last) {
      feed.deliver({ kind: 'CHECKPOINT', cursor: cursorOf(this.#context.cursors, epoch, last), receivedAt: Date.now() })
    } else {
      // The next mark tells it.
      feed.lastEventAt = 0
    }
  }

  #stands(entry: JournalMessage | undefined, position: Cursor): boolean {
    return entry !== undefined && fingerprintOf(entry) === position.fingerprint
  }

  #judge(feed: Feed, result: 'resumed' | 'gap'): void {
    if (feed.judged) return
    feed.judged = true
    this.#context.observer.resumed(result)
  }

  #passageOf(feeds: Iterable<Feed>, at: number): Passage {
    const passage = new Passage(at)
    for (const feed of feeds) if (!feed.ended) passage.add(feed, startOf(feed))
    this.#passages.add(passage)
    return passage
  }

  #pass(passage: Passage, entry: JournalMessage, inWindow: boolean): void {
    passage.at = entry.offset
    if (entry.unreadable) {
      this.#context.onUnreadable(entry)
      passage.unreadable = entry
      return
    }
    if (passage.unreadable) this.#tellUnreadable(passage)
    if (entry.mark) return
    const audience = this.#context.audienceOf(entry, inWindow)
    if (!passage.wants(audience)) return
    const event = this.#context.eventOf(entry)
    if (event) passage.deliver(entry.offset, audience, event)
  }

  /**
   * One notice for neighbours. Where the passage is interrupted before, the next one meets them
   * again.
   */
  #tellUnreadable(passage: Passage): void {
    const last = passage.unreadable
    const epoch = this.#context.epoch()
    if (!last || epoch === undefined) return
    passage.unreadable = undefined
    passage.deliver(last.offset, 'everyone', unreadableGap(this.#context.cursors, epoch, last))
  }

  /** Reads the journal once for all of them, up to the window. */
  async #scan(feeds: Feed[]): Promise<void> {
    const { journal, recent } = this.#context
    const epoch = this.#context.epoch() ?? ''
    const waiting = feeds.filter((feed) => !feed.ended).toSorted((a, b) => offsetOf(a) - offsetOf(b))
    const begin = waiting[0] ? offsetOf(waiting[0]) : 0
    const passage = this.#passageOf([], begin - 1)
    let first = true
    let reachedWindow = false
    const seen = new Duplicates(journal.repeats)
    const visit = (entry: JournalMessage): boolean => {
      const repeat = seen.see(entry)
      if (entry.offset < begin) return true
      for (let feed = waiting[0]; feed && offsetOf(feed) <= entry.offset; feed = waiting[0]) {
        waiting.shift()
        this.#join(passage, feed, entry, epoch, first)
      }
      first = false
      if (!repeat) this.#pass(passage, entry, false)
      passage.at = entry.offset
      reachedWindow = recent.first !== undefined && entry.offset >= recent.first
      return !reachedWindow && passage.size + waiting.length > 0
    }
    try {
      await journal.scan(Math.max(0, begin - lookBack), visit, this.#closing.signal)
      // Between the last visit and here the tail may have gone on: the passage takes that from the window too.
      if (reachedWindow && this.#context.epoch() === epoch) this.#walks.begin(passage)
      else this.#again(passage)
    } catch {
      this.#again(passage)
    } finally {
      for (const feed of waiting) this.resume(feed)
      this.#scans.end()
    }
  }

  /** The moment of truth: is the message that the feed's cursor names still where it was? */
  #join(passage: Passage, feed: Feed, entry: JournalMessage, epoch: string, first: boolean): void {
    if (feed.ended) return
    const { position } = feed
    if (typeof position !== 'object') return
    if (entry.offset === position.offset && this.#stands(entry, position)) {
      this.#judge(feed, 'resumed')
      passage.add(feed, startOf(feed))
    } else if (entry.offset > position.offset && first) {
      this.#judge(feed, 'gap')
      const cursor = cursorBefore(this.#context.cursors, epoch, entry)
      feed.deliver({ kind: 'GAP', cursor, reason: 'RETENTION', oldest: cursor, receivedAt: Date.now() })
      passage.add(feed, entry.offset)
    } else {
      this.#tellGap([feed], 'JOURNAL_REPLACED')
    }
  }

  #again(passage: Passage): void {
    passage.flush()
    this.#passages.delete(passage)
    for (const feed of passage.feeds()) this.resume(feed)
    this.#gather()
  }

  /**
   * Cursors of another life of the journal, or beyond what this replica has seen: another replica was faster to see it, or the journal is not the one
   * that they name. A mark that comes back brings everything that was there before it, a new life of the journal included.
   */
  async #awaitUnknown(feeds: Feed[]): Promise<void> {
    const { journal, recent } = this.#context
    try {
      await journal.mark()
    } catch {
      for (const feed of feeds) this.resume(feed)
      return
    }
    const epoch = this.#context.epoch()
    const last = recent.last?.offset ?? -1
    const isLost = ({ position }: Feed): boolean =>
      epoch !== undefined && typeof position === 'object' && (position.epoch !== epoch || position.offset > last)
    const lost = feeds.filter((feed) => !feed.ended && isLost(feed))
    this.#tellGap(lost, 'JOURNAL_REPLACED')
    for (const feed of feeds) if (!lost.includes(feed)) this.resume(feed)
  }

  /** One notice with its reason; live delivery goes on after it. */
  #tellGap(feeds: Feed[], reason: GapReason): void {
    for (const feed of feeds) this.#pending.delete(feed)
    void this.oldestCursor().then((oldest) => {
      const { last } = this.#context.recent
      const epoch = this.#context.epoch()
      for (const feed of feeds) {
        if (feed.ended) continue
        if (!last || epoch === undefined) {
          this.resume(feed)
          continue
        }
        this.#judge(feed, 'gap')
        feed.deliver({
          kind: 'GAP',
          cursor: cursorOf(this.#context.cursors, epoch, last),
          reason,
          oldest,
          receivedAt: Date.now(),
        })
        this.#goLive(feed)
      }
    })
  }

  async #readOldest(): Promise<Cursor | null> {
    const epoch = this.#context.epoch()
    let oldest: Cursor | null = null
    const visit = (entry: JournalMessage): boolean => {
      oldest = epoch === undefined ? null : cursorBefore(this.#context.cursors, epoch, entry)
      return false
    }
    try {
      await this.#context.journal.scan(0, visit, this.#closing.signal)
    } catch {
      return null
    }
    return oldest
  }
}

function offsetOf(feed: Feed): number {
  return typeof feed.position === 'object' ? feed.position.offset : 0
}

/** The first offset that a feed is still to be given. */
function startOf(feed: Feed): number {
  const { position } = feed
  return typeof position === 'object' ? behind(position) : 0
}

function behind({ before, offset }: Cursor): number {
  return before ? offset : offset + 1
}

/** Of another life of the journal nothing can be said: it is a gap anyway. */
function isOlder(one: Cursor, other: Cursor): boolean {
  return one.epoch === other.epoch && behind(one) < behind(other)
}
