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
const walkShare = 1 / 4
/**
 * However long that makes it: how long somebody who comes back may have to wait, in milliseconds.
 */
const maxRestMs = 500

export interface WindowWalksContext {
  readonly hotWindow: HotWindow
  /** Whether the journal is up: its window is what the tail delivered last. */
  isUp(): boolean
  pass(batch: ReplayBatch, entry: JournalMessage): void
  /** Called in the very turn in which the window's end is reached. */
  arrived(batch: ReplayBatch): void
  /**
   * The journal went away, or the window's end overtook the passage between two slices: each feed
   * begins again from where it is.
   */
  interrupted(batch: ReplayBatch): void
}

/**
 * Passages through the hot window, in slices. A few suffice for any number of clients, so long as
 * those who come during one wait for the next.
 */
export class WindowReplay {
  readonly #context: WindowWalksContext
  #walking = 0
  #lastMs = 0

  constructor(context: WindowWalksContext) {
    this.#context = context
  }

  get busy(): boolean {
    return this.#walking > 0
  }

  /** How long to wait before the next one, in milliseconds. */
  get restMs(): number {
    return Math.min(maxRestMs, this.#lastMs * (1 / walkShare - 1))
  }

  begin(batch: ReplayBatch): void {
    this.#walking += 1
    this.#walk(batch, performance.now())
  }

  #walk(batch: ReplayBatch, since: number): void {
    const { hotWindow } = this.#context
    if (!this.#context.isUp() || hotWindow.first === undefined || batch.at < hotWindow.first - 1) {
      this.#end(since)
      this.#context.interrupted(batch)
      return
    }
    let left = sliceEntries
    const slice = new TimeSlice()
    hotWindow.visit(batch.at, (entry) => {
      this.#context.pass(batch, entry)
      left = slice.isOver ? 0 : left - 1
      return left > 0 && batch.size > 0
    })
    if (left === 0) {
      setImmediate(() => this.#walk(batch, since))
      return
    }
    this.#end(since)
    this.#context.arrived(batch)
  }

  #end(since: number): void {
    this.#walking -= 1
    this.#lastMs = performance.now() - since
  }
}
