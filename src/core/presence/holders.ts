/** The replicas with sessions of a client. Equal sets are one object, because there are few. */
type Holders = readonly string[]

/** Which clients are online, and on which replicas. About fifty bytes a client besides its id. */
export class PresenceMap {
  readonly #byClient = new Map<string, Holders>()
  readonly #known = new Map<string, Holders>()

  get size(): number {
    return this.#byClient.size
  }

  has(clientId: string): boolean {
    return this.#byClient.has(clientId)
  }

  clients(): Iterable<string> {
    return this.#byClient.keys()
  }

  /** The clients of one replica. */
  *clientsOf(replica: string): Iterable<string> {
    for (const [clientId, holders] of this.#byClient) if (holders.includes(replica)) yield clientId
  }

  /** Whether the client was on no replica before. */
  add(clientId: string, replica: string): boolean {
    const before = this.#byClient.get(clientId)
    if (before?.includes(replica)) return false
    this.#byClient.set(clientId, this.#interned([...(before ?? []), replica]))
    return before === undefined
  }

  /** Whether the client is on no replica any more. */
  remove(clientId: string, replica: string): boolean {
    const before = this.#byClient.get(clientId)
    if (!before?.includes(replica)) return false
    const left = before.filter((holder) => holder !== replica)
    if (left.length > 0) {
      this.#byClient.set(clientId, this.#interned(left))
      return false
    }
    this.#byClient.delete(clientId)
    return true
  }

  #interned(replicas: string[]): Holders {
    const sorted = replicas.toSorted()
    const key = sorted.join('\n')
    const known = this.#known.get(key)
    if (known) return known
    // Names of replicas that are gone accumulate.
    if (this.#known.size >= 10_000) this.#known.clear()
    this.#known.set(key, sorted)
    return sorted
  }
}
