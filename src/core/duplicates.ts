import { fingerprintOf } from './cursor.ts'
import type { JournalMessage } from './message.ts'

/** Set by `publish` with an idempotency key; never shown to clients. */
export const idempotencyHeader = 'x-warren-idempotency-key'

/** Keys of one generation; two are remembered. */
const generationKeys = 50_000
const generationMs = 5 * 60 * 1000

/**
 * Tells what stands in the journal twice: a publisher that got no confirmation publishes again, and both may have been
 * stored. The same idempotency key, or the same message id with the same envelope and body, within the last minutes is
 * the same message. What has no message id is never taken for another.
 */
export class Duplicates {
  readonly #known: Duplicates | undefined
  #current = new Map<string, number>()
  #previous = new Map<string, number>()
  #began = 0

  /** `known`: what was seen elsewhere; asked too, never written to. */
  constructor(known?: Duplicates) {
    this.#known = known
  }

  /** Remembers the entry; whether an earlier entry of the journal is the same message. */
  isRepeat(entry: JournalMessage): boolean {
    const key = keyOf(entry)
    if (key === undefined) return false
    const first = this.#firstOf(key) ?? (this.#known ? this.#known.#firstOf(key) : undefined)
    if (first !== undefined && first <= entry.offset) return first < entry.offset
    this.#turn(entry.receivedAt)
    this.#current.set(key, entry.offset)
    return false
  }

  clear(): void {
    this.#current.clear()
    this.#previous.clear()
  }

  #firstOf(key: string): number | undefined {
    return this.#current.get(key) ?? this.#previous.get(key)
  }

  #turn(now: number): void {
    if (this.#current.size < generationKeys && now - this.#began < generationMs) return
    this.#began = now
    this.#previous = this.#current
    this.#current = new Map()
  }
}

function keyOf(entry: JournalMessage): string | undefined {
  const { messageId, headers } = entry.properties
  const idempotencyKey = headers?.[idempotencyHeader]
  if (typeof idempotencyKey === 'string') return `key ${idempotencyKey}`
  return messageId === undefined ? undefined : `id ${fingerprintOf(entry)} ${messageId}`
}
