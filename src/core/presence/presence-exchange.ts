import type { Cluster, PresenceMessage } from '../cluster/cluster.ts'
import type { ControlBus } from '../ports/control-bus.ts'
import type { PresenceMap } from './holders.ts'

export interface PresenceExchangeParts {
  readonly cluster: Pick<Cluster, 'replica' | 'startedAt'>
  readonly control: Pick<ControlBus, 'send'>
  readonly online: Pick<PresenceMap, 'clientsOf'>
  /**
   * A client has a session on another replica. `isKnown`: it is in the first list of that replica,
   * so it may have had it for long.
   */
  readonly onJoined: (clientId: string, replica: string, isKnown: boolean) => void
  readonly onLeft: (clientId: string, replica: string) => void
}

/** How many client ids one control message has. */
const idsAMessage = 1_000

interface RemoteState {
  readonly startedAt: number
  seq: number
  /** A full list that is being received. */
  receiving: string[] | undefined
  /** No list of this start is complete yet. */
  readonly isNew: boolean
}

/**
 * Keeps the picture of all replicas the same: announces the changes of this one, and its list of
 * clients to those that do not have it, and asks for the list of a replica of which it missed some.
 */
export class PresenceExchange {
  readonly #parts: PresenceExchangeParts
  readonly #remote = new Map<string, RemoteState>()
  #seq = 0
  #sending: Promise<void> = Promise.resolve()

  constructor(parts: PresenceExchangeParts) {
    this.#parts = parts
  }

  /** Asks all replicas for their lists, and sends that of this one. */
  resync(): void {
    this.#send({ kind: 'presence-wanted', replica: this.#parts.cluster.replica, of: null })
    this.#sendState()
  }

  /** Another replica starts, or starts again under this name. */
  onReplicaJoined(replica: string): void {
    this.#remote.delete(replica)
    this.#sendState()
  }

  /** The replica has ended, or its lease has. */
  onReplicaLeft(replica: string): void {
    this.#remote.delete(replica)
    for (const clientId of this.#parts.online.clientsOf(replica)) this.#parts.onLeft(clientId, replica)
  }

  /** Clients of this replica that `online` has, or no longer has. */
  announce(changes: readonly (readonly [clientId: string, change: 'joined' | 'left'])[]): void {
    for (let at = 0; at < changes.length; at += idsAMessage) {
      const part = changes.slice(at, at + idsAMessage)
      const joined = part.filter(([, change]) => change === 'joined').map(([clientId]) => clientId)
      const left = part.filter(([, change]) => change === 'left').map(([clientId]) => clientId)
      this.#seq += 1
      const { replica, startedAt } = this.#parts.cluster
      this.#send({ kind: 'presence-changed', replica, startedAt, seq: this.#seq, joined, left })
    }
  }

  onMessage(message: PresenceMessage): void {
    const { replica: here } = this.#parts.cluster
    if (message.replica === here) return
    switch (message.kind) {
      case 'presence-wanted':
        if (message.of === null || message.of === here) this.#sendState()
        return
      case 'presence-changed':
        this.#onChanged(message)
        return
      case 'presence-state':
        this.#onState(message)
    }
  }

  #sendState(): void {
    const { replica, startedAt } = this.#parts.cluster
    const ids = [...this.#parts.online.clientsOf(replica)]
    const seq = this.#seq
    for (let at = 0; at === 0 || at < ids.length; at += idsAMessage) {
      const clients = ids.slice(at, at + idsAMessage)
      const [first, last] = [at === 0, at + idsAMessage >= ids.length]
      this.#send({ kind: 'presence-state', replica, startedAt, seq, clients, first, last })
    }
  }

  /** One after another, so that a list is not mixed with the changes that follow it. */
  #send(message: PresenceMessage): void {
    this.#sending = this.#sending.then(() => this.#parts.control.send(message)).catch(() => undefined)
  }

  #onChanged({ replica, startedAt, seq, joined, left }: Extract<PresenceMessage, { kind: 'presence-changed' }>): void {
    const state = this.#remote.get(replica)
    if (!state || state.startedAt !== startedAt || state.seq + 1 !== seq) {
      // Its list is under way, or was missed.
      if (state && state.startedAt === startedAt && seq <= state.seq) return
      this.#send({ kind: 'presence-wanted', replica: this.#parts.cluster.replica, of: replica })
      return
    }
    state.seq = seq
    for (const clientId of joined) this.#parts.onJoined(clientId, replica, false)
    for (const clientId of left) this.#parts.onLeft(clientId, replica)
  }

  #onState(message: Extract<PresenceMessage, { kind: 'presence-state' }>): void {
    const { replica, startedAt, seq, clients, first, last } = message
    const before = this.#remote.get(replica)
    const receiving = first ? [] : before?.receiving
    if (!receiving || (before && before.startedAt > startedAt)) return
    for (const clientId of clients) receiving.push(clientId)
    const isNew = !before || before.startedAt !== startedAt || before.isNew
    this.#remote.set(replica, { startedAt, seq, receiving: last ? undefined : receiving, isNew: isNew && !last })
    if (!last) return
    const now = new Set(receiving)
    for (const clientId of this.#parts.online.clientsOf(replica))
      if (!now.has(clientId)) this.#parts.onLeft(clientId, replica)
    for (const clientId of now) this.#parts.onJoined(clientId, replica, isNew)
  }
}
