import type { Replayer } from '../delivery/channel-subscription.ts'
import type { CursorCodec } from '../model/cursor.ts'
import { StateFolder, type StateFolderContext } from './state-folder.ts'
import { StatePages, type StatePagesContext } from './state-pages.ts'
import { StateReplay } from './state-replay.ts'

export interface KeyedStatesParts
  extends Omit<StateFolderContext, 'epoch'>,
    Pick<StatePagesContext, 'matches' | 'pageEvents'> {
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
  #folded: Promise<void> | undefined

  constructor(parts: KeyedStatesParts) {
    this.pages = new StatePages(parts)
    this.replay = new StateReplay(this.pages, parts.replayer)
    this.folder = new StateFolder({ ...parts, epoch: () => (parts.isUp() ? parts.epoch() : undefined) })
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
