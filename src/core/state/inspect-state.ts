import type { Cursor, CursorCodec } from '../model/cursor.ts'
import type { StateDefinition } from './state-definition.ts'
import type { StateHead, StateStore } from './state-store.ts'

export const stateStatuses = ['READY', 'BUILDING', 'FULL', 'UNAVAILABLE'] as const
/**
 * `READY`: it is served. `BUILDING`: its fold has not reached the end of the journal. `FULL`: it
 * exceeds its bounds, so it is neither folded nor served. `UNAVAILABLE`: the database cannot be
 * read.
 */
export type StateStatus = (typeof stateStatuses)[number]

/** The keyed state of a field at one moment, as every replica finds it in the store. */
export interface InspectedState {
  readonly status: StateStatus
  /** What it holds. Undefined: the database cannot be read. */
  readonly content:
    | {
        /** Without removed keys. */
        readonly keys: number
        /** Keys that were removed, and are kept for clients that come back. */
        readonly removedKeys: number
        /** Of the messages of all keys. */
        readonly bytes: number
        /** The last entry of the journal that is folded. Undefined: none is. */
        readonly cursor: Cursor | undefined
        /** Entries of the journal after it. */
        readonly lag: number
        /** The replica that folds it. Undefined: none does. */
        readonly replica: string | undefined
      }
    | undefined
}

export interface StateInspectionParts {
  readonly store: Pick<StateStore, 'head'>
  readonly cursors: CursorCodec
  /** The epoch of the journal, as far as it is known. */
  readonly epoch: () => string | undefined
  /** The newest entry that the tail has read. */
  readonly lastOffset: () => number | undefined
}

/** Never rejects. */
export async function inspectState(
  { id }: Pick<StateDefinition, 'id'>,
  { store, cursors, epoch, lastOffset }: StateInspectionParts,
): Promise<InspectedState> {
  let head: StateHead | undefined
  try {
    head = await store.head(id)
  } catch {
    // The fold and the readers log it.
    return { status: 'UNAVAILABLE', content: undefined }
  }
  const last = lastOffset() ?? -1
  const known = epoch()
  // What was folded from another journal is not served, and the next fold begins without it.
  const isOfJournal = head !== undefined && (known === undefined || head.epoch === known)
  const { place, keys, removed, bytes } =
    head && isOfJournal ? head : { place: undefined, keys: 0, removed: 0, bytes: 0 }
  return {
    status: statusOf(isOfJournal ? head : undefined),
    content: {
      keys: keys - removed,
      removedKeys: removed,
      bytes,
      cursor: place && { ...place, codec: cursors },
      lag: Math.max(0, last - (place?.offset ?? -1)),
      // The lease of a full state is held, so that its holder sees when the bounds change.
      replica: head && !head.full && head.heldUntil > Date.now() ? head.holder : undefined,
    },
  }
}

function statusOf(head: StateHead | undefined): StateStatus {
  if (head?.full) return 'FULL'
  return head?.built ? 'READY' : 'BUILDING'
}
