import { BoundedSet } from '../limits/bounded-set.ts'
import { fingerprintOf } from '../model/cursor.ts'
import type { JournalMessage } from '../model/message.ts'
import { noteOf } from '../ports/journal.ts'
import { repeatedHeader } from '../publishing/repeated-header.ts'
import { FirstOffsets, IdHash } from './first-offsets.ts'

/**
 * `publish` sets this header if the caller gives an idempotency key. A back end may set it too.
 * Clients never receive it.
 */
export const idempotencyHeader = 'x-warren-idempotency-key'

/** How many keys one generation holds. Two generations are remembered. */
const generationKeys = 50_000
const generationMs = 5 * 60 * 1000
/** How long after an outage publishers may still publish unconfirmed messages again, in ms. */
export const retriesMs = 120_000
/** How many offsets of repeated entries are remembered. */
const maxRepeats = 50_000

/**
 * Finds messages that the journal holds twice, within the last minutes.
 *
 * Entries with the same idempotency key are always the same message. Entries with the same message
 * id, envelope and body are the same message only around an outage of the broker: a publisher
 * without a confirmation publishes again, and both copies may be stored. At other times a repeated
 * message id is the publisher's own choice, and the message is delivered. Exceptions: it came
 * through a buffered source, or a gateway published it again.
 */
export class Deduplicator {
  readonly #hash = new IdHash()
  #current = new Generation()
  #previous = new Generation()
  #generationStartedAt = 0
  #retriesUntil = 0
  readonly #byMessageId: boolean
  /**
   * Entries with a repeated message id while no outage was known. They become repeats if a replica
   * reports an outage later.
   */
  readonly #suspects = new BoundedSet<number>(maxRepeats)
  readonly #repeats = new BoundedSet<number>(maxRepeats)

  /** `byMessageId`: whether publishers may publish stored messages again (`Journal.repeats`). */
  constructor(byMessageId: boolean) {
    this.#byMessageId = byMessageId
  }

  /** Whether the entry at this offset repeats an earlier one. */
  isRepeat(offset: number): boolean {
    return this.#repeats.has(offset)
  }

  /** The broker is away. Until `retriesMs` after its return, a repeated message id is a repeat. */
  outageBegan(): void {
    this.#retriesUntil = Number.POSITIVE_INFINITY
  }

  outageEnded(): void {
    if (this.#retriesUntil === Number.POSITIVE_INFINITY) this.#retriesUntil = Date.now() + retriesMs
  }

  /** Records the next entry of the journal and returns whether it is a repeat. */
  record(entry: JournalMessage): boolean {
    if (entry.mark) {
      const note = noteOf(entry)
      if (note?.kind === 'reconnected') this.#reconnected(note.since, note.at)
      return false
    }
    const { messageId, headers } = entry.properties
    const idempotencyKey = headers?.[idempotencyHeader]
    if (typeof idempotencyKey === 'string') {
      if (!this.#isKnownKey(idempotencyKey, entry)) return false
    } else {
      if (!this.#byMessageId || messageId === undefined) return false
      if (!this.#isKnownId(messageId, fingerprintOf(entry), entry)) return false
      const isRetry = entry.buffered === true || entry.redelivered || headers?.[repeatedHeader] === true
      if (entry.receivedAt >= this.#retriesUntil && !isRetry) {
        this.#suspects.add(entry.offset)
        return false
      }
    }
    this.#repeats.add(entry.offset)
    return true
  }

  clear(): void {
    this.#current = new Generation()
    this.#previous = new Generation()
    this.#suspects.clear()
    this.#repeats.clear()
  }

  /**
   * Handles the report of an outage: a replica lost the broker after `since` and was back at `at`.
   * It may be this replica, before a restart.
   */
  #reconnected(since: number, at: number): void {
    for (const offset of this.#suspects) {
      if (offset <= since) continue
      this.#suspects.delete(offset)
      this.#repeats.add(offset)
    }
    this.#retriesUntil = Math.max(this.#retriesUntil, at + retriesMs)
  }

  #isKnownKey(key: string, { offset, receivedAt }: JournalMessage): boolean {
    const first = this.#current.byKey.get(key) ?? this.#previous.byKey.get(key)
    if (first !== undefined) return first < offset
    this.#makeRoom(receivedAt)
    this.#current.byKey.set(key, offset)
    return false
  }

  #isKnownId(messageId: string, fingerprint: number, { offset, receivedAt }: JournalMessage): boolean {
    const hash = this.#hash.set(messageId)
    const first = this.#current.byId.get(hash, fingerprint) ?? this.#previous.byId.get(hash, fingerprint)
    if (first !== undefined) return first < offset
    this.#makeRoom(receivedAt)
    this.#current.byId.add(hash, fingerprint, offset)
    return false
  }

  /** Begins another generation if the current one is full or old. */
  #makeRoom(receivedAt: number): void {
    if (this.#current.size < generationKeys && receivedAt - this.#generationStartedAt < generationMs) return
    this.#generationStartedAt = receivedAt
    this.#previous = this.#current
    this.#current = new Generation(this.#previous.byId.size)
  }
}

/** The first offset of each key of an entry. */
class Generation {
  /** By idempotency key. */
  readonly byKey = new Map<string, number>()
  readonly byId: FirstOffsets

  /** `ids`: how many message ids are expected. */
  constructor(ids = 0) {
    this.byId = new FirstOffsets(ids)
  }

  get size(): number {
    return this.byKey.size + this.byId.size
  }
}
