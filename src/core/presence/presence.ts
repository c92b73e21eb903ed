import type { PresenceCounts } from '../accounting/cluster-counts.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { ControlBus } from '../ports/control-bus.ts'
import { PresenceMap } from './holders.ts'
import { PresenceExchange } from './presence-exchange.ts'
import { type PresenceChange, PresenceRecorder, type PresenceRecorderParts } from './presence-recorder.ts'

export interface PresenceParts extends PresenceRecorderParts {
  readonly cluster: Cluster
  readonly control: ControlBus
  /** How long a client may be away before it counts as offline, in milliseconds; at least 1,000. */
  readonly graceMs: () => number
}

/** Between two changes of one client, in milliseconds. */
const leastBetweenMs = 1_000
/** How long changes are gathered before the other replicas receive them, in milliseconds. */
const batchMs = 100
/** How often clients that left are looked at, in milliseconds. */
const tickMs = 500
/** How long a starting replica waits for the others before it takes a client for new. */
const settleMs = 1_000

interface Leaving {
  readonly at: number
  /** The replica that it left. Publishes the change if it is alive then. */
  readonly from: string
}

/**
 * Which clients have a session, over all replicas. Every replica has the whole picture: each
 * announces its own changes, and a list of its clients when another starts or missed some. The
 * clients of a replica that was killed leave when its lease ends.
 *
 * A client that is back within the grace time never left, so a rolling restart changes nothing. One
 * replica publishes each change: the one where it happened, or a chosen one if that is gone.
 */
export class Presence {
  readonly #parts: PresenceParts
  readonly #online = new PresenceMap()
  /** Sessions of this replica by client. */
  readonly #own = new Map<string, number>()
  /** Changes of this replica that the others do not know yet. */
  readonly #unsent = new Map<string, 'joined' | 'left'>()
  readonly #leaving = new Map<string, Leaving>()
  /** Clients that came back right after they went offline: when they may be reported. */
  readonly #delayed = new Map<string, { readonly due: number; readonly by: string }>()
  readonly #wentOffline = new Map<string, number>()
  readonly #listeners = new Set<(change: PresenceChange) => void>()
  readonly #returnListeners = new Set<(clientId: string) => void>()
  readonly #recorder: PresenceRecorder
  readonly #exchange: PresenceExchange
  #batchTimer: NodeJS.Timeout | undefined
  #timer: NodeJS.Timeout | undefined
  #settled = false

