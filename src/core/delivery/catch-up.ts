import { type ChannelEvent, type GapReason, unreadableGap } from '../model/channel-event.ts'
import { type Cursor, type CursorCodec, cursorBefore, cursorOf, fingerprintOf } from '../model/cursor.ts'
import type { JournalMessage } from '../model/message.ts'
import type { Audience } from '../model/source.ts'
import type { HotWindow } from '../ports/hot-window.ts'
import type { Journal } from '../ports/journal.ts'
import type { Observer } from '../ports/observer.ts'
import type { ChannelSubscription, Replayer } from './channel-subscription.ts'
import type { Checkpoints } from './checkpoints.ts'
import { Deduplicator } from './deduplicator.ts'
import type { Hub } from './hub.ts'
import { ReplayBatch } from './replay-batch.ts'
import { ScanScheduler } from './scan-scheduler.ts'
import { WindowReplay } from './window-replay.ts'

/** How long resumes are gathered before they are served together, in milliseconds. */
const gatherMs = 20
/**
 * A scan begins so many offsets before the first place wanted, to know a message that was published
 * twice around it.
 */
const lookBackOffsets = 1_000

export interface CatchUpContext {
  readonly journal: Journal
  readonly hotWindow: HotWindow
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
 * Brings feeds from their position to the live end. Those within the hot window are served from
 * memory; older ones share scans of the journal: requests are gathered, each feed joins at its
 * offset and leaves at the window, and in the very tick in which the window's end is reached it is
 * live: a comparison of offsets, not a race.
 */
export class CatchUp implements Replayer {
  readonly #context: CatchUpContext
  readonly #pending = new Set<ChannelSubscription>()
  readonly #batches = new Set<ReplayBatch>()
  readonly #scanScheduler = new ScanScheduler(() => this.#scheduleServe())
  readonly #windowReplay: WindowReplay
  #gatherTimer: NodeJS.Timeout | undefined
  #oldest: Promise<Cursor | null> | undefined
  readonly #closing = new AbortController()

