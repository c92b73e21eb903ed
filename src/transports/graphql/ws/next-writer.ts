import type { ExecutionArgs, ExecutionResult } from 'graphql'
import { MessageType } from 'graphql-ws'
import type { ChannelEvent } from '../../../core/model/channel-event.ts'
import type { Feed, FeedSink } from '../../../core/delivery/channel-subscription.ts'
import { latin1Of } from '../../../core/body/latin1.ts'
import type { GatewayError } from '../../../errors.ts'
import type { Group } from '../fan-out.ts'
import type { Outbox } from '../../flow/outbox.ts'
import { textFrameHeader } from '../../websocket/frame-writer.ts'

export interface NextFramesOptions {
  readonly feed: Feed
  readonly group: Group
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
    operationEnded(next: NextFrames, id: string, failure: GatewayError | undefined): void
  }
}

/** Writes the `next` frames of one subscription straight to its socket. */
export class NextFrames implements FeedSink {
  // All that a delivery needs is in this one object.
  readonly #feed: Feed
  readonly #group: Group
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

  constructor({ feed, group, outbox, id, args, fieldArguments, masked, owner, release }: NextFramesOptions) {
    this.#feed = feed
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
    this.#feed.pipe(this)
  }

  /** The client has completed: seen at once, also while nothing happens. */
  cancel(): void {
    void this.#feed.return()
  }

  take(event: ChannelEvent): boolean {
    if (!this.#outbox.hasRoom) {
      this.#outbox.whenRoom(this.#feed)
      return false
    }
    const end = this.#group.endOfNext(event, this.#feed.channel, this.#fieldArguments, this.#args, this.#masked)
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
