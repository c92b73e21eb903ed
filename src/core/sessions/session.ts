import { badInput, type CloseReason, GatewayError } from '../../errors.ts'
import type { DeliveryCounter } from '../accounting/delivery-counter.ts'
import type { SessionEnd, TransportName } from '../accounting/labels.ts'
import { Allowance, ChannelSubscription, type Replayer } from '../delivery/channel-subscription.ts'
import type { KeyedLimit } from '../limits/keyed-limit.ts'
import { checkClientId } from '../model/channel-event.ts'
import type { CursorCodec } from '../model/cursor.ts'
import { errorStack } from '../model/error-text.ts'
import { hasIdentity, type Identity, isExpired } from '../model/identity.ts'
import { type OverflowPolicy, overflowPolicies } from '../model/overflow-policy.ts'
import type { Observer } from '../ports/observer.ts'
import { demand, maySubscribe } from './authorizer.ts'
import type { Seat } from './connections.ts'
import { payerOf } from './payer.ts'

export interface SessionLimits {
  /** Subscriptions at once. */
  readonly maxSubscriptions: number
  /** Operations begun in a second. */
  readonly maxSubscribeRate: number
  /** Bytes that wait for a consumer which is slower than its channels. */
  readonly maxBufferedBytes: number
  /** What a subscription may ask for; the first is what it gets unless it asks. */
  readonly overflow: readonly OverflowPolicy[]
  /** How long a session without an identity may have no subscription, in milliseconds. */
  readonly anonymousIdleMs: number
}

/**
 * An identity on a transport: decides what it may do and holds its limits. A WebSocket is one
 * session, and so is an SSE response. Ends once, with a reason.
 */
export class Session {
  identity: Identity
  readonly transport: TransportName
  /** Where its peer is. */
  readonly address: string
  readonly #replayer: Replayer
  readonly #cursors: CursorCodec
  readonly #observer: Observer
  readonly #limits: SessionLimits
  readonly #subscriptions = new Set<ChannelSubscription>()
  /** Feeds of operations that brought a token of their own, with whose it is. */
  readonly #borrowed = new Map<ChannelSubscription, Identity>()
  readonly #onClose: (reason: CloseReason) => void
  readonly #onEnd: (session: Session) => void
  readonly #allowance: Allowance
  readonly #account: DeliveryCounter
  readonly #ofClient: KeyedLimit
  readonly #seat: Seat
  /** Whether it takes part in what is no subscription and counts as one: the common room. */
  #takesPart = false
  /** Since when it has been found to have no subscription, and no identity. */
  #idleSince: number | undefined
  #begun = 0
  #working = 0
  /** How many subscriptions it has begun. */
  #subscribed = 0
  readonly #began = performance.now()
  #begunSince = 0
  #ended = false

  constructor(options: {
    identity: Identity
    transport: TransportName
    address: string
    replayer: Replayer
    cursors: CursorCodec
    observer: Observer
    limits: SessionLimits
    /** Subscriptions by client, over all sessions. */
    ofClient: KeyedLimit
    /** Its place among connections. The session passes it on; its owner releases it. */
    seat: Seat
    /**
     * Called once when the gateway ends the session: the transport closes its connection with the
     * reason.
     */
    onClose: (reason: CloseReason) => void
    /** Called once when the session has ended, whoever ended it. */
    onEnd: (session: Session) => void
  }) {
    this.identity = options.identity
    this.transport = options.transport
    this.address = options.address
    this.#ofClient = options.ofClient
    this.#seat = options.seat
    this.#replayer = options.replayer
    this.#cursors = options.cursors
    this.#observer = options.observer
    this.#limits = options.limits
    this.#onClose = options.onClose
    this.#allowance = new Allowance(options.limits.maxBufferedBytes)
    this.#onEnd = options.onEnd
    this.#account = options.observer.eventsOf(options.transport)
    this.#observer.sessionStarted(this.transport)
  }

  /** Who pays for what it makes the gateway hold: `payerOf`. */
  get payer(): string | undefined {
    return payerOf(this.identity, this.address)
  }

  get subscriptions(): number {
    return this.#subscriptions.size
  }

  /** What waits for a consumer that is slower than its channels, in bytes of bodies. */
  get bufferedBytes(): number {
    return this.#allowance.used
  }

  /**
   * Whether something is under way that its end would cut off: an operation, or events that wait
   * for a slow consumer.
   */
  get busy(): boolean {
    return this.#working > 0 || this.#allowance.used > 0
  }

  /** An operation of this session, up to its answer. */
  during<Work>(work: Work): Work {
    if (!(work instanceof Promise)) return work
    this.#working += 1
    void work
      .catch(() => undefined)
      .finally(() => {
        this.#working -= 1
      })
    return work
  }

