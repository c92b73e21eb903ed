import type { ExecutionArgs, ExecutionResult } from 'graphql'
import { MessageType } from 'graphql-ws'
import { latin1Of } from '../../../core/body/latin1.ts'
import type { ChannelSubscription, SubscriptionSink } from '../../../core/delivery/channel-subscription.ts'
import type { ChannelEvent } from '../../../core/model/channel-event.ts'
import type { GatewayError } from '../../../errors.ts'
import type { Outbox } from '../../flow/outbox.ts'
import { textFrameHeader } from '../../websocket/frame-writer.ts'
import type { FanOutGroup } from '../fan-out.ts'

export interface NextFramesOptions {
  readonly subscription: ChannelSubscription
  readonly group: FanOutGroup
  readonly outbox: Outbox
  /** As the client knows the operation. */
  readonly id: string
  /** For what is not shared; with the variables that `keptValues` keeps. */
  readonly args: ExecutionArgs
  /** Of the root field, coerced. */
  readonly fieldArguments: Record<string, unknown>
  /** Lets go of the document. */
  readonly release: () => void
  /** What the client sees of a result with errors. */
  readonly masked: (result: ExecutionResult) => object
  readonly owner: {
    /** The feed has ended: by itself, or with a failure. */
    operationEnded(next: NextWriter, id: string, failure: GatewayError | undefined): void
  }
}

/** Writes the `next` frames of one subscription straight to its socket. */
export class NextWriter implements SubscriptionSink {
  // All that a delivery needs is in this one object.
  readonly #subscription: ChannelSubscription
  readonly #group: FanOutGroup
  readonly #outbox: Outbox
  readonly #args: ExecutionArgs
  readonly #masked: NextFramesOptions['masked']
  readonly #id: string
  readonly #start: string
  readonly #fieldArguments: Record<string, unknown>
  readonly #owner: NextFramesOptions['owner']
  readonly #release: () => void
  /** The frame's header and start, for a message of so many bytes. */
  #head = ''
  #bytes = 0

  constructor({ subscription, group, outbox, id, args, fieldArguments, masked, owner, release }: NextFramesOptions) {
    this.#subscription = subscription
    this.#group = group
    this.#outbox = outbox
    this.#args = args
    this.#masked = masked
    this.#id = id
    this.#start = latin1Of(`{"id":${JSON.stringify(id)},"type":"${MessageType.Next}","payload":`)
    this.#fieldArguments = fieldArguments
    this.#owner = owner
    this.#release = release
  }

  /** Only now does anything flow. */
  begin(): void {
    this.#subscription.pipe(this)
  }

  /** The client has completed: seen at once, also while nothing happens. */
  cancel(): void {
    void this.#subscription.return()
  }

  take(event: ChannelEvent): boolean {
    if (!this.#outbox.hasRoom) {
      this.#outbox.whenRoom(this.#subscription)
      return false
    }
    const end = this.#group.endOfNext(event, this.#subscription.channel, this.#fieldArguments, this.#args, this.#masked)
    const bytes = this.#start.length + end.length
    // One message is often as long as the one before.
    if (bytes !== this.#bytes) {
      this.#bytes = bytes
      this.#head = textFrameHeader(bytes) + this.#start
    }
    this.#outbox.push(this.#head + end)
    return true
  }

  end(failure: GatewayError | undefined): void {
    this.#release()
    this.#owner.operationEnded(this, this.#id, failure)
  }
}
