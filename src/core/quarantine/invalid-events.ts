import type { InvalidEvent } from '../ports/event-matcher.ts'
import type { WindowEntry } from '../ports/hot-window.ts'
import { Quarantine, type QuarantineParts } from './quarantine.ts'

/** The most copies a minute for one field and pointer. */
const maxCopies = 60
const minuteMs = 60_000
/** The longest description of what does not fit, in characters. */
const maxMisfit = 500
/** How many pairs of field and pointer are counted. Past it, no further pair gets copies. */
const maxPairs = 1_000

/**
 * Stores a copy of messages that do not fit the type of a typed field. One copy a message for all
 * replicas and fields. A release of a producer that is wrong in every message must not fill the
 * journal and the quarantine, so the copies of each field and pointer are bounded.
 */
export class InvalidEvents {
  readonly #quarantine: Quarantine
  #copies = new Map<string, number>()
  #minute = 0

  constructor(parts: Omit<QuarantineParts, 'kind'>) {
    this.#quarantine = new Quarantine({ ...parts, kind: 'invalid' })
  }

  /**
   * Whether a copy of the message at this offset went to the quarantine, by any replica. False also
   * for one that is no longer remembered.
   */
  hasCopyOf(offset: number): boolean {
    return this.#quarantine.isPoison(offset)
  }

  /** Called for each message once by the tail, and again by replays: then it changes nothing. */
  put(message: WindowEntry, [first]: readonly InvalidEvent[]): void {
    if (!first || this.#quarantine.isPoison(message.offset) || !this.#mayCopy(first)) return
    const { field, pointer, schema, reason, text } = first
    this.#quarantine.put(message, {
      reason,
      text: `it does not fit the field ${field} at "${pointer}": ${text}`,
      headers: {
        'x-warren-field': field,
        'x-warren-pointer': pointer,
        'x-warren-misfit': text.slice(0, maxMisfit),
        'x-warren-schema': schema,
      },
    })
  }

  /** As in `Quarantine`. */
  onClaim(claim: Parameters<Quarantine['onClaim']>[0]): void {
    this.#quarantine.onClaim(claim)
  }

  /** As in `Quarantine`. */
  clear(): void {
    this.#quarantine.clear()
  }

  /** As in `Quarantine`. */
  close(): void {
    this.#quarantine.close()
  }

  /** Minutes of the clock, so that replicas count nearly the same messages. */
  #mayCopy({ field, pointer }: InvalidEvent): boolean {
    const minute = Math.floor(Date.now() / minuteMs)
    if (minute !== this.#minute) {
      this.#minute = minute
      this.#copies = new Map()
    }
    const pair = JSON.stringify([field, pointer])
    const copies = this.#copies.get(pair) ?? 0
    if (copies >= maxCopies || (copies === 0 && this.#copies.size >= maxPairs)) return false
    this.#copies.set(pair, copies + 1)
    return true
  }
}
