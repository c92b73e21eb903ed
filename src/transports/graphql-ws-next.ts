import type { ExecutionArgs, ExecutionResult } from 'graphql'
import { MessageType } from 'graphql-ws'
import type { ChannelEvent } from '../core/channel.ts'
import type { Feed, FeedSink } from '../core/feed.ts'
import { latin1Of } from '../core/latin1.ts'
import type { GatewayError } from '../errors.ts'
import type { Group } from './fan-out.ts'
import type { Outbox } from './outbox.ts'
import { textFrameHeader } from './websocket-frame.ts'

export interface NextFramesOptions {
  readonly feed: Feed
  readonly group: Group
  readonly outbox: Outbox
  /** As the client knows the operation. */
  readonly id: string
  readonly args: ExecutionArgs
  /** What the client sees of a result with errors. */
  readonly masked: (result: ExecutionResult) => object
}

/**
 * Writes the `next` frames of one subscription straight to its socket. graphql-ws takes this for the results, of which none ever comes: it waits for the end, and
 * owns the life cycle around it.
 */
export class NextFrames implements AsyncGenerator<ExecutionResult, void, void>, FeedSink {
  // All that a delivery needs is in this one object.
  readonly #feed: Feed
  readonly #group: Group
  readonly #outbox: Outbox
  readonly #args: ExecutionArgs
  readonly #masked: NextFramesOptions['masked']
  readonly #start: string
  readonly #fieldArguments: Record<string, unknown>
  /** The frame's header and start, for a message of so many bytes. */
  #head = ''
  #bytes = 0
  #over: Promise<IteratorResult<ExecutionResult, void>> | undefined
  #settle: ((failure: GatewayError | undefined) => void) | undefined

  constructor({ feed, group, outbox, id, args, masked }: NextFramesOptions) {
    this.#feed = feed
    this.#group = group
    this.#outbox = outbox
    this.#args = args
    this.#masked = masked
    this.#start = latin1Of(`{"id":${JSON.stringify(id)},"type":"${MessageType.Next}","payload":`)
    this.#fieldArguments = group.argumentsOf(args.variableValues)
  }

  /** Resolves at the end, rejects with what ended the feed. Only now does anything flow: the client may have completed before. */
  next(): Promise<IteratorResult<ExecutionResult, void>> {
    this.#over ??= new Promise((resolve, reject) => {
      this.#settle = (failure) => (failure ? reject(failure) : resolve({ done: true, value: undefined }))
      this.#feed.pipe(this)
    })
    return this.#over
  }

  /** The client has completed: seen at once, also while nothing happens. */
  async return(): Promise<IteratorResult<ExecutionResult, void>> {
    await this.#feed.return()
    return { done: true, value: undefined }
  }

  throw(): Promise<IteratorResult<ExecutionResult, void>> {
    return this.return()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
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
    this.#settle?.(failure)
  }
}
