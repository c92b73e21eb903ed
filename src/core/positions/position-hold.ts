import { GatewayError } from '../../errors.ts'
import type { ChannelSubscription } from '../delivery/channel-subscription.ts'
import type { ChannelEvent } from '../model/channel-event.ts'
import type { Cursor, JournalPlace } from '../model/cursor.ts'
import { errorStack } from '../model/error-text.ts'
import type { WantedPosition } from './position-options.ts'
import type { PositionKey } from './position-store.ts'

/** What a hold uses of `Positions`. */
export interface HoldKeeper {
  /**
   * Takes the position for the hold, and sets its `holder`. Resolves with the place to continue
   * after.
   */
  take(hold: PositionHold, start: Cursor | undefined): Promise<Cursor | undefined>
  /** Moves the position of the hold, if it still has it. */
  acked(hold: PositionHold, cursor: Cursor): void
  /** The subscription has ended. */
  released(hold: PositionHold): void
  failed(error: unknown): void
}

/** One subscription's share of a position: from when it asks for it to its end. */
export class PositionHold implements PositionKey {
  readonly clientId: string
  readonly name: string
  readonly topic: string
  readonly askedAt = new Date()
  /** 0 until it has the position. */
  holder = 0
  /** The last place that it acked itself. */
  ackedAt: JournalPlace | undefined
  readonly #acksDelivered: boolean
  readonly #keeper: HoldKeeper
  readonly #start: Cursor | undefined
  #subscription: ChannelSubscription | undefined

  /** `start`: where the journal ended at the call; undefined if that is not known. */
  constructor(wanted: WantedPosition, topic: string, start: Cursor | undefined, keeper: HoldKeeper) {
    this.clientId = wanted.clientId
    this.name = wanted.name
    this.topic = topic
    this.#acksDelivered = wanted.acksDelivered
    this.#start = start
    this.#keeper = keeper
  }

  /**
   * Looks the position up, and then lets the subscription begin there. Until then it receives
   * nothing, so that no event is missed or delivered twice. Without the registry it ends, with an
   * error to retry.
   */
  begin(subscription: ChannelSubscription): void {
    this.#subscription = subscription
    void this.#begin(subscription)
  }

  /** Whether its subscription has ended. */
  get isOver(): boolean {
    return this.#subscription?.ended === true
  }

  /** The consumer has taken an event. */
  taken({ cursor }: ChannelEvent): void {
    if (this.#acksDelivered && this.holder > 0) this.#keeper.acked(this, cursor)
  }

  ended(): void {
    this.#keeper.released(this)
  }

  /** Ends the subscription: another one has the position, or it was deleted. Idempotent. */
  lose(reason: 'taken' | 'deleted'): void {
    const why = reason === 'taken' ? 'was taken by a later subscription' : 'was deleted'
    this.#subscription?.cut(new GatewayError('POSITION_TAKEN', `position "${this.name}" ${why}`))
  }

  async #begin(subscription: ChannelSubscription): Promise<void> {
    try {
      const { position: after } = subscription
      const place = await this.#keeper.take(this, typeof after === 'object' ? after : this.#start)
      if (subscription.ended) return this.ended()
      subscription.begin(after === undefined ? place : undefined)
    } catch (error) {
      if (!(error instanceof GatewayError)) this.#keeper.failed(errorStack(error))
      subscription.cut(
        error instanceof GatewayError
          ? error
          : new GatewayError('DELIVERY_FAILED', `position "${this.name}" could not be read: subscribe again`),
      )
    }
  }
}