  constructor(parts: PresenceParts) {
    this.#parts = parts
    this.#recorder = new PresenceRecorder(parts)
    this.#exchange = new PresenceExchange({
      cluster: parts.cluster,
      control: parts.control,
      online: this.#online,
      // Before this replica settled, the clients of a first list were online already.
      onJoined: (clientId, replica, isKnown) => this.#join(clientId, replica, isKnown && !this.#settled),
      onLeft: (clientId, replica) => this.#leave(clientId, replica),
    })
    parts.cluster.listen({
      onJoined: ({ replica }) => this.#exchange.onReplicaJoined(replica),
      onLeft: ({ replica }) => this.#exchange.onReplicaLeft(replica),
      onResync: () => this.#exchange.resync(),
      onPresence: (message) => this.#exchange.onMessage(message),
    })
  }

  /** Called once, when the cluster has been opened. */
  open(): void {
    this.#exchange.resync()
    this.#timer = setInterval(() => this.#tick(), tickMs)
    this.#timer.unref()
    setTimeout(() => {
      this.#settled = true
      this.#flush()
      void this.#takeOver()
    }, settleMs).unref()
  }

  close(): Promise<void> {
    clearInterval(this.#timer)
    clearTimeout(this.#batchTimer)
    return this.#recorder.close()
  }

  /** Whether the client has a session, or had one within the grace time. */
  isOnline(clientId: string): boolean {
    return this.#online.has(clientId) || this.#leaving.has(clientId)
  }

  /** Whether the client has a session on any replica, as far as this one knows. */
  hasSession(clientId: string): boolean {
    return this.#own.has(clientId) || this.#online.has(clientId)
  }

  /** The clients with their last session on this replica, which ended within the grace time. */
  leavingFrom(replica: string): Set<string> {
    const clients = new Set<string>()
    for (const [clientId, { from }] of this.#leaving) if (from === replica) clients.add(clientId)
    return clients
  }

  get counts(): PresenceCounts {
    return { online: this.size, ...this.#recorder.counts }
  }

  /** How many clients are online. */
  get size(): number {
    return this.#online.size + this.#leaving.size
  }

  /** How many of those have no session, and had one within the grace time. */
  get leaving(): number {
    return this.#leaving.size
  }

  /** The first of the clients that are online, in no order. */
  *clients(): Iterable<string> {
    yield* this.#online.clients()
    yield* this.#leaving.keys()
  }

  /** When clients were online last. Now for those that are; missing: never, as far as is known. */
  async lastSeen(clientIds: readonly string[]): Promise<Map<string, Date>> {
    const now = new Date()
    const seen = new Map<string, Date>()
    const unknown: string[] = []
    for (const clientId of clientIds) {
      if (this.isOnline(clientId)) seen.set(clientId, now)
      else unknown.push(clientId)
    }
    for (const { clientId, seenAt } of await this.#recorder.find(unknown)) seen.set(clientId, seenAt)
    return seen
  }

  /** Calls the listener for each change; returns a function that ends it. */
  listen(listener: (change: PresenceChange) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Calls the listener when a client without a session gets one, also within the grace time. */
  listenToReturns(listener: (clientId: string) => void): void {
    this.#returnListeners.add(listener)
  }

  /** A session of this replica begins, or gets this identity. */
  joined(clientId: string): void {
    const sessions = (this.#own.get(clientId) ?? 0) + 1
    this.#own.set(clientId, sessions)
    if (sessions === 1) this.#changeHere(clientId, 'joined')
  }

  /** A session of this replica ends, or gets another identity. */
  left(clientId: string): void {
    const sessions = (this.#own.get(clientId) ?? 1) - 1
    if (sessions > 0) this.#own.set(clientId, sessions)
    else if (this.#own.delete(clientId)) this.#changeHere(clientId, 'left')
  }

  #changeHere(clientId: string, change: 'joined' | 'left'): void {
    const before = this.#unsent.get(clientId)
    if (before !== undefined && before !== change) this.#unsent.delete(clientId)
    else this.#unsent.set(clientId, change)
    if (this.#settled) this.#batchTimer ??= setTimeout(() => this.#flush(), batchMs)
  }

  /** Applies and announces what changed here. */
  #flush(): void {
    this.#batchTimer = undefined
    if (this.#unsent.size === 0) return
    const { cluster } = this.#parts
    const changes = [...this.#unsent]
    this.#unsent.clear()
    for (const [clientId, change] of changes) {
      if (change === 'joined') this.#join(clientId, cluster.replica)
      else this.#leave(clientId, cluster.replica)
    }
    this.#exchange.announce(changes)
  }

  #join(clientId: string, replica: string, isKnown = false): void {
    if (!this.#online.add(clientId, replica)) return
    for (const listener of this.#returnListeners) listener(clientId)
    // It is back within the grace time, so it never left.
    if (this.#leaving.delete(clientId) || isKnown) return
    const offlineSince = this.#wentOffline.get(clientId)
    const due = (offlineSince ?? 0) + leastBetweenMs
    if (due > Date.now()) this.#delayed.set(clientId, { due, by: replica })
    else this.#report({ clientId, online: true, at: Date.now() }, replica)
  }

  #leave(clientId: string, replica: string): void {
    if (!this.#online.remove(clientId, replica)) return
    // It was not reported as online yet.
    if (this.#delayed.delete(clientId)) return
    this.#leaving.set(clientId, { at: Date.now(), from: replica })
  }

  #tick(): void {
    const now = Date.now()
    const graceMs = Math.max(leastBetweenMs, this.#parts.graceMs())
    for (const [clientId, { at, from }] of this.#leaving) {
      // They are in the order in which they left.
      if (now - at < graceMs) break
      this.#leaving.delete(clientId)
      this.#wentOffline.set(clientId, now)
      this.#report({ clientId, online: false, at }, from)
    }
    for (const [clientId, at] of this.#wentOffline) {
      if (now - at < leastBetweenMs) break
      this.#wentOffline.delete(clientId)
    }
    for (const [clientId, { due, by }] of this.#delayed) {
      if (due > now) continue
      this.#delayed.delete(clientId)
      this.#report({ clientId, online: true, at: now }, by)
    }
  }

  #report(change: PresenceChange, by: string): void {
    for (const listener of this.#listeners) listener(change)
    if (this.#publishes(change.clientId, by)) this.#recorder.record(change)
  }

  /** Whether this replica publishes a change of `by`. */
  #publishes(clientId: string, by: string): boolean {
    const { replica, members } = this.#parts.cluster
    if (by === replica) return true
    if (members.isAlive(by)) return false
    const { alive } = members
    return alive[hashOf(clientId) % alive.length] === replica
  }

  /** Alone after a start: clients that were online when the last replica ended have left since. */
  async #takeOver(): Promise<void> {
    const { cluster, store, logError } = this.#parts
    if (cluster.members.alive.length > 1) return
    try {
      for (const { clientId, seenAt } of await store.listOnline()) {
        if (!this.isOnline(clientId)) this.#leaving.set(clientId, { at: seenAt.getTime(), from: '' })
      }
    } catch (error) {
      logError('reading who was online before', error)
    }
  }
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0
  }
  return hash
}
