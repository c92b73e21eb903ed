import { BoundedSet } from '../limits/bounded-set.ts'
import { fingerprintOf } from '../model/cursor.ts'
import type { JournalMessage } from '../model/message.ts'
import { noteOf } from '../ports/journal.ts'
import { repeatedHeader } from '../publishing/repeated-header.ts'

/**
 * Set by `publish` with an idempotency key, or by a back end of its own accord; never shown to
 * clients.
 */
export const idempotencyHeader = 'x-warren-idempotency-key'

/** Keys of one generation; two are remembered. */
const generationKeys = 50_000
const generationMs = 5 * 60 * 1000
/**
 * How long after an outage publishers may still be publishing again what was not confirmed, in
 * milliseconds.
 */
const retriesMs = 120_000
/** How many offsets are remembered of entries that are repeats. */
const maxRepeats = 50_000

/**
 * Tells what stands in the journal twice, within the last minutes. The same idempotency key is the
 * same message, always. The same message id with the same envelope and body is the same message
 * only around an outage of the broker: that is when a publisher that got no confirmation publishes
 * again, and both copies may have been stored. At other times a message id that comes again is the
 * publisher's own affair, and is delivered, unless it came through a buffered source, or a gateway
 * has published it again.
 */
export class Deduplicator {
  #current = new Map<string, First>()
  #previous = new Map<string, First>()
  #generationStartedAt = 0
  #retriesUntil = 0
  /**
   * Came again by message id when no outage was known of; a replica that tells of one later makes
   * them repeats.
   */
  readonly #byMessageId: boolean
  readonly #suspects = new BoundedSet<number>(maxRepeats)
  readonly #repeats = new BoundedSet<number>(maxRepeats)

  /** `byMessageId`: whether publishers may have to publish again (`Journal.repeats`). */
  constructor(byMessageId: boolean) {
    this.#byMessageId = byMessageId
  }

  /** Whether the entry at this offset was found to be there before. */
  isRepeat(offset: number): boolean {
    return this.#repeats.has(offset)
  }

  /** The broker is away: what comes again until some time after it is back was published again. */
  outageBegan(): void {
    this.#retriesUntil = Number.POSITIVE_INFINITY
  }

  outageEnded(): void {
    if (this.#retriesUntil === Number.POSITIVE_INFINITY) this.#retriesUntil = Date.now() + retriesMs
  }

  /** Takes note of the next entry of the journal; whether it is a repeat. */
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
   * A replica lost the broker after `since` and was back at this mark: it may have been this one,
   * before it was started again.
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
   * `key` alone is looked for, for each message: texts put together cost more than all the rest.
   * Where it is that of another message, both make the key.
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

/** Where a key was met first. */
interface First {
  readonly offset: number
  readonly fingerprint: number
}
