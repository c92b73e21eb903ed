import type { Counted } from '../accounting/message-outcomes.ts'
import type { Decodable } from '../body/decode-body.ts'
import type { JournalMessage } from '../model/message.ts'
import type { Routable } from '../sources/source-router.ts'

/** An entry of the journal with what was worked out about it, so that it is worked out once. */
export interface WindowEntry extends JournalMessage, Decodable, Routable, Counted {
  /**
   * Returns a message that stands alone, for who keeps it. Only entries that are views into the
   * memory of many have this function.
   */
  detach?(): WindowEntry
}

/**
 * The hot window: the end of the journal, in order of offset, as the tail delivered it. A client
 * that was away for less time than it spans is served from here, without a request to the broker.
 */
export interface HotWindow {
  /** The oldest offset held; undefined while nothing is. */
  readonly first: number | undefined
  /** What it holds in bytes, columns and texts included. */
  readonly bytes: number
  /** The newest entry, which is always kept. */
  readonly last: WindowEntry | undefined
  /** Sets `outcomes` and `slot` of the entry. */
  add(entry: WindowEntry): void
  /** The entry at exactly this offset. */
  at(offset: number): WindowEntry | undefined
  /** Visits entries behind `offset` in order until `visit` returns false. */
  visit(offset: number, visit: (entry: WindowEntry) => boolean): void
  clear(): void
}
