import { randomBytes } from 'node:crypto'
import type { CloseReason } from '../../close-reasons.ts'
import { GatewayError } from '../../errors.ts'
import type { TransportName } from '../accounting/labels.ts'
import type { Replayer } from '../delivery/channel-subscription.ts'
import { Paces } from '../delivery/pace.ts'
import { KeyedLimit } from '../limits/keyed-limit.ts'
import type { CursorCodec } from '../model/cursor.ts'
import type { Identity } from '../model/identity.ts'
import type { Observer } from '../ports/observer.ts'
import type { Positions } from '../positions/positions.ts'
import { mayObserve } from './authorizer.ts'
import {
  type AcceptedSocket,
  type ConnectionLimits,
  type ConnectionSlot,
  Connections,
  type SocketRoom,
} from './connections.ts'
import { drain } from './drain-sessions.ts'
import { EndedSessions } from './ended-sessions.ts'
import { Session } from './session.ts'
import type { SessionLimits, SessionServices } from './session-services.ts'

export interface SessionsParts {
  readonly replayer: Replayer
  readonly cursors: CursorCodec
  readonly observer: Observer
  readonly positions: Pick<Positions, 'hold'>
  /** Receives the client of each session that begins or ends. Default: nothing does. */
  readonly presence?: ClientPresence | undefined
  /** Throws `UNAUTHENTICATED` if the identity has been revoked. */
  readonly check: (identity: Identity) => void
  /** Read on each use, because they may change while the gateway runs. */
  readonly limits: SessionLimits & ConnectionLimits & { readonly maxClientSubscriptions: number }
  /** Default: any number of sockets. */
  readonly socketRoom?: SocketRoom | undefined
}

/** Counts the sessions of each client. */
export interface ClientPresence {
  joined(clientId: string): void
  left(clientId: string): void
}

/** How often sessions are checked for expired tokens and for idleness, in milliseconds. */
const expiryMs = 1_000

/**
 * All sessions of this replica, over all transports. Opens them within the limits, and ends them
 * with their tokens or when the replica shuts down.
 */
export class Sessions {
  readonly #parts: SessionsParts
  /** Counts sockets and sessions by payer. */
  readonly connections: Connections
  /** The last sessions that were cut off, or dropped events. */
  readonly ended = new EndedSessions()
  readonly #all = new Set<Session>()
  /** Sessions with a subscription that may not continue after a reload of the schema. */
  readonly #outdated = new Set<Session>()
  readonly #services: SessionServices
  readonly #paces = new Paces()
  readonly #expiry: NodeJS.Timeout
  /** Of the sessions of clients only, by an operator: they leave, and others may come. */
  readonly #leaving = new Set<Session>()
  /** `clients`: sessions of operators stay, and it can be undone. */
  #draining: 'none' | 'clients' | 'all' = 'none'
  #stopDraining = new AbortController()
  #opened = 0

