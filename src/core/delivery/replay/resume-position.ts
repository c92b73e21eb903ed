import type { GapReason } from '../../model/channel-event.ts'
import { type Cursor, fingerprintOf, firstOffsetAfter } from '../../model/cursor.ts'
import type { JournalMessage } from '../../model/message.ts'
import type { ChannelSubscription } from '../channel-subscription.ts'

/** What a subscription resumes from: its position, or the search for it. */
export type Resuming = Pick<ChannelSubscription, 'position' | 'search'>

/** The part of the journal that is in the hot window, which ends where this replica has read. */
export interface ReadRange {
  readonly epoch: string
  /** The oldest offset, and the newest. */
  readonly first: number
  readonly last: number
  /** The entry at exactly this offset. */
  at(offset: number): JournalMessage | undefined
}

/** Where this replica finds what a subscription resumes from. */
export type PositionPlace =
  /** The hot window. */
  | 'window'
  /** The journal, which also decides whether it still has the position. */
  | 'journal'
  /** What this replica has read does not show it: see `isUnread`. */
  | 'unknown'
  /** A gap with this reason, after which it continues live. */
  | Extract<GapReason, 'INVALID_CURSOR' | 'JOURNAL_REPLACED'>

/**
 * Offsets alone decide nothing: another journal has the same ones. A position is valid if the
 * message at its offset has its fingerprint.
 */
export function placeOf({ position, search }: Resuming, range: ReadRange): PositionPlace {
  if (search) return search.from === undefined || search.from >= range.first ? 'window' : 'journal'
  if (typeof position !== 'object') return 'INVALID_CURSOR'
  if (isUnread(position, range.epoch, range.last)) return 'unknown'
  if (position.offset < range.first) return 'journal'
  const entry = range.at(position.offset)
  return entry && isAt(position, entry) ? 'window' : 'JOURNAL_REPLACED'
}

/**
 * Whether a replica that has read this epoch up to the offset `last` does not know the position.
 * Either another replica read further, or the cursor names another journal.
 */
export function isUnread(position: Cursor, epoch: string, last: number): boolean {
  return position.epoch !== epoch || position.offset > last
}

/**
 * What the first entry that is not before the position's offset shows: the reason for a gap, or
 * undefined if the entry is the message of the position. `isOldest`: no entry of the journal is
 * older.
 */
export function gapReasonAt(
  position: Cursor,
  entry: JournalMessage,
  isOldest: boolean,
): Extract<GapReason, 'RETENTION' | 'JOURNAL_REPLACED'> | undefined {
  if (entry.offset === position.offset && isAt(position, entry)) return undefined
  return entry.offset > position.offset && isOldest ? 'RETENTION' : 'JOURNAL_REPLACED'
}

/** Where a scan for the subscription begins. */
export function scanOffsetOf({ search, position }: Resuming): number {
  return search?.from ?? (typeof position === 'object' ? position.offset : 0)
}

/** The first offset that the subscription has not received. */
export function firstOffsetFor({ position }: Resuming): number {
  return typeof position === 'object' ? firstOffsetAfter(position) : 0
}

function isAt(position: Cursor, entry: JournalMessage): boolean {
  return fingerprintOf(entry) === position.fingerprint
}
