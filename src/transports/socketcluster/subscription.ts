import type { ChannelSubscription, SubscriptionSink } from '../../core/delivery/channel-subscription.ts'
import type { ChannelEvent } from '../../core/model/channel-event.ts'
import { printCursor } from '../../core/model/cursor.ts'
import type { OverflowPolicy } from '../../core/model/overflow-policy.ts'
import type { AutoAck } from '../../core/positions/position-options.ts'
import type { GatewayError } from '../../errors.ts'
import type { NamedSubscription } from '../../events/serving/named-events.ts'
import type { Outbox } from '../flow/outbox.ts'
import type { DeliveryFrames } from './delivery-frames.ts'

/** The options in the `data` of a subscription. */
export interface SocketClusterSubscribeOptions {
  readonly after: string | undefined
  readonly last: number | undefined
  readonly every: string | undefined
  readonly position: string | undefined
  readonly autoAck: AutoAck | undefined
  readonly overflow: OverflowPolicy | undefined
  readonly cursors: boolean
}

export interface SubscriptionParts {
  readonly subscription: ChannelSubscription
  /** Prints the messages of a typed field; undefined for a channel. */
  readonly typed: NamedSubscription | undefined
  /** Whether each event is sent with its cursor. */
  readonly cursors: boolean
  /** Whether gaps are sent. */
  readonly sendsGaps: boolean
  readonly outbox: Outbox
  readonly frames: DeliveryFrames
  readonly transmit: (event: string, data: unknown) => void
  /** Called once, at the end. `failure`: why the gateway ended it; undefined: it did not. */
  readonly onEnd: (failure: GatewayError | undefined) => void
}

/** One channel of one connection: writes its events to the outbox. */
export class SocketClusterSubscription implements SubscriptionSink {
  readonly #parts: SubscriptionParts

  constructor(parts: SubscriptionParts) {
    this.#parts = parts
  }

  /** Starts to send events. */
  begin(): void {
    this.#parts.subscription.pipe(this)
  }

  /** The client has unsubscribed. */
  cancel(): void {
    void this.#parts.subscription.return()
  }

  take(event: ChannelEvent): boolean {
    const { subscription, typed, cursors, outbox, frames } = this.#parts
    if (!outbox.hasRoom) {
      outbox.whenRoom(subscription)
      return false
    }
    if (event.kind === 'MESSAGE') {
      const frame = typed
        ? frames.typedFrameOf(event, subscription.channel, cursors, typed)
        : frames.frameOf(event, subscription.channel, cursors)
      if (frame !== undefined) outbox.push(frame)
    } else if (event.kind === 'GAP') this.#sendGap(event)
    else if (event.state && cursors) outbox.push(frames.stateFrameOf(event, subscription.channel))
    return true
  }

  end(failure: GatewayError | undefined): void {
    this.#parts.onEnd(failure)
  }

  /** A separate event, for clients that use cursors. Others get what the stock server sends. */
  #sendGap(event: ChannelEvent & { kind: 'GAP' }): void {
    const { subscription, sendsGaps, transmit } = this.#parts
    if (!sendsGaps) return
    transmit('gap', {
      channel: subscription.channel,
      reason: event.reason,
      cursor: printCursor(event.cursor),
      oldest: event.oldest && printCursor(event.oldest),
      dropped: event.dropped,
    })
  }
}
