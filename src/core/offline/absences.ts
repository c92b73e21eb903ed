/** A message came for a client that has no session. */
export interface Absence {
  readonly clientId: string
  /** Of the first message of the quiet period, as its event has it. */
  readonly cursor: string
  /** The position before that message: a read after it begins with the message. */
  readonly after: string
  /** The id of the source that found the client. Empty: the source was deleted meanwhile. */
  readonly source: string
  readonly exchange: string
  /** When the message was read, in milliseconds since the epoch. */
  readonly at: number
}

/** What adding an absence did to the others, see `WARREN_MAX_OFFLINE_CLIENTS`. */
export type AbsenceBound = 'evicted' | 'dropped' | undefined

/**
 * The clients that messages came for while they had no session. An absence waits until a notice is
 * published; then its client is quiet for a time. The number of clients is bounded: a new absence
 * ends the oldest quiet period, and is dropped if all others still wait.
 */
export class Absences {
  readonly #maxClients: number
  readonly #quietMs: number
  /** In the order in which the messages came. */
  readonly #waiting = new Map<string, Absence>()
  /** When the notice was published. In that order. */
  readonly #quietSince = new Map<string, number>()

  constructor({ maxClients, quietMs }: { readonly maxClients: number; readonly quietMs: number }) {
    this.#maxClients = maxClients
    this.#quietMs = quietMs
  }

  /** Absences without a notice, oldest first. */
  get waiting(): ReadonlyMap<string, Absence> {
    return this.#waiting
  }

  /** How many clients are quiet. */
  get quiet(): number {
    return this.#quietSince.size
  }

  has(clientId: string, now: number): boolean {
    if (this.#waiting.has(clientId)) return true
    const since = this.#quietSince.get(clientId)
    return since !== undefined && now - since < this.#quietMs
  }

  /** Only for a client for which `has` is false. */
  add(absence: Absence): AbsenceBound {
    this.#quietSince.delete(absence.clientId)
    let bound: AbsenceBound
    if (this.#waiting.size + this.#quietSince.size >= this.#maxClients) {
      const [oldest] = this.#quietSince.keys()
      if (oldest === undefined) return 'dropped'
      this.#quietSince.delete(oldest)
      bound = 'evicted'
    }
    this.#waiting.set(absence.clientId, absence)
    return bound
  }

  /** A notice was published `agoMs` ago, here or by another replica. */
  published(clientId: string, now: number, agoMs = 0): void {
    const isKnown = this.#waiting.delete(clientId)
    if (agoMs >= this.#quietMs) return
    if (!isKnown && this.#waiting.size + this.#quietSince.size >= this.#maxClients) return
    this.#quietSince.delete(clientId)
    this.#quietSince.set(clientId, now - agoMs)
  }

  /** The client is back: its next absence yields another notice. */
  end(clientId: string): void {
    this.#waiting.delete(clientId)
    this.#quietSince.delete(clientId)
  }

  /** Forgets quiet periods that are over. Called regularly. */
  expire(now: number): void {
    for (const [clientId, since] of this.#quietSince) {
      if (now - since < this.#quietMs) break
      this.#quietSince.delete(clientId)
    }
  }

  /** How long ago each quiet client got its notice, in milliseconds. */
  *quietClients(now: number): Iterable<readonly [clientId: string, agoMs: number]> {
    for (const [clientId, since] of this.#quietSince) yield [clientId, now - since]
  }
}
