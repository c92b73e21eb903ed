import { forgetBody } from '../body/decode-body.ts'
import { fingerprintOf } from '../model/cursor.ts'
import type { InvalidEvent } from '../ports/event-matcher.ts'
import type { WindowEntry } from '../ports/hot-window.ts'
import type { StateDefinition } from './state-definition.ts'
import type { StateFold, StateHead, StateLease, StateRow } from './state-store.ts'

/** What happened to a fold, so that it does not continue. */
export type FoldEnd = 'lease lost' | 'replaced' | 'full'

export interface RunningFoldParts {
  readonly epoch: string
  /** The last offset of the journal now. */
  readonly endsAt: number
  /** A message that came after the state was built does not fit the field. */
  readonly onInvalid: (entry: WindowEntry, invalid: InvalidEvent) => void
}

/** The fold of one state while this replica has its lease: what it has read and not yet written. */
export class RunningFold {
  readonly definition: StateDefinition
  readonly fence: number
  /** As it is stored. */
  head: StateHead
  /** Set when it must not continue. */
  end: FoldEnd | undefined
  /** Approximate size of the rows that wait, in bytes. */
  bytes = 0
  /** How many messages it has folded. */
  folded = 0
  /** How many of them are stored. */
  stored = 0
  readonly #epoch: string
  /** Once it has read the entry at this offset, it has reached the end of the journal. */
  readonly #endsAt: number
  #rows = new Map<string, StateRow>()
  #offset: number
  #fingerprint: number
  /** Whether it has met the entry at which it continues. */
  #isVerified: boolean
  #missingUpTo = -1
  #built: boolean
  readonly #onInvalid: (entry: WindowEntry, invalid: InvalidEvent) => void

  constructor(
    definition: StateDefinition,
    { fence, head }: StateLease,
    { epoch, endsAt, onInvalid }: RunningFoldParts,
  ) {
    this.definition = definition
    this.#onInvalid = onInvalid
    this.fence = fence
    this.head = head
    this.#epoch = epoch
    this.#endsAt = endsAt
    this.#offset = head.place?.offset ?? -1
    this.#fingerprint = head.place?.fingerprint ?? 0
    this.#isVerified = head.place === undefined
    this.#built = head.built
  }

  /** Where it continues to read. */
  get offset(): number {
    return Math.max(0, this.#offset)
  }

  get waitingRows(): number {
    return this.#rows.size
  }

  /** A write in the meantime may have renewed the lease for longer. */
  renew({ head: { heldUntil } }: StateLease): void {
    this.head = { ...this.head, heldUntil: Math.max(this.head.heldUntil, heldUntil) }
  }

  /** Whether it has read anything that is not stored. */
  get hasNews(): boolean {
    return this.end === undefined && this.#offset > (this.head.place?.offset ?? -1)
  }

  /**
   * Reads the next entry of the journal. `isFirst`: no entry of the journal is older, or none was
   * read before. `isSilent`: it is not an event.
   */
  visit(entry: WindowEntry, isFirst: boolean, isSilent: boolean, cursor: () => string): void {
    if (this.end !== undefined || entry.offset < this.#offset) return
    if (!this.#isVerified) {
      if (entry.offset === this.#offset) {
        if (fingerprintOf(entry) !== this.#fingerprint) this.end = 'replaced'
        this.#isVerified = true
        return
      }
      // Retention deletes the oldest entries first.
      if (!isFirst) {
        this.end = 'replaced'
        return
      }
      this.#isVerified = true
      this.#missingUpTo = entry.offset - 1
    } else if (entry.offset === this.#offset) {
      return
    } else if (this.#offset < 0 && isFirst) {
      // The state is built of what the journal has.
      this.#missingUpTo = entry.offset - 1
    }
    this.#offset = entry.offset
    this.#fingerprint = fingerprintOf(entry)
    if (isSilent || !this.definition.exchanges.has(entry.exchange)) return
    const read = this.definition.fold(entry, cursor)
    if (!read) return
    if ('invalid' in read) {
      // What the state is built of came before this field did.
      if (this.#built) this.#onInvalid(entry, read.invalid)
      return
    }
    const { key, index, removed } = read
    const copy = entry.detach?.()
    if (copy) forgetBody(copy)
    this.#rows.set(key, { key, index, removed, message: copy ?? entry })
    this.bytes += entry.body.length + key.length
    this.folded += 1
  }

  /** Whether messages were missing in the journal since the last write. */
  get missed(): boolean {
    return this.#missingUpTo >= 0 && (this.head.place?.offset ?? -1) >= 0
  }

  /** Takes what waits, for one transaction. */
  take(now: number, until: number, full = false): StateFold {
    const rows = [...this.#rows.values()]
    this.#rows = new Map()
    this.bytes = 0
    this.#built ||= this.#offset >= this.#endsAt
    const missingUpTo = this.#missingUpTo
    this.#missingUpTo = -1
    return {
      id: this.definition.id,
      fence: this.fence,
      place: { epoch: this.#epoch, offset: this.#offset, fingerprint: this.#fingerprint, before: false },
      rows,
      built: this.#built,
      full,
      missingUpTo,
      now,
      until,
    }
  }
}
