import type { JournalMessage } from '../model/message.ts'
import type { Passage } from './replay-batch.ts'
import type { RecentMessages } from '../ports/hot-window.ts'
import { TimeSlice } from './time-slice.ts'

/** Entries handled before other work gets its turn. */
const sliceEntries = 5_000
/** Of a long window that is walked again and again, as in a storm of clients which come one after another: at most so much of the time goes into it. */
const walkShare = 1 / 4
/** However long that makes it: how long somebody who comes back may have to wait, in milliseconds. */
const maxRestMs = 500

export interface WindowWalksContext {
  readonly recent: RecentMessages
  /** Whether the journal is up: its window is what the tail delivered last. */
  isUp(): boolean
  pass(passage: Passage, entry: JournalMessage): void
  /** Called in the very turn in which the window's end is reached. */
  arrived(passage: Passage): void
  /** The journal went away, or the window's end overtook the passage between two slices: each feed begins again from where it is. */
  interrupted(passage: Passage): void
}

/** Passages through the hot window, in slices. A few suffice for any number of clients, so long as those who come during one wait for the next. */
export class WindowWalks {
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

  begin(passage: Passage): void {
    this.#walking += 1
    this.#walk(passage, performance.now())
  }

  #walk(passage: Passage, since: number): void {
    const { recent } = this.#context
    if (!this.#context.isUp() || recent.first === undefined || passage.at < recent.first - 1) {
      this.#end(since)
      this.#context.interrupted(passage)
      return
    }
    let left = sliceEntries
    const slice = new TimeSlice()
    recent.visit(passage.at, (entry) => {
      this.#context.pass(passage, entry)
      left = slice.isOver ? 0 : left - 1
      return left > 0 && passage.size > 0
    })
    if (left === 0) {
      setImmediate(() => this.#walk(passage, since))
      return
    }
    this.#end(since)
    this.#context.arrived(passage)
  }

  #end(since: number): void {
    this.#walking -= 1
    this.#lastMs = performance.now() - since
  }
}
