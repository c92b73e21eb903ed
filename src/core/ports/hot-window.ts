import type { JournalMessage } from '../model/message.ts'

/**
 * The hot window: the end of the journal, in order of offset, as the tail delivered it. Whoever was away for less than
 * it spans is served from here without touching the broker.
 */
export interface HotWindow {
  /** The oldest offset held; undefined while nothing is. */
  readonly first: number | undefined
  /** What it holds, columns and texts included. */
  readonly bytes: number
  /** The newest entry, which is always kept. */
  readonly last: JournalMessage | undefined
  /** The entry is told where its fate is written down (`fates`, `place`). */
  add(entry: JournalMessage): void
  /** The entry at exactly this offset. */
  at(offset: number): JournalMessage | undefined
  /** Visits entries behind `offset` in order until `visit` returns false. */
  visit(offset: number, visit: (entry: JournalMessage) => boolean): void
  clear(): void
}
