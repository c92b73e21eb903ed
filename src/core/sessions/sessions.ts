import { type CloseReason, GatewayError } from '../../errors.ts'
import type { TransportName } from '../accounting/labels.ts'
import type { Replayer } from '../delivery/channel-subscription.ts'
import { KeyedLimit } from '../limits/keyed-limit.ts'
import type { CursorCodec } from '../model/cursor.ts'
import type { Identity } from '../model/identity.ts'
import type { Observer } from '../ports/observer.ts'
import { type AcceptedSocket, type ConnectionLimits, Connections, type Seat } from './connections.ts'
import { drain } from './drain-sessions.ts'
import { Session, type SessionLimits } from './session.ts'

export interface SessionsParts {
  readonly replayer: Replayer
  readonly cursors: CursorCodec
  readonly observer: Observer
  /** Throws `UNAUTHENTICATED` where the identity has been revoked. */
  readonly check: (identity: Identity) => void
  /** Looked at each time, for it may change while the gateway runs. */
  readonly limits: SessionLimits & ConnectionLimits & { readonly maxClientSubscriptions: number }
}

/**
 * How often sessions are looked through for tokens that have expired and for those that wait for
 * nothing, in milliseconds.
 */
const expiryMs = 1_000

/**
 * All sessions of this replica, over all transports: begun within limits, ended with their tokens,
 * and when the replica goes.
 */
export class Sessions {
  readonly #parts: SessionsParts
  /** Sockets and sessions by who pays for them. */
  readonly connections: Connections
  readonly #all = new Set<Session>()
  readonly #ofClient: KeyedLimit
  readonly #expiry: NodeJS.Timeout
  #draining = false

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

  get all(): ReadonlySet<Session> {
    return this.#all
  }

  /**
   * Throws `LIMIT_EXCEEDED` where there are too many, `UNAUTHENTICATED` where the identity has been
   * revoked, `DRAINING`.
   */
  open(options: {
    identity: Identity
    transport: TransportName
    /** Where the peer is; undefined where that means nothing. */
    address?: string | undefined
    /** The socket that it is on; undefined where it is on none, or that is not counted. */
    on?: AcceptedSocket | undefined
    onClose: (reason: CloseReason) => void
  }): Session {
    const { check, limits, replayer, cursors, observer } = this.#parts
    if (this.#draining) throw new GatewayError('DRAINING', 'this replica is being shut down: connect to another')
    check(options.identity)
    if (this.#all.size >= limits.maxConnections) {
      throw new GatewayError('LIMIT_EXCEEDED', `at most ${limits.maxConnections} connections`, {
        limit: 'WARREN_MAX_CONNECTIONS',
      })
    }
    const leave = options.on?.carry()
    const seat = this.#seat(options, leave)
    const session = new Session({
      identity: options.identity,
      transport: options.transport,
      address: options.address ?? '',
      replayer,
      cursors,
      observer,
      limits,
      ofClient: this.#ofClient,
      seat,
      onClose: options.onClose,
      onEnd: (ended) => {
        seat.release()
        leave?.()
        this.#all.delete(ended)
      },
    })
    this.#all.add(session)
    return session
  }

  #seat({ identity, address }: { identity: Identity; address?: string | undefined }, leave?: () => void): Seat {
    try {
      return this.connections.seat(identity, address)
    } catch (error) {
      leave?.()
      throw error
    }
  }

  /** The channel is no more: its subscriptions end. */
  endChannel(clientId: string): void {
    for (const session of this.#all) session.endChannel(clientId)
  }

  /**
   * Begins no more, and ends those that there are, evenly over the window; resolves when none is
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
