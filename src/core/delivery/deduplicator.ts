import { BoundedSet } from '../limits/bounded-set.ts'
import { fingerprintOf } from '../model/cursor.ts'
import type { JournalMessage } from '../model/message.ts'
import { noteOf } from '../ports/journal.ts'
import { repeatedHeader } from '../publishing/repeated-header.ts'

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
  #current = new Map<string, FirstCopy>()
  #previous = new Map<string, FirstCopy>()
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
      if (!this.#isKnown(`key ${idempotencyKey}`, 0, entry)) return false
    } else {
      if (!this.#byMessageId || messageId === undefined) return false
      if (!this.#isKnown(messageId, fingerprintOf(entry), entry)) return false
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
    for (const known of [this.#current, this.#previous, this.#suspects, this.#repeats]) known.clear()
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

  /**
   * Looks up the key alone, because building a combined string for each message would cost more
   * than the rest. If another message has the key, it combines the fingerprint and the key.
   */
  #isKnown(key: string, fingerprint: number, entry: JournalMessage): boolean {
    const { offset, receivedAt } = entry
    const first = this.#current.get(key) ?? this.#previous.get(key)
    if (first?.fingerprint === fingerprint) return first.offset < offset
    if (first) return this.#isKnown(`${fingerprint} ${key}`, fingerprint, entry)
    if (this.#current.size >= generationKeys || receivedAt - this.#generationStartedAt >= generationMs) {
      this.#generationStartedAt = receivedAt
      this.#previous = this.#current
      this.#current = new Map()
    }
    this.#current.set(key, { offset, fingerprint })
    return false
  }
}

/** The first entry with a key. */
interface FirstCopy {
  readonly offset: number
  readonly fingerprint: number
}
