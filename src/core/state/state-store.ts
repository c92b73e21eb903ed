import type { JournalPlace } from '../model/cursor.ts'
import type { JournalMessage } from '../model/message.ts'

/** How far a keyed state is folded, and what it holds. */
export interface StateHead {
  /** Of the journal that it is folded from. */
  readonly epoch: string
  /** The last entry of the journal that is folded. Undefined: none. */
  readonly place: JournalPlace | undefined
  /** Whether the fold has reached the end of the journal since it began. */
  readonly built: boolean
  /** Whether a key was left out because of a bound, so that the state is not served. */
  readonly full: boolean
  /** Rows, removed keys included. */
  readonly keys: number
  /** Of the rows' messages. */
  readonly bytes: number
  /** Of the rows, those of removed keys. */
  readonly removed: number
  /**
   * What happened up to this offset may be unknown: rows were forgotten, or the journal lacked
   * messages. -1: all is known.
   */
  readonly forgottenUpTo: number
  /** The replica that folds it, as far as it holds the lease. */
  readonly holder: string
  /** In milliseconds since the epoch. */
  readonly heldUntil: number
}

/** The last message of a key. */
export interface StateRow {
  readonly key: string
  /** Text of the field's first condition in the message; empty for none and for several. */
  readonly index: string
  /** The message removed the key. The row stays for `keep`, for clients that come back. */
  readonly removed: boolean
  readonly message: JournalMessage
}

/** The right to fold a state. */
export interface StateLease {
  /** Grows with each holder. A fold with an older number is refused. */
  readonly fence: number
  readonly head: StateHead
}

export interface StateFold {
  readonly id: string
  readonly fence: number
  /** The last entry that this fold includes. */
  readonly place: JournalPlace
  /** At most one a key. */
  readonly rows: readonly StateRow[]
  readonly built: boolean
  readonly full: boolean
  /** Messages up to this offset were missing in the journal. -1: none was. */
  readonly missingUpTo: number
  /** In milliseconds since the epoch. */
  readonly now: number
  /** The lease is renewed until then. In milliseconds since the epoch. */
  readonly until: number
}

export interface StatePageRequest {
  readonly id: string
  /** As `StateTopic.indexes`. Rows with an empty text are always read. */
  readonly indexes: readonly string[] | undefined
  /** Only rows with a greater offset. */
  readonly after: number
  readonly maxRows: number
}

export interface StatePage {
  /** At the moment of the read. */
  readonly head: StateHead
  /** In the order of offsets. Fewer than `maxRows`: there are no more. */
  readonly rows: readonly StateRow[]
}

/**
 * Keeps the rows of keyed states, each with the place in the journal up to which it is folded. It
 * survives restarts, and replicas share it. Every method rejects only if the database cannot be
 * reached or fails.
 */
export interface StateStore {
  /**
   * Takes or renews the lease of a state, which is added if it is unknown. Undefined: another
   * holder has it at `now`. `field` is for operators.
   */
  lease(options: {
    readonly id: string
    readonly field: string
    readonly holder: string
    readonly now: number
    readonly until: number
  }): Promise<StateLease | undefined>
  /** Gives the lease back, so that another replica need not wait until it ends. */
  release(id: string, fence: number): Promise<void>
  /** Begins again without rows. Resolves with undefined if the lease is lost. */
  reset(id: string, fence: number, epoch: string): Promise<StateHead | undefined>
  /**
   * Writes rows and place in one transaction. Resolves with undefined, and writes nothing, if the
   * lease is lost.
   */
  fold(fold: StateFold): Promise<StateHead | undefined>
  /**
   * Forgets rows that were folded before `foldedBefore` (milliseconds since the epoch): removed
   * keys only, unless `all`. A bounded number; resolves with how many they were.
   */
  forget(options: {
    readonly id: string
    readonly fence: number
    readonly foldedBefore: number
    readonly all: boolean
  }): Promise<number>
  /**
   * Deletes a bounded number of rows that no state has any more. Resolves with how many they were.
   */
  sweep(): Promise<number>
  /** Undefined: the state is unknown. */
  head(id: string): Promise<StateHead | undefined>
  /** Rows and head of one moment. Undefined: the state is unknown. */
  page(request: StatePageRequest): Promise<StatePage | undefined>
  close(): Promise<void>
}
