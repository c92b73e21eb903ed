import type { CloseReason } from '../../close-reasons.ts'
import { GatewayError } from '../../errors.ts'
import type { DeliveryCounter } from '../accounting/delivery-counter.ts'
import type { SessionEnd, TransportName } from '../accounting/labels.ts'
import { ChannelSubscription } from '../delivery/channel-subscription.ts'
import { Allowance } from '../delivery/event-queue.ts'
import { everyOf } from '../delivery/pace.ts'
import { lastEventsOf } from '../delivery/replay/last-events.ts'
import { checkClientId } from '../model/channel-event.ts'
import { errorStack } from '../model/error-text.ts'
import { hasToken, type Identity, isExpired } from '../model/identity.ts'
import { allowedPolicyOf, type OverflowPolicy } from '../model/overflow-policy.ts'
import type { EventAccess } from '../ports/event-matcher.ts'
import { channelTopic, type Topic } from '../ports/topic.ts'
import type { PositionOptions, PositionTopic } from '../positions/position-options.ts'
import { demand, maySubscribe } from './authorizer.ts'
import type { ConnectionSlot } from './connections.ts'
import type { OpenFeed } from './feeds/feed.ts'
import { FollowedFeeds } from './feeds/followed-feeds.ts'
import { payerOf } from './payer.ts'
import type { SessionServices } from './session-services.ts'
import { SessionSubscriptions } from './session-subscriptions.ts'

export interface SessionSubscribeOptions extends PositionOptions {
  readonly after?: string | null | undefined
  /** See `lastEventsOf`. */
  readonly last?: number | null | undefined
  /** See `everyOf`. */
  readonly every?: string | null | undefined
  readonly checkpoints?: boolean | null | undefined
  readonly overflow?: OverflowPolicy | null | undefined
  readonly as?: Identity | undefined
}

/** `subscriptions`: those that ended with the session. */
type SessionEnded = (session: Session, reason: SessionEnd, subscriptions: readonly ChannelSubscription[]) => void

/**
 * An identity on a transport: decides what it may do, and holds its limits. A WebSocket is one
 * session, and so is an SSE response. It ends once, with a reason.
 */
export class Session {
  identity: Identity
  readonly transport: TransportName
  /** The address of the peer; empty if it has none. */
  readonly address: string
  readonly #services: SessionServices
  readonly #number: number
  readonly #subscriptions = new SessionSubscriptions()
  /** Most sessions never have any. */
  #feeds: FollowedFeeds | undefined
  readonly #onClose: (reason: CloseReason) => void
  readonly #onEnd: SessionEnded
  readonly #allowance: Allowance
  readonly #deliveries: DeliveryCounter
  readonly #slot: ConnectionSlot
  /** Whether the session is in the common room, which counts as a subscription. */
  #inRoom = false
  /** When `expire` first found it without a subscription and without an identity. */
  #idleSince: number | undefined
  #startedInWindow = 0
  #working = 0
  readonly #began = performance.now()
  #rateWindowSince = 0
  #ended = false

  constructor(options: {
    services: SessionServices
    identity: Identity
    /** Unique among the sessions of this life of the replica. */
    number: number
    transport: TransportName
    address: string
    /** Its connection slot. The session passes it to a new identity; the owner releases it. */
    slot: ConnectionSlot
    /**
     * Called once when the gateway ends the session: the transport closes its connection with the
     * reason.
     */
    onClose: (reason: CloseReason) => void
    /** Called once when the session has ended, for any reason. */
    onEnd: SessionEnded
  }) {
    const { services, transport } = options
    this.#services = services
    this.identity = options.identity
    this.#number = options.number
    this.transport = transport
    this.address = options.address
    this.#slot = options.slot
    this.#onClose = options.onClose
    this.#onEnd = options.onEnd
    this.#allowance = new Allowance(services.limits.maxBufferedBytes)
    this.#deliveries = services.observer.eventsOf(transport)
    services.observer.sessionStarted(transport)
  }

  /** Unique in the deployment; operators name the session by it. */
  get id(): string {
    return `${this.#services.life}-${this.#number.toString(36)}`
  }

