import type { StateCounts } from '../accounting/state-counts.ts'
import type { Replayer } from '../delivery/channel-subscription.ts'
import type { CursorCodec } from '../model/cursor.ts'
import { type InspectedState, inspectState } from './inspect-state.ts'
import { StateCounters } from './state-counters.ts'
import { StateFolder, type StateFolderContext } from './state-folder.ts'
import { StatePages, type StatePagesContext } from './state-pages.ts'
import { StateReplay } from './state-replay.ts'

export interface KeyedStatesParts
  extends Omit<StateFolderContext, 'epoch' | 'counters'>,
    Pick<StatePagesContext, 'pageEvents'> {
  readonly cursors: CursorCodec
  /** Brings subscriptions from their position to the live end. */
  readonly replayer: Replayer
  /** The epoch of the journal, as far as it is known. */
  readonly epoch: () => string | undefined
  readonly isUp: () => boolean
}

/** The keyed state of this replica's fields: what folds it, and what serves it. */
export class KeyedStates {
  readonly replay: StateReplay
  readonly pages: StatePages
  readonly folder: StateFolder
  readonly #parts: KeyedStatesParts
  readonly #counters = new StateCounters()
  #folded: Promise<void> | undefined

  constructor(parts: KeyedStatesParts) {
    this.#parts = parts
    this.pages = new StatePages(parts)
    this.replay = new StateReplay(this.pages, parts.replayer, this.#counters)
    this.folder = new StateFolder({
      ...parts,
      counters: this.#counters,
      epoch: () => (parts.isUp() ? parts.epoch() : undefined),
    })
  }

  /** Of the fields that the schema has now. Reads no store. */
  get counts(): readonly StateCounts[] {
    const lastOffset = this.#parts.lastOffset() ?? -1
    const now = Date.now()
    return this.#parts.definitions().map(({ id, field }) => {
      // While the database is away, the lease ends, and nothing is folded.
      const fold = this.folder.folds.find(
        ({ definition, end, head }) => definition.id === id && end === undefined && head.heldUntil > now,
      )
      const { keys = 0, bytes = 0, place } = fold?.head ?? {}
      return {
        field,
        folding: fold !== undefined,
        full: this.folder.isFull(id),
        keys,
        bytes,
        offset: place?.offset ?? 0,
        lag: fold ? Math.max(0, lastOffset - (place?.offset ?? -1)) : 0,
        ...this.#counters.of(field),
      }
    })
  }

  /** Of the field as the schema has it now, from the store. Undefined: the field has no state. */
  async inspect(field: string): Promise<InspectedState | undefined> {
    const definition = this.#parts.definitions().find((one) => one.field === field)
    return definition && inspectState(definition, this.#parts)
  }

  open(): void {
    this.folder.open()
  }

  /** Begins to stop; `close` waits for the end. */
  stop(): void {
    this.pages.close()
    this.#folded ??= this.folder.close()
  }

  /** Resolves when nothing is read or written any more. The store may be closed then. */
  async close(): Promise<void> {
    this.stop()
    await this.#folded
  }
}
