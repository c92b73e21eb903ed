import type { ExecutionArgs, ExecutionResult } from 'graphql'
import type { ChannelSubscription, SubscriptionSink } from '../../../core/delivery/channel-subscription.ts'
import type { ChannelEvent, GapEvent } from '../../../core/model/channel-event.ts'
import type { GatewayError } from '../../../errors.ts'
import type { Outbox } from '../../flow/outbox.ts'
import type { FanOutGroup } from '../fan-out.ts'
import type { OperationFrames } from './operation-frames.ts'

export interface NextWriterOptions {
  readonly subscription: ChannelSubscription
  readonly group: FanOutGroup
  readonly outbox: Outbox
  readonly frames: OperationFrames
  /** The client's id of the operation. */
  readonly id: string
  /** For results that are not shared. Holds only the variables that `compactValues` keeps. */
  readonly args: ExecutionArgs
  /** The coerced arguments of the root field. */
  readonly fieldArguments: Record<string, unknown>
  /** Releases the document; called when the subscription ends. */
  readonly release: () => void
  /** Masks a result with errors for the client. */
  readonly maskResult: (result: ExecutionResult) => object
  readonly owner: {
    /** Called when the subscription has ended, with the failure if there was one. */
    operationEnded(next: NextWriter, id: string, failure: GatewayError | undefined): void
  }
}

/** Writes the results of one subscription directly to its connection. */
export class NextWriter implements SubscriptionSink {
  // Copied from the options, so that a delivery reads one object only.
  readonly #subscription: ChannelSubscription
  readonly #group: FanOutGroup
  readonly #outbox: Outbox
  readonly #frames: OperationFrames
  readonly #args: ExecutionArgs
  readonly #maskResult: NextWriterOptions['maskResult']
  readonly #id: string
  readonly #start: string
  readonly #fieldArguments: Record<string, unknown>
  readonly #owner: NextWriterOptions['owner']
  readonly #release: () => void
  /** The head and the start of a message of `#bytes` bytes. */
  #head = ''
  #bytes = 0
  /** The gap that marks the next event. */
  #gap: GapEvent | undefined

  constructor({
    subscription,
    group,
    outbox,
    frames,
    id,
    args,
    fieldArguments,
    maskResult,
    owner,
    release,
  }: NextWriterOptions) {
    this.#subscription = subscription
    this.#group = group
    this.#outbox = outbox
    this.#frames = frames
    this.#args = args
    this.#maskResult = maskResult
    this.#id = id
    this.#start = frames.startOf(id)
    this.#fieldArguments = fieldArguments
    this.#owner = owner
    this.#release = release
  }

  /** Starts the delivery. */
  begin(): void {
    this.#subscription.pipe(this)
  }

  /** The client completed the operation. Takes effect at once, even if no event arrives. */
  cancel(): void {
    void this.#subscription.return()
  }

  take(event: ChannelEvent): boolean {
    if (!this.#outbox.hasRoom) {
      this.#outbox.whenRoom(this.#subscription)
      return false
    }
    if (event.kind === 'GAP' && this.#group.holdsGaps) {
      this.#gap = event
      return true
    }
    const end = this.#group.endOfNext(
      event,
      this.#subscription.channel,
      this.#fieldArguments,
      this.#args,
      this.#maskResult,
      this.#gap,
    )
    this.#gap = undefined
    if (end === undefined) return true
    const bytes = this.#start.length + end.length
    // Many messages have the same length as the one before.
    if (bytes !== this.#bytes) {
      this.#bytes = bytes
      this.#head = this.#frames.headOf(bytes) + this.#start
    }
    this.#outbox.push(this.#head + end + this.#frames.tail)
    return true
  }

  end(failure: GatewayError | undefined): void {
    this.#release()
    this.#owner.operationEnded(this, this.#id, failure)
  }
}
