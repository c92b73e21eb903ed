import { type ChannelEvent, type GapReason, unreadableGap } from '../../model/channel-event.ts'
import { type Cursor, type CursorCodec, cursorBefore, cursorOf, isOlder } from '../../model/cursor.ts'
import type { JournalMessage } from '../../model/message.ts'
import type { HotWindow } from '../../ports/hot-window.ts'
import type { Journal } from '../../ports/journal.ts'
import type { Observer } from '../../ports/observer.ts'
import { hasState, type Recipients, type Topic } from '../../ports/topic.ts'
import type { ChannelSubscription, Replayer } from '../channel-subscription.ts'
import type { Checkpoints } from '../checkpoints.ts'
import type { Hub } from '../hub.ts'
import { JournalReplay } from './journal-replay.ts'
import type { LastEventsSearch, SearchResult } from './last-events.ts'
import { OldestPosition } from './oldest-position.ts'
import { ReplayBatch } from './replay-batch.ts'
import { firstOffsetFor, gapReasonAt, isUnread, placeOf } from './resume-position.ts'
import { ScanScheduler } from './scan-scheduler.ts'
import { WindowReplay } from './window-replay.ts'

/** How long the gateway gathers resuming subscriptions before it serves them together, in ms. */
const gatherMs = 20

export interface CatchUpContext {
  readonly journal: Journal
  readonly hotWindow: HotWindow
  readonly hub: Hub
  readonly checkpoints: Checkpoints
  readonly observer: Observer
  readonly cursors: CursorCodec
  /**
   * The journal's epoch while the journal is up. Undefined while it is down: positions are not
   * checked then.
   */
  epoch(): string | undefined
  /**
   * The place before which the journal holds nothing for the channel's present owner. Undefined:
   * there is no such place.
   */
  originOf(topic: Topic): Cursor | undefined
  /**
   * The topics of an entry. `from`: where the entry was read. The recipients of an entry of the hot
   * window are asked for again and are worth caching.
   */
  recipientsOf(message: JournalMessage, from: 'window' | 'journal'): Recipients
  /** The event of a message for these recipients. Undefined if its body cannot be decoded. */
  eventOf(message: JournalMessage, recipients: Recipients): ChannelEvent | undefined
  /**
   * Called instead of a gap if retention removed the position of a subscription. True: it gets what
   * it missed from keyed state, and resumes. `onFailure`: called if that fails.
   */
  rebase(subscription: ChannelSubscription, oldest: Cursor, onFailure: () => void): boolean
  /** See `Replayer.restart`. */
  restart(subscription: ChannelSubscription): boolean
  /** Called when a replay reaches an entry that the broker cannot deliver. */
  onUnreadable(entry: JournalMessage): void
}

/**
 * Brings subscriptions from their position to the live end.
 *
 * The hot window serves recent positions from memory. Older positions share scans of the journal:
 * the gateway gathers subscriptions, and each joins the scan at its offset and leaves it at the hot
 * window. A subscription goes live in the same tick in which its replay reaches the end of the
 * window. So the change from replay to live is a comparison of offsets, not a race.
 */
export class CatchUp implements Replayer {
  readonly #context: CatchUpContext
  readonly #pending = new Set<ChannelSubscription>()
  /** All that have not ended and are not in the hub, whatever they wait for. */
  readonly #notLive = new Set<ChannelSubscription>()
  readonly #batches = new Set<ReplayBatch>()
  /**
   * Subscriptions that wait for an answer of the journal, each with what it waits for. One that
   * stops waits no longer: it has ended, or it resumes with another topic and waits again.
   */
  readonly #awaiting = new Map<ChannelSubscription, object>()
  readonly #scanScheduler = new ScanScheduler(() => this.#scheduleServe())
  readonly #windowReplay: WindowReplay
  readonly #journalReplay: JournalReplay
  readonly #oldest: OldestPosition
  #gatherTimer: NodeJS.Timeout | undefined
  readonly #closing = new AbortController()