  /** The key that its use of memory is charged to: `payerOf`. */
  get payer(): string | undefined {
    return payerOf(this.identity, this.address)
  }

  get subscriptions(): number {
    return this.#subscriptions.size
  }

  get openSubscriptions(): Iterable<ChannelSubscription> {
    return this.#subscriptions.open
  }

  /** In milliseconds since the epoch. */
  get since(): number {
    return Date.now() - (performance.now() - this.#began)
  }

  /** Messages that all its subscriptions, also ended ones, delivered and dropped. */
  get counts(): { readonly delivered: number; readonly dropped: number } {
    return this.#subscriptions.counts
  }

  /** Whether events wait for the client, or a subscription has left live delivery. */
  get slow(): boolean {
    return this.#allowance.used > 0 || this.#subscriptions.behind
  }

  /** Bytes of bodies that wait for a consumer that is slower than its channels. */
  get bufferedBytes(): number {
    return this.#allowance.used
  }

  /**
   * Whether its end would cut off work under way: an operation, or events that wait for a slow
   * consumer.
   */
  get busy(): boolean {
    return this.#working > 0 || this.#allowance.used > 0
  }

  /** Counts an operation of this session as work until its answer. */
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
   * Called when an operation starts. Throws `LIMIT_EXCEEDED` if too many started within a second.
   */
  admit(): void {
    const now = Date.now()
    if (now - this.#rateWindowSince >= 1_000) {
      this.#rateWindowSince = now
      this.#startedInWindow = 0
    }
    this.#startedInWindow += 1
    const { maxSubscribeRate } = this.#services.limits
    if (this.#startedInWindow > maxSubscribeRate) {
      throw new GatewayError('LIMIT_EXCEEDED', `at most ${maxSubscribeRate} operations a second on a connection`, {
        limit: 'WARREN_MAX_SUBSCRIBE_RATE',
      })
    }
  }

  /**
   * Subscribes to a channel: after the cursor `after`, or from now on without one. An invalid
   * cursor yields a GAP event, not an error. `as`: the identity of an operation with a token of its
   * own; it counts towards the limits of this session all the same. Throws `BAD_USER_INPUT`,
   * `UNAUTHENTICATED`, `FORBIDDEN`, `LIMIT_EXCEEDED`.
   */
  subscribe(options: SessionSubscribeOptions & { clientId: string }, onEnd?: () => void): ChannelSubscription {
    const channel = checkClientId(options.clientId)
    const identity = options.as ?? this.identity
    demand(maySubscribe(identity, channel), identity, `subscribe to channel "${channel}"`)
    const topic = {
      topicOf: () => channelTopic(channel),
      wanted: () => ({ field: 'channel', args: { clientId: channel } }),
    }
    return this.#begin(options, identity, topic, onEnd)
  }

  /** As `subscribe`, to the events of a typed field. Also throws what `access` throws. */
  subscribeEvent(options: SessionSubscribeOptions & { access: EventAccess }, onEnd?: () => void): ChannelSubscription {
    const { access } = options
    const identity = options.as ?? this.identity
    const topic = { topicOf: () => access.topicFor(identity), wanted: () => access.wanted, access }
    try {
      return this.#begin(options, identity, topic, () => {
        access.release()
        onEnd?.()
      })
    } catch (error) {
      access.release()
      throw error
    }
  }

  /**
   * Begins a feed, which counts as a subscription and ends with the session. `check` is called now
   * and whenever the token changes; the feed ends with what it throws. Also throws
   * `LIMIT_EXCEEDED`. `as`: as in `subscribe`.
   */
  follow(feed: OpenFeed, check: (identity: Identity) => void, as?: Identity): void {
    const identity = as ?? this.identity
    check(identity)
    this.#requireRoom()
    const item = this.#services.ofClient.take(identity.clientId)
    const feeds = (this.#feeds ??= new FollowedFeeds())
    feeds.add(feed, check, as)
    this.#services.observer.subscriptionStarted(this.transport)
    feed.onEnd(() => {
      item.release()
      feeds.delete(feed)
      this.#services.observer.subscriptionEnded(this.transport)
    })
  }

  #requireRoom(): void {
    if (this.#ended) throw new GatewayError('UNAUTHENTICATED', 'this session has ended')
    const { maxSubscriptions } = this.#services.limits
    if (this.#subscriptions.size + (this.#feeds?.size ?? 0) >= maxSubscriptions) {
      throw new GatewayError('LIMIT_EXCEEDED', `at most ${maxSubscriptions} subscriptions a connection`, {
        limit: 'WARREN_MAX_SUBSCRIPTIONS',
      })
    }
  }

  #begin(
    options: SessionSubscribeOptions,
    identity: Identity,
    {
      topicOf,
      wanted,
      access,
    }: {
      readonly topicOf: () => Topic
      readonly wanted: () => PositionTopic
      readonly access?: EventAccess
    },
    onEnd: (() => void) | undefined,
  ): ChannelSubscription {
    this.#requireRoom()
    const { replayer, cursors, observer, limits, paces, positions, ofClient } = this.#services
    const overflow = allowedPolicyOf(options.overflow, limits.overflow)
    const last = lastEventsOf(options.last, options.after)
    const everyMs = everyOf(options.every)
    const topic = topicOf()
    const hold = positions.hold(options, identity, wanted)
    const item = ofClient.take(identity.clientId)
    const { after } = options
    const fieldCounter = topic.kind === 'event' ? observer.fieldCounter(topic.field) : undefined
    const subscription: ChannelSubscription = new ChannelSubscription({
      topic,
      after: after === undefined || after === null ? undefined : (cursors.parse(after) ?? 'invalid'),
      last,
      pace: everyMs === undefined ? undefined : { everyMs, paces },
      awaitsBegin: hold !== undefined,
      checkpoints: options.checkpoints ?? false,
      replayer,
      allowance: this.#allowance,
      onEnd: () => {
        item.release()
        hold?.ended()
        if (this.#subscriptions.delete(subscription)) {
          this.#services.observer.subscriptionEnded(this.transport)
          if (fieldCounter) fieldCounter.subscriptions -= 1
        }
        onEnd?.()
      },
      overflow,
      onOverflow: () => this.close('SLOW_CONSUMER'),
      onFailure: (error) => this.failed(error, subscription.channel),
      onTaken: hold && ((event) => hold.taken(event)),
      counter: this.#deliveries,
      fieldCounter,
    })
    this.#subscriptions.add(subscription, identity === this.identity ? undefined : identity, access)
    observer.subscriptionStarted(this.transport)
    if (fieldCounter) fieldCounter.subscriptions += 1
    if (hold) hold.begin(subscription)
    else replayer.resume(subscription)
    return subscription
  }

  /**
   * Continues with a newer token of the same caller. Subscriptions that it no longer allows end
   * with `FORBIDDEN`. A session without an identity may get one this way. Throws `FORBIDDEN` for a
   * token of another client, and `LIMIT_EXCEEDED` if that client has too many connections.
   */
  renew(identity: Identity): void {
    if (this.#ended) throw new GatewayError('UNAUTHENTICATED', 'this session has ended')
    if (hasToken(this.identity) && this.identity.clientId !== identity.clientId) {
      throw new GatewayError(
        'FORBIDDEN',
        'the token belongs to another client than this session; open a new connection for it',
      )
    }
    this.become(identity)
  }

  /**
   * Continues under any other identity; subscriptions that it does not allow end with `FORBIDDEN`.
   * For transports on which a client logs in and out.
   */
  become(identity: Identity): void {
    if (this.#ended) throw new GatewayError('UNAUTHENTICATED', 'this session has ended')
    this.#slot.chargeTo(identity)
    this.#services.onIdentity(this.identity.clientId, identity.clientId)
    this.identity = identity
    this.#subscriptions.authorizeChannels(identity)
    this.#feeds?.authorize(identity)
    this.#subscriptions.authorizeEvents(identity)
  }

  /**
   * After a reload of the schema: authorizes the subscriptions of typed fields again. False: one of
   * them may not continue, and the caller closes the session.
   */
  reloadEvents(): boolean {
    return this.#subscriptions.reloadEvents(this.identity)
  }

  /** The session enters the common room, which counts as a subscription. */
  joinRoom(): void {
    this.#inRoom = true
  }

  /**
   * Called every second. Ends the session when its token has expired, and subscriptions when their
   * own token has. Also ends an idle session without an identity.
   */
  expire(now: number): void {
    if (isExpired(this.identity, now)) return this.close('TOKEN_EXPIRED')
    if (this.#isIdle) {
      this.#idleSince ??= now
      if (now - this.#idleSince >= this.#services.limits.anonymousIdleMs) return this.close('IDLE')
    } else this.#idleSince = undefined
    this.#endWithOwnToken((identity) => isExpired(identity, now), 'the token of this operation has expired')
  }

  /**
   * Ends the session, or the subscriptions with their own token, if their token was revoked.
   * `bans`: whether the token of an identity is barred from now on.
   */
  revoke(bans: (identity: Identity) => boolean): void {
    if (bans(this.identity)) return this.close('REVOKED')
    this.#endWithOwnToken(bans, 'the token of this operation was revoked')
  }

  /**
   * Called when the channel of a client was deleted. `isInvalidated`: whether the token of an
   * identity became invalid with it. The session continues with the grants of its scope, but no
   * longer owns that channel.
   */
  disown(channel: string, isInvalidated: (identity: Identity) => boolean): void {
    if (isInvalidated(this.identity)) {
      this.identity = { ...this.identity, disowned: true }
    }
    this.#subscriptions.disown(channel, this.identity, isInvalidated)
  }

  /**
   * A delivery to this client threw, here or in its transport. Counts and logs the error; the
   * caller decides whether the client stays.
   */
  failed(error: unknown, channel?: string): void {
    const { observer } = this.#services
    observer.deliveryFailed(this.transport)
    observer.log('error', 'a delivery failed in a way that was not foreseen; other deliveries continue', {
      transport: this.transport,
      ...(channel === undefined ? {} : { channel }),
      address: this.address,
      error: errorStack(error),
    })
  }

  /**
   * The gateway ends the session: it notifies the transport, then ends the subscriptions. The
   * reason decides what those ends mean to the client. Idempotent.
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

  /** The transport reports that its connection is gone. Idempotent. */
  end(reason: SessionEnd): void {
    if (this.#ended) return
    this.#ended = true
    this.#services.observer.log('info', 'a session ended', {
      reason,
      transport: this.transport,
      ...(this.identity.clientId === undefined ? {} : { client: this.identity.clientId }),
      address: this.address,
      subscriptions: this.#subscriptions.started,
      seconds: Math.round(performance.now() - this.#began) / 1000,
    })
    const open = [...this.#subscriptions.open]
    for (const subscription of open) subscription.end()
    this.#feeds?.endAll()
    this.#services.observer.sessionEnded(this.transport, reason)
    this.#onEnd(this, reason, open)
  }

  /**
   * The channel was deleted at this time, in milliseconds since the epoch: its subscriptions end
   * with `CHANNEL_NOT_FOUND`, the session continues. Later ones belong to the next owner of the id.
   */
  endChannel(channel: string, deletedAt: number): void {
    this.#subscriptions.endChannel(channel, deletedAt)
  }

  #endWithOwnToken(isOver: (identity: Identity) => boolean, message: string): void {
    this.#subscriptions.endWithOwnToken(isOver, message)
    this.#feeds?.endWithOwnToken(isOver, message)
  }

  get #isIdle(): boolean {
    if (this.#subscriptions.size > 0 || (this.#feeds?.size ?? 0) > 0 || this.#inRoom || this.#working > 0) return false
    return !hasToken(this.identity) && this.transport !== 'in-process'
  }

  get ended(): boolean {
    return this.#ended
  }
}

const sessionEndOf = {
  NORMAL: 'client',
  RESTART: 'restart',
  BAD_REQUEST: 'bad-request',
  UNAUTHORIZED: 'unauthorized',
  INVALID_TOKEN: 'unauthorized',
  FORBIDDEN: 'forbidden',
  TOO_MANY: 'too-many',
  SLOW_CONSUMER: 'slow-consumer',
  TOKEN_EXPIRED: 'token-expired',
  INTERNAL_ERROR: 'internal-error',
  REVOKED: 'revoked',
  IDLE: 'idle',
} as const satisfies Record<CloseReason, SessionEnd>
