import type { ExecutionArgs, ExecutionResult } from 'graphql'
import { MessageType } from 'graphql-ws'
import type { ChannelEvent } from '../core/channel.ts'
import type { Feed } from '../core/feed.ts'
import { latin1Of } from '../core/latin1.ts'
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
export class NextFrames implements AsyncGenerator<ExecutionResult, void, void> {
  readonly #options: NextFramesOptions
  readonly #start: string
  readonly #fieldArguments: Record<string, unknown>
  /** The frame's header and start, for a message of so many bytes. */
  #head = ''
  #bytes = 0
  #over: Promise<IteratorResult<ExecutionResult, void>> | undefined

  constructor(options: NextFramesOptions) {
    this.#options = options
    const { group, id, args } = options
    this.#start = latin1Of(`{"id":${JSON.stringify(id)},"type":"${MessageType.Next}","payload":`)
    this.#fieldArguments = group.argumentsOf(args.variableValues)
  }

  /** Resolves at the end, rejects with what ended the feed. Only now does anything flow: the client may have completed before. */
  next(): Promise<IteratorResult<ExecutionResult, void>> {
    const { feed } = this.#options
    this.#over ??= new Promise((resolve, reject) => {
      feed.pipe({
        take: (event) => this.#take(event),
        end: (failure) => (failure ? reject(failure) : resolve({ done: true, value: undefined })),
      })
    })
    return this.#over
  }

  /** The client has completed: seen at once, also while nothing happens. */
  async return(): Promise<IteratorResult<ExecutionResult, void>> {
    await this.#options.feed.return()
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

  #take(event: ChannelEvent): boolean {
    const { feed, group, outbox, args, masked } = this.#options
    if (!outbox.hasRoom) {
      outbox.whenRoom(feed)
      return false
    }
    const end = group.endOfNext(event, feed.channel, this.#fieldArguments, args, masked)
    const bytes = this.#start.length + end.length
    // One message is often as long as the one before.
    if (bytes !== this.#bytes) {
      this.#bytes = bytes
      this.#head = textFrameHeader(bytes) + this.#start
    }
    outbox.push(this.#head + end)
    return true
  }
}
