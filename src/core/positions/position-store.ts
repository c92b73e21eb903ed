import type { JournalPlace } from '../model/cursor.ts'

/** A position belongs to a client, under a name of the client's choice. */
export interface PositionKey {
  readonly clientId: string
  readonly name: string
}

export interface StoredPosition extends PositionKey {
  /** `topicText` of the first subscription. Undefined: there has been none, only acks. */
  readonly topic: string | undefined
  /** Everything up to here is acked. Undefined: nothing is, and no start was known. */
  readonly place: JournalPlace | undefined
  /**
   * The number of the subscription that took it last. A later one has a greater number, also if the
   * position was deleted in between. 0: no subscription took it.
   */
  readonly holder: number
  /** The replica of that subscription. Undefined: none took it, or one of a release before 0.3. */
  readonly heldBy: string | undefined
  readonly movedAt: Date
  /** When it was last moved, taken or held. Positions expire by it. */
  readonly usedAt: Date
}

/** A subscription begins with a position. */
export interface PositionTake extends PositionKey {
  readonly topic: string
  /** The replica of the subscription. */
  readonly replica: string
  /** Stored if the position has no place yet. */
  readonly place: JournalPlace | undefined
  /**
   * When the subscription asked for it. That is its number, in milliseconds, or the number after
   * that of the one before, if that is greater.
   */
  readonly askedAt: Date
  readonly at: Date
  /** The most positions of one client. */
  readonly most: number
}

export type TakenPosition =
  /**
   * The row as it is now; `holder` is the number of this subscription. `heldBefore`: `heldBy` until
   * now.
   */
  | { readonly kind: 'taken'; readonly position: StoredPosition; readonly heldBefore: string | undefined }
  /** The position is that of another field, or of other arguments. Nothing was changed. */
  | { readonly kind: 'other'; readonly topic: string }
  /** The client has too many positions. */
  | { readonly kind: 'full' }

/** Everything up to `place` was handled. */
export interface PositionMove extends PositionKey {
  readonly place: JournalPlace
  /** Moves only if this subscription has it. Undefined: in any case. */
  readonly holder: number | undefined
  /**
   * The epoch that the stored place may have besides that of `place`. The caller has verified that
   * it is older.
   */
  readonly from: string | undefined
}

/**
 * Stores named positions. Replicas share it. Every method is atomic, and rejects only if the
 * database cannot be reached or fails.
 *
 * A position moves forward only: within an epoch to a greater offset, and to another epoch only
 * from the one that the caller names.
 */
export interface PositionStore {
  /** Adds the position if it is missing. Concurrent callers get different numbers. */
  take(take: PositionTake): Promise<TakenPosition>
  /**
   * Gives the position its first place, unless it has one, and resolves with the row. Undefined: a
   * later subscription has it, or it was deleted.
   */
  begin(
    begun: Omit<PositionMove, 'from' | 'holder'> & { readonly holder: number },
    at: Date,
  ): Promise<StoredPosition | undefined>
  /**
   * Adds the position unless it exists, and resolves with the row. Undefined: the client has too
   * many positions.
   */
  add(
    added: PositionKey & { readonly place: JournalPlace; readonly at: Date; readonly most: number },
  ): Promise<StoredPosition | undefined>
  /** Positions that do not exist are ignored. Each position at most once, and at most 200. */
  move(moves: readonly PositionMove[], at: Date): Promise<void>
  /** The positions that exist, in any order. At most 200 keys. */
  find(keys: readonly PositionKey[]): Promise<StoredPosition[]>
  /** All positions of a client in the order of their names. */
  listOf(clientId: string): Promise<StoredPosition[]>
  /** They are in use. At most 200 keys. */
  touch(keys: readonly PositionKey[], at: Date): Promise<void>
  /** Resolves with false if there was no such position. */
  remove(key: PositionKey): Promise<boolean>
  removeAllOf(clientId: string): Promise<void>
  /** Removes what was last used before this time. Resolves with the number. */
  removeUnused(before: Date): Promise<number>
}

/** The most keys or moves of one call. */
export const positionsAStatement = 200