  constructor(parts: SessionsParts) {
    this.#parts = parts
    const { limits, replayer, cursors, observer, positions, presence } = parts
    this.connections = new Connections(limits, parts.socketRoom)
    this.#services = {
      life: randomBytes(6).toString('hex'),
      replayer,
      cursors,
      observer,
      limits,
      paces: this.#paces,
      positions,
      ofClient: new KeyedLimit(
        () => limits.maxClientSubscriptions,
        'WARREN_MAX_CLIENT_SUBSCRIPTIONS',
        'subscriptions of one client',
      ),
      onIdentity: (before, after) => {
        if (before === after) return
        if (after !== undefined) presence?.joined(after)
        if (before !== undefined) presence?.left(before)
      },
    }
    this.#expiry = setInterval(() => {
      const now = Date.now()
      for (const session of this.#all) session.expire(now)
      this.ended.settle(now)
    }, expiryMs)
  }

  /** Whether `drain` or `drainClients` is in effect. */
  get draining(): boolean {
    return this.#draining !== 'none'
  }

  /** Whether `drain` has been called, which cannot be undone. */
  get endsAll(): boolean {
    return this.#draining === 'all'
  }

  /** How many sessions `drainClients` has still to end. */
  get leaving(): number {
    return this.#leaving.size
  }

  get all(): ReadonlySet<Session> {
    return this.#all
  }

  /**
   * Throws `LIMIT_EXCEEDED` if there are too many, `UNAUTHENTICATED` if the identity has been
   * revoked, and `DRAINING`.
   */
  open(options: {
    identity: Identity
    transport: TransportName
    /** The address of the peer; undefined if it has none. */
    address?: string | undefined
    /** The socket of the session; undefined if it has none, or one that is not counted. */
    on?: AcceptedSocket | undefined
    onClose: (reason: CloseReason) => void
  }): Session {
    const { check, limits, presence } = this.#parts
    if (this.#draining === 'all')
      throw new GatewayError('DRAINING', 'this replica is being shut down: connect to another')
    if (this.#draining === 'clients' && !mayObserve(options.identity))
      throw new GatewayError('DRAINING', 'an operator has drained this replica: connect to another')
    check(options.identity)
    if (this.#all.size >= limits.maxConnections) {
      throw new GatewayError('LIMIT_EXCEEDED', `at most ${limits.maxConnections} connections`, {
        limit: 'WARREN_MAX_CONNECTIONS',
      })
    }
    const detach = options.on?.attachSession()
    const slot = this.#takeSlot(options, detach)
    this.#opened += 1
    const session = new Session({
      services: this.#services,
      identity: options.identity,
      number: this.#opened,
      transport: options.transport,
      address: options.address ?? '',
      slot,
      onClose: options.onClose,
      onEnd: (ended, reason, subscriptions) => {
        this.ended.add(ended, reason, subscriptions)
        slot.release()
        detach?.()
        this.#all.delete(ended)
        this.#outdated.delete(ended)
        this.#leaving.delete(ended)
        if (ended.identity.clientId !== undefined) presence?.left(ended.identity.clientId)
      },
    })
    this.#all.add(session)
    if (options.identity.clientId !== undefined) presence?.joined(options.identity.clientId)
    return session
  }

  #takeSlot(
    { identity, address }: { identity: Identity; address?: string | undefined },
    detach?: () => void,
  ): ConnectionSlot {
    try {
      return this.connections.takeSlot(identity, address)
    } catch (error) {
      detach?.()
      throw error
    }
  }

  /** The channel was deleted: its subscriptions end. */
  endChannel(clientId: string, deletedAt: number): void {
    for (const session of this.#all) session.endChannel(clientId, deletedAt)
  }

  /**
   * After a reload of the schema: the subscriptions of typed fields continue where they mean the
   * same. The sessions of the others end with `RESTART`, spread over `overMs`, so that clients come
   * back.
   */
  async reloadEvents(overMs: number): Promise<void> {
    for (const session of this.#all) if (!session.reloadEvents()) this.#outdated.add(session)
    await drain(this.#outdated, overMs)
  }

  /**
   * Opens no more sessions and ends the existing ones evenly over the window. Resolves when none is
   * left.
   */
  async drain(overMs: number): Promise<void> {
    this.#draining = 'all'
    this.#stopDraining.abort()
    const { observer } = this.#parts
    const { size } = this.#all
    const since = performance.now()
    observer.log('info', `draining: ${size} sessions over ${overMs / 1000} s; a second signal ends them at once`)
    await drain(this.#all, overMs)
    observer.log('info', 'drained', { sessions: size, seconds: Math.round(performance.now() - since) / 1000 })
  }

  /**
   * As `drain`, until `undrain`: sessions of operators stay open, and they can open more. Resolves
   * when no other session is left, or when the drain ends or begins again.
   */
  async drainClients(overMs: number): Promise<void> {
    if (this.#draining === 'all') return
    this.#draining = 'clients'
    this.#stopDraining.abort()
    const { signal } = (this.#stopDraining = new AbortController())
    for (const session of this.#all) if (!mayObserve(session.identity)) this.#leaving.add(session)
    const { observer } = this.#parts
    const { size } = this.#leaving
    observer.log('info', `draining for an operator: ${size} sessions over ${overMs / 1000} s; undrain stops it`)
    await drain(this.#leaving, overMs, signal)
    if (!signal.aborted) observer.log('info', 'drained for an operator', { sessions: size })
  }

  /** Sessions can be opened again, and those that `drainClients` has not ended stay. */
  undrain(): void {
    if (this.#draining !== 'clients') return
    this.#draining = 'none'
    this.#stopDraining.abort()
    this.#leaving.clear()
    this.#parts.observer.log('info', 'undrained: this replica takes sessions again')
  }

  close(): void {
    this.#stopDraining.abort()
    clearInterval(this.#expiry)
    for (const session of this.#all) session.close('RESTART')
    this.#paces.close()
  }
}