  constructor(context: CatchUpContext) {
    this.#context = context
    this.#windowReplay = new WindowReplay({
      hotWindow: context.hotWindow,
      isUp: () => context.epoch() !== undefined,
      deliverEntry: (batch, entry) => this.#deliverEntry(batch, entry, true),
      onEndReached: (batch) => {
        this.#deliverUnreadableGap(batch)
        batch.flush()
        this.#batches.delete(batch)
        for (const subscription of batch.subscriptions()) this.#goLive(subscription)
        this.#scheduleServe()
      },
      onInterrupted: (batch) => this.#resumeAll(batch),
    })
  }

  /** How many feeds are on their way to the live end. */
  get size(): number {
    return [...this.#batches].reduce((sum, batch) => sum + batch.size, this.#pending.size)
  }

  resume(subscription: ChannelSubscription): void {
    if (subscription.ended) return
    this.#skipToOrigin(subscription)
    if (subscription.position === undefined) {
      subscription.resumeResolved = true
      this.#goLive(subscription)
      if (subscription.checkpoints) this.#deliverFirstCheckpoint(subscription)
      return
    }
    this.#pending.add(subscription)
    this.#scheduleServe()
  }

  stop(subscription: ChannelSubscription): void {
    this.#context.hub.unsubscribe(subscription)
    this.#context.checkpoints.remove(subscription)
    this.#pending.delete(subscription)
    for (const batch of this.#batches) batch.remove(subscription)
  }

  /** The journal is up (again): whoever waited for it is judged now. */
  onUp(): void {
    this.#scheduleServe()
  }

  /**
   * The oldest place that can still be had; asked of the journal once for all who want it at a
   * time.
   */
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
    clearTimeout(this.#gatherTimer)
    this.#scanScheduler.close()
    this.#closing.abort()
    this.#pending.clear()
  }

  #scheduleServe(): void {
    if (this.#gatherTimer || this.#pending.size === 0 || this.#closing.signal.aborted) return
    this.#gatherTimer = setTimeout(
      () => {
        this.#gatherTimer = undefined
        this.#servePending()
      },
      Math.max(gatherMs, this.#windowReplay.pauseMs),
    )
  }

  #servePending(): void {
    const { hotWindow } = this.#context
    const epoch = this.#context.epoch()
    const { first, last } = hotWindow
    if (epoch === undefined || first === undefined || !last) return
    const inWindow: ChannelSubscription[] = []
    const older: ChannelSubscription[] = []
    const unknown: ChannelSubscription[] = []
    for (const subscription of this.#pending) {
      const { position } = subscription
      if (typeof position !== 'object') this.#deliverGap([subscription], 'INVALID_CURSOR')
      else if (position.epoch !== epoch || position.offset > last.offset) unknown.push(subscription)
      else if (position.offset < first) older.push(subscription)
      else if (this.#isSameMessage(hotWindow.at(position.offset), position)) inWindow.push(subscription)
      else this.#deliverGap([subscription], 'JOURNAL_REPLACED')
    }
    for (const subscription of unknown) this.#pending.delete(subscription)
    if (inWindow.length > 0 && !this.#windowReplay.busy) {
      for (const subscription of inWindow) {
        this.#pending.delete(subscription)
        this.#recordResult(subscription, 'resumed')
      }
      const begin = inWindow.reduce(
        (least, subscription) => Math.min(least, firstOffsetFor(subscription)),
        Number.POSITIVE_INFINITY,
      )
      this.#windowReplay.begin(this.#createBatch(inWindow, begin - 1))
    }
    if (unknown.length > 0) void this.#awaitUnknown(unknown)
    if (older.length > 0 && this.#scanScheduler.tryBegin(older.length)) {
      for (const subscription of older) this.#pending.delete(subscription)
      void this.#scan(older)
    }
  }

  /** What an earlier owner of the channel was sent is told as a gap, whoever asks for it. */
  #skipToOrigin(subscription: ChannelSubscription): void {
    const origin = this.#context.originOf(subscription.channel)
    const { position } = subscription
    if (!origin || typeof position !== 'object' || !isOlder(position, origin)) return
    this.#recordResult(subscription, 'gap')
    subscription.deliver({ kind: 'GAP', cursor: origin, reason: 'RETENTION', oldest: origin, receivedAt: Date.now() })
  }

  #goLive(subscription: ChannelSubscription): void {
    if (subscription.endsAtLive) {
      subscription.end()
      return
    }
    this.#context.hub.subscribe(subscription)
    if (subscription.checkpoints) this.#context.checkpoints.add(subscription)
  }

  /**
   * So that a client whose connection breaks before its first event can come back to this place
   * too.
   */
  #deliverFirstCheckpoint(subscription: ChannelSubscription): void {
    const epoch = this.#context.epoch()
    const { last } = this.#context.hotWindow
    if (epoch !== undefined && last) {
      subscription.deliver({
        kind: 'CHECKPOINT',
        cursor: cursorOf(this.#context.cursors, epoch, last),
        receivedAt: Date.now(),
      })
    } else {
      // The next mark tells it.
      subscription.lastEventAt = 0
    }
  }

  #isSameMessage(entry: JournalMessage | undefined, position: Cursor): boolean {
    return entry !== undefined && fingerprintOf(entry) === position.fingerprint
  }

  #recordResult(subscription: ChannelSubscription, result: 'resumed' | 'gap'): void {
    if (subscription.resumeResolved) return
    subscription.resumeResolved = true
    this.#context.observer.resumed(result)
  }

  #createBatch(subscriptions: Iterable<ChannelSubscription>, at: number): ReplayBatch {
    const batch = new ReplayBatch(at)
    for (const subscription of subscriptions)
      if (!subscription.ended) batch.add(subscription, firstOffsetFor(subscription))
    this.#batches.add(batch)
    return batch
  }

  #deliverEntry(batch: ReplayBatch, entry: JournalMessage, inWindow: boolean): void {
    batch.at = entry.offset
    if (entry.unreadable) {
      this.#context.onUnreadable(entry)
      batch.unreadable = entry
      return
    }
    if (batch.unreadable) this.#deliverUnreadableGap(batch)
    if (entry.mark) return
    const audience = this.#context.audienceOf(entry, inWindow)
    if (!batch.hasSubscribers(audience)) return
    const event = this.#context.eventOf(entry)
    if (event) batch.deliver(entry.offset, audience, event)
  }

  /**
   * One notice for neighbours. Where the passage is interrupted before, the next one meets them
   * again.
   */
  #deliverUnreadableGap(batch: ReplayBatch): void {
    const last = batch.unreadable
    const epoch = this.#context.epoch()
    if (!last || epoch === undefined) return
    batch.unreadable = undefined
    batch.deliver(last.offset, 'everyone', unreadableGap(this.#context.cursors, epoch, last))
  }

  /** Reads the journal once for all of them, up to the window. */
  async #scan(subscriptions: ChannelSubscription[]): Promise<void> {
    const { journal, hotWindow } = this.#context
    const epoch = this.#context.epoch() ?? ''
    const waiting = subscriptions
      .filter((subscription) => !subscription.ended)
      .toSorted((a, b) => offsetOf(a) - offsetOf(b))
    const begin = waiting[0] ? offsetOf(waiting[0]) : 0
    const batch = this.#createBatch([], begin - 1)
    let first = true
    let reachedWindow = false
    const deduplicator = new Deduplicator(journal.repeats)
    const visit = (entry: JournalMessage): boolean => {
      const repeat = deduplicator.record(entry)
      if (entry.offset < begin) return true
      for (
        let subscription = waiting[0];
        subscription && offsetOf(subscription) <= entry.offset;
        subscription = waiting[0]
      ) {
        waiting.shift()
        this.#addAt(batch, subscription, entry, epoch, first)
      }
      first = false
      if (!repeat) this.#deliverEntry(batch, entry, false)
      batch.at = entry.offset
      reachedWindow = hotWindow.first !== undefined && entry.offset >= hotWindow.first
      return !reachedWindow && batch.size + waiting.length > 0
    }
    try {
      await journal.scan(Math.max(0, begin - lookBackOffsets), visit, this.#closing.signal)
      // Between the last visit and here the tail may have gone on: the passage takes that from the
      // window too.
      if (reachedWindow && this.#context.epoch() === epoch) this.#windowReplay.begin(batch)
      else this.#resumeAll(batch)
    } catch {
      this.#resumeAll(batch)
    } finally {
      for (const subscription of waiting) this.resume(subscription)
      this.#scanScheduler.end()
    }
  }

  /** The moment of truth: is the message that the feed's cursor names still where it was? */
  #addAt(
    batch: ReplayBatch,
    subscription: ChannelSubscription,
    entry: JournalMessage,
    epoch: string,
    first: boolean,
  ): void {
    if (subscription.ended) return
    const { position } = subscription
    if (typeof position !== 'object') return
    if (entry.offset === position.offset && this.#isSameMessage(entry, position)) {
      this.#recordResult(subscription, 'resumed')
      batch.add(subscription, firstOffsetFor(subscription))
    } else if (entry.offset > position.offset && first) {
      this.#recordResult(subscription, 'gap')
      const cursor = cursorBefore(this.#context.cursors, epoch, entry)
      subscription.deliver({ kind: 'GAP', cursor, reason: 'RETENTION', oldest: cursor, receivedAt: Date.now() })
      batch.add(subscription, entry.offset)
    } else {
      this.#deliverGap([subscription], 'JOURNAL_REPLACED')
    }
  }

  #resumeAll(batch: ReplayBatch): void {
    batch.flush()
    this.#batches.delete(batch)
    for (const subscription of batch.subscriptions()) this.resume(subscription)
    this.#scheduleServe()
  }

  /**
   * Cursors of another life of the journal, or beyond what this replica has seen: another replica
   * was faster to see it, or the journal is not the one that they name. A mark that comes back
   * brings everything that was there before it, a new life of the journal included.
   */
  async #awaitUnknown(subscriptions: ChannelSubscription[]): Promise<void> {
    const { journal, hotWindow } = this.#context
    try {
      await journal.mark()
    } catch {
      for (const subscription of subscriptions) this.resume(subscription)
      return
    }
    const epoch = this.#context.epoch()
    const last = hotWindow.last?.offset ?? -1
    const isLost = ({ position }: ChannelSubscription): boolean =>
      epoch !== undefined && typeof position === 'object' && (position.epoch !== epoch || position.offset > last)
    const lost = subscriptions.filter((subscription) => !subscription.ended && isLost(subscription))
    this.#deliverGap(lost, 'JOURNAL_REPLACED')
    for (const subscription of subscriptions) if (!lost.includes(subscription)) this.resume(subscription)
  }

  /** One notice with its reason; live delivery goes on after it. */
  #deliverGap(subscriptions: ChannelSubscription[], reason: GapReason): void {
    for (const subscription of subscriptions) this.#pending.delete(subscription)
    void this.oldestCursor().then((oldest) => {
      const { last } = this.#context.hotWindow
      const epoch = this.#context.epoch()
      for (const subscription of subscriptions) {
        if (subscription.ended) continue
        if (!last || epoch === undefined) {
          this.resume(subscription)
          continue
        }
        this.#recordResult(subscription, 'gap')
        subscription.deliver({
          kind: 'GAP',
          cursor: cursorOf(this.#context.cursors, epoch, last),
          reason,
          oldest,
          receivedAt: Date.now(),
        })
        this.#goLive(subscription)
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

function offsetOf(subscription: ChannelSubscription): number {
  return typeof subscription.position === 'object' ? subscription.position.offset : 0
}

/** The first offset that a feed is still to be given. */
function firstOffsetFor(subscription: ChannelSubscription): number {
  const { position } = subscription
  return typeof position === 'object' ? firstOffsetAfter(position) : 0
}

function firstOffsetAfter({ before, offset }: Cursor): number {
  return before ? offset : offset + 1
}

/** Of another life of the journal nothing can be said: it is a gap anyway. */
function isOlder(one: Cursor, other: Cursor): boolean {
  return one.epoch === other.epoch && firstOffsetAfter(one) < firstOffsetAfter(other)
}