  /**
   * Called as an operation begins; throws `LIMIT_EXCEEDED` where there were too many within a
   * second.
   */
  admit(): void {
    const now = Date.now()
    if (now - this.#begunSince >= 1_000) {
      this.#begunSince = now
      this.#begun = 0
    }
    this.#begun += 1
    if (this.#begun > this.#limits.maxSubscribeRate) {
      throw new GatewayError(
        'LIMIT_EXCEEDED',
        `at most ${this.#limits.maxSubscribeRate} operations a second on a connection`,
        {
          limit: 'WARREN_MAX_SUBSCRIBE_RATE',
        },
      )
    }
  }

  /**
   * The events of a channel, behind `after` where that is given, else from now on. A cursor that is
   * none is answered with a gap, not with an error. `as`: whom the operation named with a token of
   * its own; it counts among the session's all the same. Throws `BAD_USER_INPUT`,
   * `UNAUTHENTICATED`, `FORBIDDEN`, `LIMIT_EXCEEDED`.
   */
  subscribe(
    options: {
      clientId: string
      after?: string | null
      checkpoints?: boolean | null
      overflow?: OverflowPolicy | null
      as?: Identity
    },
    onEnd?: () => void,
  ): ChannelSubscription {
    const channel = checkClientId(options.clientId)
    const identity = options.as ?? this.identity
    demand(maySubscribe(identity, channel), identity, `hear channel "${channel}"`)
    if (this.#ended) throw new GatewayError('UNAUTHENTICATED', 'this session has ended')
    if (this.#subscriptions.size >= this.#limits.maxSubscriptions) {
      throw new GatewayError('LIMIT_EXCEEDED', `at most ${this.#limits.maxSubscriptions} subscriptions a connection`, {
        limit: 'WARREN_MAX_SUBSCRIPTIONS',
      })
    }
    const overflow = this.#policyOf(options.overflow)
    const release = this.#ofClient.take(identity.clientId)
    const { after } = options
    const subscription: ChannelSubscription = new ChannelSubscription({
      channel,
      after: after === undefined || after === null ? undefined : (this.#cursors.parse(after) ?? 'invalid'),
      checkpoints: options.checkpoints ?? false,
      replayer: this.#replayer,
      allowance: this.#allowance,
      onEnd: () => {
        release()
        this.#borrowed.delete(subscription)
        if (this.#subscriptions.delete(subscription)) this.#observer.subscriptionEnded(this.transport)
        onEnd?.()
      },
      overflow,
      onOverflow: () => this.close('SLOW_CONSUMER'),
      onFailure: (error) => this.failed(error, channel),
      counter: this.#account,
    })
    this.#subscriptions.add(subscription)
    this.#subscribed += 1
    if (identity !== this.identity) this.#borrowed.set(subscription, identity)
    this.#observer.subscriptionStarted(this.transport)
    this.#replayer.resume(subscription)
    return subscription
  }

  /**
   * The same caller with a newer token: the session lives on under it, and what it may no longer
   * hear ends with `FORBIDDEN`. A session that nobody has claimed yet may be claimed so. Throws
   * `FORBIDDEN` for a token of another client, `LIMIT_EXCEEDED` where that client has too many
   * connections.
   */
  renew(identity: Identity): void {
    if (this.#ended) throw new GatewayError('UNAUTHENTICATED', 'this session has ended')
    if (hasIdentity(this.identity) && this.identity.clientId !== identity.clientId) {
      throw new GatewayError('FORBIDDEN', 'the token is of another client than this session; open a connection for it')
    }
    this.become(identity)
  }

  /**
   * Goes on under another identity, whoever it was before, and what that one may not hear ends with
   * `FORBIDDEN`: for transports on which a client logs in and out.
   */
  become(identity: Identity): void {
    if (this.#ended) throw new GatewayError('UNAUTHENTICATED', 'this session has ended')
    this.#seat.passTo(identity)
    this.identity = identity
    for (const subscription of this.#subscriptions) {
      if (this.#borrowed.has(subscription) || maySubscribe(identity, subscription.channel)) continue
      subscription.end(
        new GatewayError('FORBIDDEN', `the new token does not allow to hear channel "${subscription.channel}"`),
      )
    }
  }

  /** It takes part in the common room, which counts as a subscription. */
  takePart(): void {
    this.#takesPart = true
  }

  /**
   * Called every second: a session ends with its token, and so does what another token has begun in
   * it; one that nobody owns and that waits for nothing ends too.
   */
  expire(now: number): void {
    if (isExpired(this.identity, now)) return this.close('TOKEN_EXPIRED')
    if (this.#isIdle) {
      this.#idleSince ??= now
      if (now - this.#idleSince >= this.#limits.anonymousIdleMs) return this.close('IDLE')
    } else this.#idleSince = undefined
    this.#endBorrowed((identity) => isExpired(identity, now), 'the token of this operation has expired')
  }

  /** `bans`: whether the token of an identity is barred from now on. */
  revoke(bans: (identity: Identity) => boolean): void {
    if (bans(this.identity)) return this.close('REVOKED')
    this.#endBorrowed(bans, 'the token of this operation was revoked')
  }

  /**
   * The channel of a client was deleted. `isVoid`: whether the token of an identity went with it.
   * The session goes on with what its scope grants, and no longer as the owner of that channel.
   */
  disown(channel: string, isVoid: (identity: Identity) => boolean): void {
    if (isVoid(this.identity)) this.identity = { ...this.identity, disowned: true }
    for (const subscription of this.#subscriptions) {
      if (subscription.channel !== channel) continue
      const borrowed = this.#borrowed.get(subscription)
      const mayStay = borrowed ? !isVoid(borrowed) : maySubscribe(this.identity, channel)
      if (!mayStay) subscription.end(deletedChannel(channel))
    }
  }

  /**
   * A delivery to this client threw, here or in its transport. Counted and logged; what becomes of
   * the client is the caller's affair.
   */
  failed(error: unknown, channel?: string): void {
    this.#observer.deliveryFailed(this.transport)
    this.#observer.log('error', 'a delivery failed in a way that was not foreseen; the others go on', {
      transport: this.transport,
      ...(channel === undefined ? {} : { channel }),
      address: this.address,
      error: errorStack(error),
    })
  }

  /**
   * The gateway ends the session: the transport is told, then feeds end: what their ends mean to a
   * client depends on the reason. Idempotent.
   */
  close(reason: CloseReason): void {
    if (this.#ended) return
    try {
      this.#onClose(reason)
    } catch (error) {
      this.failed(error)
    }
    this.end(sessionEndOf[reason])
  }

  /** The transport says that its connection is gone. Idempotent. */
  end(reason: SessionEnd): void {
    if (this.#ended) return
    this.#ended = true
    this.#observer.log('info', 'a session ended', {
      reason,
      transport: this.transport,
      ...(this.identity.clientId === undefined ? {} : { client: this.identity.clientId }),
      address: this.address,
      subscriptions: this.#subscribed,
      seconds: Math.round(performance.now() - this.#began) / 1000,
    })
    for (const subscription of this.#subscriptions) subscription.end()
    this.#observer.sessionEnded(this.transport, reason)
    this.#onEnd(this)
  }

  /**
   * The channel is no more: its subscriptions end with `CHANNEL_NOT_FOUND`, the session goes on.
   */
  endChannel(channel: string): void {
    for (const subscription of this.#subscriptions) {
      if (subscription.channel === channel) subscription.end(deletedChannel(channel))
    }
  }

  #policyOf(wanted: OverflowPolicy | null | undefined): OverflowPolicy | undefined {
    const allowed = this.#limits.overflow
    if (wanted === undefined || wanted === null) return allowed[0]
    if (allowed.includes(wanted)) return wanted
    const isPolicy = overflowPolicies.includes(wanted)
    throw badInput(
      'overflow',
      `expected ${allowed.join(' or ')}, got ${isPolicy ? `${wanted}, which the operator does not allow (WARREN_OVERFLOW)` : JSON.stringify(wanted)}`,
    )
  }

  #endBorrowed(isOver: (identity: Identity) => boolean, sentence: string): void {
    for (const [subscription, identity] of this.#borrowed) {
      if (isOver(identity)) subscription.end(new GatewayError('UNAUTHENTICATED', sentence))
    }
  }

  get #isIdle(): boolean {
    if (this.#subscriptions.size > 0 || this.#takesPart || this.#working > 0) return false
    return !hasIdentity(this.identity) && this.transport !== 'in-process'
  }

  get ended(): boolean {
    return this.#ended
  }
}

function deletedChannel(channel: string): GatewayError {
  return new GatewayError('CHANNEL_NOT_FOUND', `channel "${channel}" was deleted`)
}

const sessionEndOf = {
  NORMAL: 'client',
  RESTART: 'restart',
  BAD_REQUEST: 'bad-request',
  UNAUTHORIZED: 'unauthorized',
  FORBIDDEN: 'forbidden',
  TOO_MANY: 'too-many',
  SLOW_CONSUMER: 'slow-consumer',
  TOKEN_EXPIRED: 'token-expired',
  INTERNAL_ERROR: 'internal-error',
  REVOKED: 'revoked',
  IDLE: 'idle',
} as const satisfies Record<CloseReason, SessionEnd>
