import type { ChannelSubscription, SubscriptionSink } from '../../core/delivery/channel-subscription.ts'
import type { ChannelEvent } from '../../core/model/channel-event.ts'
import { printCursor } from '../../core/model/cursor.ts'
import type { OverflowPolicy } from '../../core/model/overflow-policy.ts'
import type { GatewayError } from '../../errors.ts'
import type { Outbox } from '../flow/outbox.ts'
import type { PublishFrames } from './publish-frames.ts'

/** What a client may ask for beside the channel, in the `data` of its subscription. */
export interface SocketClusterSubscribeOptions {
  readonly after: string | undefined
  readonly overflow: OverflowPolicy | undefined
  readonly cursors: boolean
}

export interface SubscriptionParts {
  readonly subscription: ChannelSubscription
  /** Each event is sent with its cursor. */
  readonly cursors: boolean
  /** The client knows of gaps. */
  readonly tellsGaps: boolean
  readonly outbox: Outbox
  readonly frames: PublishFrames
  readonly transmit: (event: string, data: unknown) => void
  /** Called once, when nothing more comes; with a failure where the gateway ended it. */
  readonly onEnd: (failure: GatewayError | undefined) => void
}

/** One channel of one connection: writes its events straight to the socket. */
export class SocketClusterSubscription implements SubscriptionSink {
  readonly #parts: SubscriptionParts

  constructor(parts: SubscriptionParts) {
    this.#parts = parts
  }

  /** From here on events flow. */
  begin(): void {
    this.#parts.subscription.pipe(this)
  }

  /** The client has had enough. */
  cancel(): void {
    void this.#parts.subscription.return()
  }

  take(event: ChannelEvent): boolean {
    const { subscription, cursors, outbox, frames } = this.#parts
    if (!outbox.hasRoom) {
      outbox.whenRoom(subscription)
      return false
    }
    if (event.kind === 'MESSAGE') outbox.push(frames.frameOf(event, subscription.channel, cursors))
    else if (event.kind === 'GAP') this.#tellGap(event)
    return true
  }

  end(failure: GatewayError | undefined): void {
    this.#parts.onEnd(failure)
  }

  /**
   * An event of its own beside the channel, and only to who knows of cursors: old clients are sent
   * what the old server sent.
   */
  #tellGap(event: ChannelEvent & { kind: 'GAP' }): void {
    const { subscription, tellsGaps, transmit } = this.#parts
    if (!tellsGaps) return
    transmit('gap', {
      channel: subscription.channel,
      reason: event.reason,
      cursor: printCursor(event.cursor),
      oldest: event.oldest && printCursor(event.oldest),
      dropped: event.dropped,
    })
  }
}