  constructor(context: CatchUpContext) {
    this.#context = context
    this.#windowReplay = new WindowReplay({
      hotWindow: context.hotWindow,
      isUp: () => context.epoch() !== undefined,
      deliverEntry: (batch, entry) => this.#deliverEntry(batch, entry, 'window'),
      onEndReached: (batch) => {
        this.#deliverUnreadableGap(batch)
        batch.flush()
        this.#batches.delete(batch)
        for (const subscription of batch.subscriptions()) {
          if (subscription.search) this.#concludeSearch(subscription, subscription.search)
          else this.#goLive(subscription)
        }
        this.#scheduleServe()
      },
      onInterrupted: (batch) => this.#resumeAll(batch),
    })
    this.#journalReplay = new JournalReplay(
      {
        journal: context.journal,
        hotWindow: context.hotWindow,
        epoch: () => context.epoch(),
        onReached: (batch, subscription, entry, isOldest) => {
          if (this.#endWait(subscription, batch)) this.#join(batch, subscription, entry, isOldest)
        },
        deliverEntry: (batch, entry) => this.#deliverEntry(batch, entry, 'journal'),
        onWindowReached: (batch) => this.#windowReplay.begin(batch),
        onInterrupted: (batch) => this.#resumeAll(batch),
        onEnd: (batch, unreached) => {
          for (const subscription of unreached) if (this.#endWait(subscription, batch)) this.resume(subscription)
          this.#scanScheduler.end()
        },
      },
      this.#closing.signal,
    )
    this.#oldest = new OldestPosition(context, this.#closing.signal)
  }

  /** How many subscriptions have not reached the live end. */
  get size(): number {
    return [...this.#batches].reduce((sum, batch) => sum + batch.size, this.#pending.size + this.#awaiting.size)
  }

  /**
   * Subscriptions that are not live: they are reading the journal, or their consumers have to take
   * some events first.
   */
  get notLive(): ReadonlySet<ChannelSubscription> {
    return this.#notLive
  }

  resume(subscription: ChannelSubscription): void {
    if (subscription.ended) return
    this.#notLive.add(subscription)
    this.#skipToOrigin(subscription)
    if (subscription.position === undefined && !subscription.search) {
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
    this.#awaiting.delete(subscription)
    if (subscription.ended) this.#notLive.delete(subscription)
    else this.#notLive.add(subscription)
    for (const batch of this.#batches) batch.remove(subscription)
  }

  /**
   * Called when the journal is up, also again after an outage. Serves the subscriptions that waited
   * for it.
   */
  onUp(): void {
    this.#scheduleServe()
  }

  /** The oldest position from which a topic can be read; null if the journal cannot be read. */
  async oldestOf(topic: Topic): Promise<Cursor | null> {
    const oldest = await this.#oldest.read()
    const origin = this.#context.originOf(topic)
    return oldest && origin && isOlder(oldest, origin) ? origin : oldest
  }

  close(): void {
    clearTimeout(this.#gatherTimer)
    this.#scanScheduler.close()
    this.#closing.abort()
    this.#pending.clear()
    this.#awaiting.clear()
    this.#notLive.clear()
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
    // `onUp` schedules again.
    if (epoch === undefined) return
    // Retention has overtaken the tail, which delivers its next entry soon.
    if (first === undefined || !last) return this.#scheduleServe()
    const range = { epoch, first, last: last.offset, at: (offset: number) => hotWindow.at(offset) }
    const inWindow: ChannelSubscription[] = []
    const older: ChannelSubscription[] = []
    const unknown: ChannelSubscription[] = []
    for (const subscription of this.#pending) {
      const place = placeOf(subscription, range)
      if (place === 'window') inWindow.push(subscription)
      else if (place === 'journal') older.push(subscription)
      else if (place === 'unknown') unknown.push(subscription)
      else this.#deliverGap([subscription], place)
    }
    if (inWindow.length > 0 && !this.#windowReplay.busy) this.#serveFromWindow(inWindow, epoch, first)
    if (unknown.length > 0) void this.#awaitUnknown(unknown)
    if (older.length > 0 && this.#scanScheduler.tryBegin(older.length)) this.#serveFromJournal(older, epoch)
  }

  /** `first`: the oldest offset in the window. */
  #serveFromWindow(subscriptions: readonly ChannelSubscription[], epoch: string, first: number): void {
    const oldest = this.#context.hotWindow.at(first)
    for (const subscription of subscriptions) {
      this.#pending.delete(subscription)
      if (!subscription.search) this.#recordResult(subscription, 'resumed')
      else if (oldest) subscription.search.beginAfter(cursorBefore(this.#context.cursors, epoch, oldest), false)
    }
    const begin = subscriptions.reduce(
      (least, subscription) => Math.min(least, Math.max(first, firstOffsetFor(subscription))),
      Number.POSITIVE_INFINITY,
    )
    this.#windowReplay.begin(this.#createBatch(subscriptions, begin - 1, epoch))
  }

  #serveFromJournal(subscriptions: readonly ChannelSubscription[], epoch: string): void {
    const batch = this.#createBatch([], -1, epoch)
    this.#beginWait(subscriptions, batch)
    void this.#journalReplay.begin(batch, subscriptions)
  }

  /** `answer`: any object that names what they wait for. */
  #beginWait(subscriptions: readonly ChannelSubscription[], answer: object): void {
    for (const subscription of subscriptions) {
      this.#pending.delete(subscription)
      this.#awaiting.set(subscription, answer)
    }
  }

  /** Returns whether the subscription still waited for this answer. */
  #endWait(subscription: ChannelSubscription, answer: object): boolean {
    return this.#awaiting.get(subscription) === answer && this.#awaiting.delete(subscription)
  }

  /**
   * Answers a position from before `originOf` with a `RETENTION` gap. Messages for an earlier owner
   * of the channel are never delivered to the present owner.
   */
  #skipToOrigin(subscription: ChannelSubscription): void {
    const origin = this.#context.originOf(subscription.topic)
    const { position } = subscription
    if (!origin || typeof position !== 'object' || !isOlder(position, origin)) return
    this.#recordResult(subscription, 'gap')
    subscription.deliver({ kind: 'GAP', cursor: origin, reason: 'RETENTION', oldest: origin, receivedAt: Date.now() })
  }

  #concludeSearch(subscription: ChannelSubscription, search: LastEventsSearch): void {
    const origin = this.#context.originOf(subscription.topic)
    const result = search.conclude(origin, this.#context.hotWindow.first ?? 0)
    if (result.kind === 'further') {
      this.resume(subscription)
      return
    }
    if (result.kind === 'gap') {
      void this.#deliverSearchGap(subscription, result)
      return
    }
    this.#endSearch(subscription, result.position)
    this.resume(subscription)
  }

  #endSearch(subscription: ChannelSubscription, position: Cursor | undefined): void {
    // It is a new subscription, which no resume counts.
    subscription.resumeResolved = true
    subscription.found(position)
  }

  /** There are fewer events than wanted, and older ones may have existed, or exist. */
  async #deliverSearchGap(
    subscription: ChannelSubscription,
    { position: cursor, isOldest }: Extract<SearchResult, { kind: 'gap' }>,
  ): Promise<void> {
    const waiting = [subscription]
    this.#beginWait(waiting, waiting)
    const oldest = isOldest ? cursor : await this.#oldest.read()
    if (!this.#endWait(subscription, waiting)) return
    this.#endSearch(subscription, cursor)
    subscription.deliver({ kind: 'GAP', cursor, reason: 'RETENTION', oldest, receivedAt: Date.now() })
    this.resume(subscription)
  }

  #goLive(subscription: ChannelSubscription): void {
    if (subscription.endsAtLive) {
      subscription.end()
      return
    }
    this.#context.hub.subscribe(subscription)
    this.#notLive.delete(subscription)
    subscription.wentLive()
    if (subscription.checkpoints) this.#context.checkpoints.add(subscription)
  }

  /**
   * Gives a new subscription a cursor at once. A client that disconnects before its first event can
   * then resume from here.
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
      // The journal is down: the next mark delivers the checkpoint.
      subscription.lastEventAt = 0
    }
  }

  #recordResult(subscription: ChannelSubscription, result: 'resumed' | 'gap'): void {
    if (subscription.resumeResolved) return
    subscription.resumeResolved = true
    this.#context.observer.resumed(result)
  }

  #createBatch(subscriptions: Iterable<ChannelSubscription>, lastOffset: number, epoch: string): ReplayBatch {
    const batch = new ReplayBatch(lastOffset, epoch)
    for (const subscription of subscriptions) batch.add(subscription, firstOffsetFor(subscription))
    this.#batches.add(batch)
    return batch
  }

  #deliverEntry(batch: ReplayBatch, entry: JournalMessage, from: 'window' | 'journal'): void {
    batch.lastOffset = entry.offset
    if (entry.unreadable) {
      this.#context.onUnreadable(entry)
      batch.unreadable = entry
      return
    }
    this.#deliverUnreadableGap(batch)
    if (entry.mark) return
    const recipients = this.#context.recipientsOf(entry, from)
    if (!batch.hasSubscribers(recipients)) return
    const event = this.#context.eventOf(entry, recipients)
    if (event) batch.deliver(entry.offset, recipients, event)
  }

  /**
   * Delivers one gap for a run of neighbouring entries. If the batch is interrupted before, its
   * successor reads these entries again.
   */
  #deliverUnreadableGap(batch: ReplayBatch): void {
    const last = batch.unreadable
    if (!last) return
    batch.unreadable = undefined
    batch.broadcast(last.offset, unreadableGap(this.#context.cursors, batch.epoch, last))
  }

  /**
   * Adds the subscription to the batch of a scan that has reached its offset with `entry`, unless
   * it continues in another way. `isOldest`: no entry of the journal is older.
   */
  #join(batch: ReplayBatch, subscription: ChannelSubscription, entry: JournalMessage, isOldest: boolean): void {
    const { position, search } = subscription
    if (search) {
      search.beginAfter(cursorBefore(this.#context.cursors, batch.epoch, entry), isOldest)
      batch.add(subscription, entry.offset)
      return
    }
    if (typeof position !== 'object') return
    const reason = gapReasonAt(position, entry, isOldest)
    if (!reason) {
      this.#recordResult(subscription, 'resumed')
      batch.add(subscription, firstOffsetFor(subscription))
    } else if (this.#context.epoch() !== batch.epoch) {
      // The journal is away: the scan may read a new one, which the tail does not know yet.
      this.resume(subscription)
    } else if (reason === 'RETENTION') {
      const cursor = cursorBefore(this.#context.cursors, batch.epoch, entry)
      const deliverGap = (): void => {
        this.#recordResult(subscription, 'gap')
        subscription.deliver({ kind: 'GAP', cursor, reason: 'RETENTION', oldest: cursor, receivedAt: Date.now() })
      }
      const resumeBehindGap = (): void => {
        deliverGap()
        this.resume(subscription)
      }
      if (this.#context.rebase(subscription, cursor, resumeBehindGap)) {
        this.#recordResult(subscription, 'resumed')
        return
      }
      deliverGap()
      batch.add(subscription, entry.offset)
    } else {
      this.#deliverGap([subscription], reason)
    }
  }

  #resumeAll(batch: ReplayBatch): void {
    batch.flush()
    this.#batches.delete(batch)
    for (const subscription of batch.subscriptions()) this.resume(subscription)
    this.#scheduleServe()
  }

  /**
   * Handles cursors of another epoch and cursors beyond the last entry that this replica has read.
   * Either another replica read further, or the cursor names another journal. When the mark comes
   * back, this replica has read everything that the journal held before it, including the start of
   * a new epoch. So the comparison is then final.
   */
  async #awaitUnknown(subscriptions: ChannelSubscription[]): Promise<void> {
    const { journal, hotWindow } = this.#context
    this.#beginWait(subscriptions, subscriptions)
    try {
      await journal.mark()
    } catch {
      for (const subscription of subscriptions)
        if (this.#endWait(subscription, subscriptions)) this.resume(subscription)
      return
    }
    const waiting = subscriptions.filter((subscription) => this.#endWait(subscription, subscriptions))
    const epoch = this.#context.epoch()
    const { last } = hotWindow
    // Without an entry, retention has overtaken the tail, which may be anywhere.
    const isLost = ({ position }: ChannelSubscription): boolean =>
      epoch !== undefined &&
      last !== undefined &&
      typeof position === 'object' &&
      isUnread(position, epoch, last.offset)
    const lost = waiting.filter(isLost)
    this.#deliverGap(lost, 'JOURNAL_REPLACED')
    for (const subscription of waiting) if (!lost.includes(subscription)) this.resume(subscription)
  }

  /** Delivers one gap with its reason, then continues live. */
  #deliverGap(subscriptions: ChannelSubscription[], reason: GapReason): void {
    this.#beginWait(subscriptions, subscriptions)
    void this.#oldest.read().then((oldest) => {
      const { last } = this.#context.hotWindow
      const epoch = this.#context.epoch()
      for (const subscription of subscriptions) {
        if (!this.#endWait(subscription, subscriptions)) continue
        if (!last || epoch === undefined) {
          this.resume(subscription)
          continue
        }
        this.#recordResult(subscription, 'gap')
        subscription.deliver({
          kind: 'GAP',
          // After the gap of a keyed state, a client that loses its connection at once reads the
          // new journal from its beginning.
          cursor: (hasState(subscription.topic) && oldest) || cursorOf(this.#context.cursors, epoch, last),
          reason,
          oldest,
          receivedAt: Date.now(),
        })
        if (!this.#context.restart(subscription)) this.#goLive(subscription)
      }
    })
  }
}
