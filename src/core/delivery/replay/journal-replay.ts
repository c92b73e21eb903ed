import type { JournalMessage } from '../../model/message.ts'
import type { HotWindow } from '../../ports/hot-window.ts'
import type { Journal } from '../../ports/journal.ts'
import type { ChannelSubscription } from '../channel-subscription.ts'
import { Deduplicator } from '../deduplicator.ts'
import type { ReplayBatch } from './replay-batch.ts'
import { scanOffsetOf } from './resume-position.ts'

/**
 * A scan starts this many offsets before the oldest wanted position. The deduplicator then knows a
 * message that was published twice around that position.
 */
const lookBackOffsets = 1_000

export interface JournalReplayContext {
  readonly journal: Journal
  readonly hotWindow: HotWindow
  /** The journal's epoch; undefined while the journal is down. */
  epoch(): string | undefined
  /**
   * Called before `entry` is delivered, which is the first one that is not before the offset of
   * this subscription. `isOldest`: no entry of the journal is older.
   */
  onReached(batch: ReplayBatch, subscription: ChannelSubscription, entry: JournalMessage, isOldest: boolean): void
  deliverEntry(batch: ReplayBatch, entry: JournalMessage): void
  /** Called when the batch has read the journal up to the hot window. */
  onWindowReached(batch: ReplayBatch): void
  /**
   * Called if the scan ends before the window, or if the journal went down or was replaced. Each
   * subscription of the batch must then resume from its own position.
   */
  onInterrupted(batch: ReplayBatch): void
  /** Called last. `unreached`: those without a call of `onReached`. */
  onEnd(batch: ReplayBatch, unreached: readonly ChannelSubscription[]): void
}

/**
 * Reads the journal once for many subscriptions, up to the hot window. Each joins the batch where
 * the scan reaches its offset.
 */
export class JournalReplay {
  readonly #context: JournalReplayContext
  readonly #signal: AbortSignal

  /** A scan stops when `signal` aborts. */
  constructor(context: JournalReplayContext, signal: AbortSignal) {
    this.#context = context
    this.#signal = signal
  }

  /** `batch`: it is empty, and has read nothing. */
  async begin(batch: ReplayBatch, subscriptions: readonly ChannelSubscription[]): Promise<void> {
    const { journal, hotWindow } = this.#context
    const waiting = subscriptions.toSorted((a, b) => scanOffsetOf(a) - scanOffsetOf(b))
    const begin = waiting[0] ? scanOffsetOf(waiting[0]) : 0
    batch.lastOffset = begin - 1
    let isOldest = true
    let reachedWindow = false
    const deduplicator = new Deduplicator(journal.repeats)
    const visit = (entry: JournalMessage): boolean => {
      const repeat = deduplicator.record(entry)
      if (entry.offset < begin) {
        // Retention deletes the oldest entries first, so it has not deleted the wanted positions.
        isOldest = false
        return true
      }
      for (
        let subscription = waiting[0];
        subscription && scanOffsetOf(subscription) <= entry.offset;
        subscription = waiting[0]
      ) {
        waiting.shift()
        this.#context.onReached(batch, subscription, entry, isOldest)
      }
      isOldest = false
      if (!repeat) this.#context.deliverEntry(batch, entry)
      batch.lastOffset = entry.offset
      reachedWindow = hotWindow.first !== undefined && entry.offset >= hotWindow.first
      return !reachedWindow && batch.size + waiting.length > 0
    }
    try {
      await journal.scan(Math.max(0, begin - lookBackOffsets), visit, this.#signal)
      // The tail may have added entries since the last visit; the batch reads those from the window
      // too.
      if (reachedWindow && this.#context.epoch() === batch.epoch) this.#context.onWindowReached(batch)
      else this.#context.onInterrupted(batch)
    } catch {
      this.#context.onInterrupted(batch)
    } finally {
      this.#context.onEnd(batch, waiting)
    }
  }
}
