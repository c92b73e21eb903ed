import type { JournalMessage } from '../model/message.ts'
import type { HotWindow } from '../ports/hot-window.ts'
import type { ReplayBatch } from './replay-batch.ts'
import { TimeSlice } from './time-slice.ts'

/** Entries handled before other work gets its turn. */
const sliceEntries = 5_000
/**
 * Of a long window that is walked again and again, as in a storm of clients which come one after
 * another: at most so much of the time goes into it.
 */
const replayShare = 1 / 4
/**
 * However long that makes it: how long somebody who comes back may have to wait, in milliseconds.
 */
const maxPauseMs = 500

export interface WindowReplayContext {
  readonly hotWindow: HotWindow
  /** Whether the journal is up: its window is what the tail delivered last. */
  isUp(): boolean
  deliverEntry(batch: ReplayBatch, entry: JournalMessage): void
  /** Called in the very turn in which the window's end is reached. */
  onEndReached(batch: ReplayBatch): void
  /**
   * The journal went away, or the window's end overtook the passage between two slices: each feed
   * begins again from where it is.
   */
  onInterrupted(batch: ReplayBatch): void
}

/**
 * Passages through the hot window, in slices. A few suffice for any number of clients, so long as
 * those who come during one wait for the next.
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

  /** How long to wait before the next one, in milliseconds. */
  get pauseMs(): number {
    return Math.min(maxPauseMs, this.#lastReplayMs * (1 / replayShare - 1))
  }

  begin(batch: ReplayBatch): void {
    this.#running += 1
    this.#replaySlice(batch, performance.now())
  }

  #replaySlice(batch: ReplayBatch, startedAt: number): void {
    const { hotWindow } = this.#context
    if (!this.#context.isUp() || hotWindow.first === undefined || batch.at < hotWindow.first - 1) {
      this.#end(startedAt)
      this.#context.onInterrupted(batch)
      return
    }
    let left = sliceEntries
    const slice = new TimeSlice()
    hotWindow.visit(batch.at, (entry) => {
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
