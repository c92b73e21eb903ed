import { randomBytes } from 'node:crypto'
import type { CloseReason } from '../../close-reasons.ts'
import { GatewayError } from '../../errors.ts'
import type { TransportName } from '../accounting/labels.ts'
import type { Replayer } from '../delivery/channel-subscription.ts'
import { KeyedLimit } from '../limits/keyed-limit.ts'
import type { CursorCodec } from '../model/cursor.ts'
import type { Identity } from '../model/identity.ts'
import type { Observer } from '../ports/observer.ts'
import { type AcceptedSocket, type ConnectionLimits, type ConnectionSlot, Connections } from './connections.ts'
import { drain } from './drain-sessions.ts'
import { Session, type SessionLimits } from './session.ts'

export interface SessionsParts {
  readonly replayer: Replayer
  readonly cursors: CursorCodec
  readonly observer: Observer
  /** Receives the client of each session that begins or ends. Default: nothing does. */
  readonly presence?: ClientPresence | undefined
  /** Throws `UNAUTHENTICATED` if the identity has been revoked. */
  readonly check: (identity: Identity) => void
  /** Read on each use, because they may change while the gateway runs. */
  readonly limits: SessionLimits & ConnectionLimits & { readonly maxClientSubscriptions: number }
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
  readonly #all = new Set<Session>()
  /** Sessions with a subscription that may not continue after a reload of the schema. */
  readonly #outdated = new Set<Session>()
  readonly #ofClient: KeyedLimit
  readonly #expiry: NodeJS.Timeout
  #draining = false
  #opened = 0
  readonly #life = randomBytes(6).toString('hex')

  constructor(parts: SessionsParts) {
    this.#parts = parts
    const { limits } = parts
    this.connections = new Connections(limits)
    this.#ofClient = new KeyedLimit(
      () => limits.maxClientSubscriptions,
      'WARREN_MAX_CLIENT_SUBSCRIPTIONS',
      'subscriptions of one client',
    )
    this.#expiry = setInterval(() => {
      const now = Date.now()
      for (const session of this.#all) session.expire(now)
    }, expiryMs)
  }

  /** Whether `drain` has been called. */
  get draining(): boolean {
    return this.#draining
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
    const { check, limits, replayer, cursors, observer, presence } = this.#parts
    if (this.#draining) throw new GatewayError('DRAINING', 'this replica is being shut down: connect to another')
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
      identity: options.identity,
      life: this.#life,
      number: this.#opened,
      transport: options.transport,
      address: options.address ?? '',
      replayer,
      cursors,
      observer,
      limits,
      ofClient: this.#ofClient,
      slot,
      onClose: options.onClose,
      onEnd: (ended) => {
        slot.release()
        detach?.()
        this.#all.delete(ended)
        this.#outdated.delete(ended)
        if (ended.identity.clientId !== undefined) presence?.left(ended.identity.clientId)
      },
      onIdentity: (before, after) => {
        if (before === after) return
        if (after !== undefined) presence?.joined(after)
        if (before !== undefined) presence?.left(before)
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
    this.#draining = true
    const { observer } = this.#parts
    const { size } = this.#all
    const since = performance.now()
    observer.log('info', `draining: ${size} sessions over ${overMs / 1000} s; a second signal ends them at once`)
    await drain(this.#all, overMs)
    observer.log('info', 'drained', { sessions: size, seconds: Math.round(performance.now() - since) / 1000 })
  }

  close(): void {
    clearInterval(this.#expiry)
    for (const session of this.#all) session.close('RESTART')
  }
}
