import type { JournalMessage } from '../../model/message.ts'
import type { HotWindow } from '../../ports/hot-window.ts'
import { TimeSlice } from '../time-slice.ts'
import type { ReplayBatch } from './replay-batch.ts'

/** How many entries one slice handles at most. */
const sliceEntries = 5_000
/**
 * The share of time that replays of the window may take. It matters when clients arrive one after
 * another and each needs another replay of a long window.
 */
const replayShare = 1 / 4
/**
 * The longest pause that `replayShare` may cause, in ms. It bounds how long a resuming client
 * waits.
 */
const maxPauseMs = 500

export interface WindowReplayContext {
  readonly hotWindow: HotWindow
  /** Whether the journal is up. Only then does the window end where live delivery continues. */
  isUp(): boolean
  deliverEntry(batch: ReplayBatch, entry: JournalMessage): void
  /** Called in the same tick in which the batch reaches the end of the window. */
  onEndReached(batch: ReplayBatch): void
  /**
   * Called if the journal goes down, if the window evicts entries that the batch has not read, or
   * if the batch has read further than the tail. Each subscription must then resume from its own
   * position.
   */
  onInterrupted(batch: ReplayBatch): void
}

/**
 * Replays the hot window to batches, in time slices. A few replays serve any number of clients, if
 * clients that arrive during one replay wait for the next.
 */
export class WindowReplay {
  readonly #context: WindowReplayContext
  #running = 0
  #lastReplayMs = 0

  constructor(context: WindowReplayContext) {
    this.#context = context
  }

  get busy(): boolean {
    return this.#running > 0
  }

  /** How long to wait before the next replay, in milliseconds. */
  get pauseMs(): number {
    return Math.min(maxPauseMs, this.#lastReplayMs * (1 / replayShare - 1))
  }

  begin(batch: ReplayBatch): void {
    this.#running += 1
    this.#replaySlice(batch, performance.now())
  }

  #replaySlice(batch: ReplayBatch, startedAt: number): void {
    const { hotWindow } = this.#context
    const { first, last } = hotWindow
    const evicted = first === undefined || batch.lastOffset < first - 1
    // A scan may overtake the tail if retention deletes what the window holds. The tail will
    // deliver these entries to live subscriptions. A subscription that already has them must wait.
    const pastTail = last === undefined || batch.lastOffset > last.offset
    if (!this.#context.isUp() || evicted || pastTail) {
      this.#end(startedAt)
      this.#context.onInterrupted(batch)
      return
    }
    let left = sliceEntries
    const slice = new TimeSlice()
    hotWindow.visit(batch.lastOffset, (entry) => {
      this.#context.deliverEntry(batch, entry)
      left = slice.isOver ? 0 : left - 1
      return left > 0 && batch.size > 0
    })
    if (left === 0) {
      setImmediate(() => this.#replaySlice(batch, startedAt))
      return
    }
    this.#end(startedAt)
    this.#context.onEndReached(batch)
  }

  #end(startedAt: number): void {
    this.#running -= 1
    this.#lastReplayMs = performance.now() - startedAt
  }
}
