import { GatewayError } from '../../errors.ts'
import type { ChannelSubscription } from '../delivery/channel-subscription.ts'
import type { Identity } from '../model/identity.ts'
import type { EventAccess } from '../ports/event-matcher.ts'
import type { Topic } from '../ports/topic.ts'
import { maySubscribe } from './authorizer.ts'

/**
 * The subscriptions of a session, and who has each: the identity of the session, or of an operation
 * with a token of its own. Ends those that may not continue.
 */
export class SessionSubscriptions {
  readonly #open = new Set<ChannelSubscription>()
  // Most sessions never need these two. An empty map has 184 bytes, so each begins with an entry.
  /** Subscriptions of operations that had a token of their own, with the identity of that token. */
  #withOwnToken: Map<ChannelSubscription, Identity> | undefined
  /** Subscriptions of typed fields. */
  #eventAccess: Map<ChannelSubscription, EventAccess> | undefined
  #started = 0
  /** What the ended ones delivered and dropped. */
  #deliveredBefore = 0
  #droppedBefore = 0

  get size(): number {
    return this.#open.size
  }

  /** How many there were, ended ones included. */
  get started(): number {
    return this.#started
  }

  get open(): Iterable<ChannelSubscription> {
    return this.#open
  }

  /** Messages that all of them, also ended ones, delivered and dropped. */
  get counts(): { readonly delivered: number; readonly dropped: number } {
    let delivered = this.#deliveredBefore
    let dropped = this.#droppedBefore
    for (const subscription of this.#open) {
      delivered += subscription.delivered
      dropped += subscription.dropped
    }
    return { delivered, dropped }
  }

  /** Whether one of them has left live delivery. */
  get behind(): boolean {
    for (const { behind } of this.#open) if (behind) return true
    return false
  }

  /** `ownIdentity`: of an operation with a token of its own. `access`: of a typed field. */
  add(subscription: ChannelSubscription, ownIdentity: Identity | undefined, access: EventAccess | undefined): void {
    this.#open.add(subscription)
    this.#started += 1
    if (ownIdentity) (this.#withOwnToken ??= new Map()).set(subscription, ownIdentity)
    if (access) (this.#eventAccess ??= new Map()).set(subscription, access)
  }

  /** The subscription has ended. False: it was not one of these. */
  delete(subscription: ChannelSubscription): boolean {
    this.#withOwnToken?.delete(subscription)
    this.#eventAccess?.delete(subscription)
    if (!this.#open.delete(subscription)) return false
    this.#deliveredBefore += subscription.delivered
    this.#droppedBefore += subscription.dropped
    return true
  }

  /** The session continues with this identity. Subscriptions that it does not allow end. */
  authorizeChannels(identity: Identity): void {
    for (const subscription of this.#open) {
      if (this.#withOwnToken?.has(subscription) || this.#eventAccess?.has(subscription)) continue
      if (mayContinue(identity, subscription.topic)) continue
      subscription.end(
        new GatewayError(
          'FORBIDDEN',
          `the new token does not allow you to subscribe to channel "${subscription.channel}"`,
        ),
      )
    }
  }

  /**
   * Decides again who may have the events of typed fields, because the token or the schema changed.
   * Values that the client left out are taken from the token as it is now. A subscription that is
   * no longer allowed ends with the error.
   */
  authorizeEvents(identity: Identity): void {
    for (const [subscription, access] of this.#eventAccess ?? []) {
      try {
        const topic = access.topicFor(this.#withOwnToken?.get(subscription) ?? identity)
        const { topic: before } = subscription
        if (before.kind !== 'event' || before.key !== topic.key) subscription.changeTopic(topic)
      } catch (error) {
        if (error instanceof GatewayError) subscription.end(error)
        else subscription.fail(error)
      }
    }
  }

  /** See `Session.reloadEvents`. */
  reloadEvents(identity: Identity): boolean {
    const mayContinue = [...(this.#eventAccess?.values() ?? [])].map((access) => access.reload())
    this.authorizeEvents(identity)
    return mayContinue.every(Boolean)
  }

  /** Ends those of tokens of their own that are no longer valid. */
  endWithOwnToken(isOver: (identity: Identity) => boolean, message: string): void {
    for (const [subscription, identity] of this.#withOwnToken ?? []) {
      if (isOver(identity)) subscription.end(new GatewayError('UNAUTHENTICATED', message))
    }
  }

  /** See `Session.disown`. `sessionIdentity`: as it is after the deletion. */
  disown(channel: string, sessionIdentity: Identity, isInvalidated: (identity: Identity) => boolean): void {
    for (const [subscription, identity] of this.#withOwnToken ?? []) {
      if (isInvalidated(identity)) this.#withOwnToken?.set(subscription, { ...identity, disowned: true })
    }
    this.authorizeEvents(sessionIdentity)
    for (const subscription of this.#open) {
      if (!isChannelOf(subscription, channel)) continue
      const borrowed = this.#withOwnToken?.get(subscription)
      const mayStay = borrowed ? !isInvalidated(borrowed) : maySubscribe(sessionIdentity, channel)
      if (!mayStay) subscription.end(deletedChannel(channel))
    }
  }

  /** See `Session.endChannel`. */
  endChannel(channel: string, deletedAt: number): void {
    for (const subscription of this.#open) {
      if (subscription.beganAt <= deletedAt && isChannelOf(subscription, channel))
        subscription.end(deletedChannel(channel))
    }
  }
}

function isChannelOf({ topic }: ChannelSubscription, clientId: string): boolean {
  return topic.kind === 'channel' && topic.clientId === clientId
}

function mayContinue(identity: Identity, topic: Topic): boolean {
  return topic.kind === 'channel' && maySubscribe(identity, topic.clientId)
}

function deletedChannel(channel: string): GatewayError {
  return new GatewayError('CHANNEL_NOT_FOUND', `channel "${channel}" was deleted`)
}
