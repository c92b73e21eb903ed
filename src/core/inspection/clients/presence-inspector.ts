import type { Gateway } from '../../gateway.ts'
import type { Presence } from '../../presence/presence.ts'
import type { Feed } from '../../sessions/feeds/feed.ts'

/** How many clients are listed if none is named. */
const maxListed = 1_000

export interface PresenceState {
  readonly clientId: string
  readonly online: boolean
  /** Undefined: never, as far as is known. */
  readonly lastSeen: Date | undefined
}

/** Who is online. Without `Presence`, as far as this replica sees. */
export class PresenceInspector {
  readonly #gateway: Gateway
  readonly #presence: Presence | undefined
  /** Ids that are asked for in this turn of the event loop, which are read together. */
  #batch: { readonly ids: string[]; readonly states: Promise<Map<string, PresenceState>> } | undefined

  constructor(gateway: Gateway, presence: Presence | undefined) {
    this.#gateway = gateway
    this.#presence = presence
  }

  isOnline(clientId: string): boolean {
    if (this.#presence) return this.#presence.isOnline(clientId)
    for (const { identity } of this.#gateway.sessions) if (identity.clientId === clientId) return true
    return false
  }

  /** How many clients are online. Undefined if presence is off. */
  get size(): number | undefined {
    return this.#presence?.size
  }

  /** How many of those have no session and are within their grace time. */
  get leaving(): number {
    return this.#presence?.leaving ?? 0
  }

  async of(clientIds: readonly string[]): Promise<PresenceState[]> {
    const seen = await this.#presence?.lastSeen(clientIds)
    return clientIds.map((clientId) => {
      const online = this.isOnline(clientId)
      return { clientId, online, lastSeen: online ? new Date() : seen?.get(clientId) }
    })
  }

  /** As `of`, for one client. Calls of the same turn share a read. */
  async lastSeenOf(clientId: string): Promise<Date | undefined> {
    this.#batch ??= this.#newBatch()
    this.#batch.ids.push(clientId)
    return (await this.#batch.states).get(clientId)?.lastSeen
  }

  #newBatch() {
    const ids: string[] = []
    const states = new Promise<void>((resolve) => setImmediate(resolve)).then(async () => {
      this.#batch = undefined
      return new Map((await this.of(ids)).map((state) => [state.clientId, state]))
    })
    return { ids, states }
  }

  /** The first thousand clients that are online. */
  online(): PresenceState[] {
    const listed: PresenceState[] = []
    for (const clientId of this.#presence?.clients() ?? []) {
      if (listed.length === maxListed) break
      listed.push({ clientId, online: true, lastSeen: new Date() })
    }
    return listed
  }

  /**
   * Fills the feed until it ends: first with the state of the named clients, then with each change.
   * `clientIds` undefined: the changes of all clients.
   */
  async follow(feed: Feed<PresenceState>, clientIds: readonly string[] | undefined): Promise<void> {
    const wanted = clientIds && new Set(clientIds)
    const changed = new Set<string>()
    let began = false
    const stop = this.#presence?.listen(({ clientId, online, at }) => {
      if (wanted && !wanted.has(clientId)) return
      if (!began) changed.add(clientId)
      feed.push({ clientId, online, lastSeen: new Date(at) })
    })
    feed.onEnd(() => stop?.())
    // A change that was reported meanwhile is newer than the state.
    for (const state of await this.of(clientIds ?? [])) if (!changed.has(state.clientId)) feed.push(state)
    began = true
  }
}
