/** The keyed state of one field, as this replica knows it at one moment. */
export interface StateCounts extends Readonly<StateCounter> {
  readonly field: string
  /** Whether this replica has its lease, and folds it. Of all replicas at most one does. */
  readonly folding: boolean
  /** Whether this replica found that the state exceeds its bounds, so that nothing folds it. */
  readonly full: boolean
  /** Rows, removed keys included. 0 on a replica that does not fold the state. */
  readonly keys: number
  /** Of the rows' messages, as `keys`. */
  readonly bytes: number
  /** Entries of the journal that are not folded yet, as `keys`. */
  readonly lag: number
  /** The offset in the journal up to which it is folded, as `keys`. */
  readonly offset: number
}

/** What this replica did for the keyed state of one field. */
export interface StateCounter {
  /** Messages that were folded and stored. */
  folded: number
  /** Subscriptions that received the state, or what changed in it, to the end. */
  snapshots: number
  /** Times that retention deleted messages before they were folded. */
  missed: number
}
