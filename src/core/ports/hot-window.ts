import type { Counted } from '../accounting/message-outcomes.ts'
import type { Decodable } from '../body/decode-body.ts'
import type { JournalMessage } from '../model/message.ts'
import type { Routable } from '../sources/source-router.ts'

/** An entry of the journal that caches its decoded body, its audience and its counters. */
export interface WindowEntry extends JournalMessage, Decodable, Routable, Counted {
  /** `HotWindow.add` replaces it with the bytes that the window keeps. */
  body: Buffer
  /**
   * Returns a copy that does not share memory with other entries. Call it before keeping an entry:
   * the body of one that was kept without it becomes empty when the window reuses its memory.
   * Undefined: the entry shares no memory and may be kept as it is.
   */
  detach?: (() => WindowEntry) | undefined
}

/**
 * The end of the journal in memory, in the order of offsets, as the tail delivered it. A client
 * that was disconnected for less time than the window spans resumes from it, without a request to
 * the broker. The implementation bounds it by bytes and age, and evicts the oldest entries.
 */
export interface HotWindow {
  /** The oldest offset in the window; undefined if it is empty. */
  readonly first: number | undefined
  /** The memory that the entries take, in bytes. */
  readonly bytes: number
  /** The newest entry, which is never evicted; undefined if the window is empty. */
  readonly last: WindowEntry | undefined
  /**
   * Appends an entry. Offsets must grow. Sets `outcomes` and `slot` of the entry, and may set
   * `body` and `detach`: what was in `body` is not needed afterwards. Called by `JournalListener`
   * only.
   */
  add(entry: WindowEntry): void
  /** The entry at exactly this offset; undefined if the window does not hold it. */
  at(offset: number): WindowEntry | undefined
  /**
   * Calls `visit` for each entry with a greater offset, in order, until it returns false. -1 visits
   * all. `visit` must not keep an entry without `detach`.
   */
  visit(offset: number, visit: (entry: WindowEntry) => boolean): void
  /** Removes all entries: after a new epoch or a truncation. */
  clear(): void
}
