import type { ServerResponse } from 'node:http'
import type { ExecutionArgs, ExecutionResult, GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { type CloseReason, closeReasons } from '../../close-reasons.ts'
import type { ChannelSubscription } from '../../core/delivery/channel-subscription.ts'
import { printJson } from '../../core/json/print-json.ts'
import type { ChannelEvent, GapEvent } from '../../core/model/channel-event.ts'
import { type Cursor, printCursor } from '../../core/model/cursor.ts'
import type { Session } from '../../core/sessions/session.ts'
import { eventStreamHeaders, eventStreamType, isAsyncIterable, lastEvent } from './answer-forms.ts'
import type { FanOut, FanOutGroup } from './fan-out.ts'

/**
 * How much a response may buffer for a slow reader, in bytes, in addition to what its subscription
 * may buffer.
 */
const maxWaitingBytes = 16 * 1024

/**
 * How long an EventSource waits before it reconnects, in milliseconds. Each response gets a random
 * time, so that clients do not all reconnect at once.
 */
const reconnectMs = { min: 500, max: 3_000 }

/** What a response needs of its subscription. */
export interface SseStream {
  /** The cursors of its events are the ids of the response. */
  readonly subscription: ChannelSubscription
  readonly session: Session
  /** Why the gateway ended the subscription; undefined if it did not. */
  closeReason?: CloseReason
}

export type SseStreams = WeakMap<Request, SseStream>

export interface ServerSentEventsOptions {
  readonly streams: SseStreams
  readonly fanOut: FanOut
  readonly maskError: (error: unknown) => GraphQLError
  /**
   * Time between two comments, in milliseconds. They keep proxies from closing a silent response.
   */
  readonly keepAliveMs: number
}

/**
 * Subscriptions as server-sent events: `event: next` with the result, `event: complete` at the end
 * (GraphQL over SSE, distinct connections mode). The `id:` is the cursor, so that an EventSource
 * resumes by itself with `Last-Event-ID`.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function serverSentEvents({ streams, fanOut, maskError, keepAliveMs }: ServerSentEventsOptions): Plugin {
  const operations = new WeakMap<Request, ExecutionArgs>()
  return {
    onSubscribe({ args }) {
      const { request } = args.contextValue as { request?: Request }
      if (request) operations.set(request, args)
    },
    onResultProcess(payload) {
      const { request, result, serverContext } = payload
      // `answerForms` has checked that the client accepts events.
      if (!isAsyncIterable(result)) return
      const stream = streams.get(request)
      const operation = operations.get(request)
      const group = operation && fanOut.groupOf(operation)
      const source =
        stream && group
          ? sharedResults(stream.subscription, group, operation, maskError)
          : separateResults(result[Symbol.asyncIterator](), stream?.subscription, maskError, (event, value) =>
              fanOut.extend(event, value, operation && fanOut.typedOperation(operation)),
            )
      payload.setResultProcessor((_result, fetchAPI) => {
        // The adapter of node:http adds it.
        const { res } = serverContext as { res?: ServerResponse }
        const body = eventStream(source, stream, res, keepAliveMs)
        return new fetchAPI.Response(body, { headers: eventStreamHeaders })
      }, eventStreamType)
    },
  }
}

/** The source of a response's chunks. */
interface ResultSource {
  /** Called when there is room for more, and again only when there is room after a write. */
  pull(response: ChunkWriter): Promise<void> | void
  cancel(): Promise<unknown>
}

interface ChunkWriter {
  readonly hasRoom: boolean
  write(chunk: Uint8Array): void
  /**
   * Writes the final chunk. A source that fails writes its error as the last result first, so that
   * the response is not broken.
   */
  end(): void
}

/**
 * Results that are executed and encoded once for all subscriptions with the same operation
 * (`FanOut`). They are pushed, because they are shared only while the hub delivers the event.
 */
function sharedResults(
  subscription: ChannelSubscription,
  group: FanOutGroup,
  operation: ExecutionArgs,
  maskError: (error: unknown) => GraphQLError,
): ResultSource {
  const fieldArguments = group.argumentsOf(operation.variableValues)
  let piped = false
  let gap: GapEvent | undefined
  return {
    pull(response) {
      if (piped) {
        subscription.flush()
        return
      }
      piped = true
      subscription.pipe({
        take(event) {
          if (!response.hasRoom) return false
          if (event.kind === 'GAP' && group.holdsGaps) {
            gap = event
            return true
          }
          const mask = (result: ExecutionResult) => maskResult(result, maskError)
          const json = group.answer(event, subscription.channel, fieldArguments, operation, mask, gap)
          gap = undefined
          if (json === undefined) return true
          response.write(Buffer.from(eventChunk(event.cursor, json), 'latin1'))
          return true
        },
        end(failure) {
          if (failure) response.write(errorChunk(failure, maskError))
          response.end()
        },
      })
    },
    cancel: () => subscription.return(),
  }
}

/** Results that only this subscription receives. */
function separateResults(
  results: AsyncIterator<ExecutionResult>,
  subscription: ChannelSubscription | undefined,
  maskError: (error: unknown) => GraphQLError,
  extend: (event: ChannelEvent | undefined, result: ExecutionResult) => ExecutionResult,
): ResultSource {
  return {
    async pull(response) {
      try {
        const { done, value } = await results.next()
        if (done) response.end()
        // A result is made from the event that was taken last, because the next one is taken only
        // after this one is written.
        else {
          const event = subscription?.lastTaken
          response.write(Buffer.from(eventChunk(event?.cursor, printJson(extend(event, value)) ?? 'null')))
        }
      } catch (error) {
        response.write(errorChunk(error, maskError))
        response.end()
      }
    },
    cancel: async () => results.return?.(),
  }
}

function eventStream(
  results: ResultSource,
  stream: SseStream | undefined,
  response: ServerResponse | undefined,
  keepAliveMs: number,
): ReadableStream<Uint8Array> {
  let ping: NodeJS.Timeout | undefined
  let ended = false
  // `RequestTurns` then closes the connection.
  response?.once('stalled', () => {
    clearInterval(ping)
    stream?.session.close('SLOW_CONSUMER')
  })
  const writerFor = (controller: ReadableStreamDefaultController<Uint8Array>): ChunkWriter => ({
    get hasRoom() {
      return !ended && (controller.desiredSize ?? 0) > 0
    },
    write(chunk) {
      if (!ended) controller.enqueue(chunk)
    },
    end() {
      if (ended) return
      ended = true
      clearInterval(ping)
      const reason = stream?.closeReason
      if (reason && closeReasons[reason].comeBack) {
        // After `complete` a client does not reconnect, and some do not after an orderly end of the
        // response. The stream must not fail instead: Yoga pipes it without an error listener, so
        // an error would end the process.
        response?.destroy()
        return
      }
      controller.enqueue(Buffer.from(lastEvent))
      controller.close()
    },
  })
  const startPings = (controller: ReadableStreamDefaultController<Uint8Array>): NodeJS.Timeout => {
    // The adapter switched the timeout off, because this is a stream.
    response?.socket?.setTimeout(keepAliveMs)
    return setInterval(() => {
      if ((controller.desiredSize ?? 0) > 0) controller.enqueue(Buffer.from(':\n\n'))
    }, keepAliveMs)
  }
  let started = false
  // Counts as a full buffer, so that `pull` waits until the response is read. Yoga drops the
  // response of an aborted request without reading or cancelling it.
  const size = (chunk: Uint8Array | undefined) => (started ? (chunk?.length ?? 0) : maxWaitingBytes)
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        // Sends something at once: some browsers hold a response back until its first byte.
        const { min, max } = reconnectMs
        controller.enqueue(Buffer.from(`retry: ${Math.round(min + Math.random() * (max - min))}\n\n`))
        started = true
      },
      pull(controller) {
        ping ??= startPings(controller)
        return results.pull(writerFor(controller))
      },
      async cancel() {
        ended = true
        clearInterval(ping)
        await results.cancel()
      },
    },
    { highWaterMark: maxWaitingBytes, size },
  )
}

function eventChunk(cursor: Cursor | undefined, json: string): string {
  const id = cursor ? `id: ${printCursor(cursor)}\n` : ''
  return `${id}event: next\ndata: ${json}\n\n`
}

function errorChunk(error: unknown, maskError: (error: unknown) => GraphQLError): Buffer {
  return Buffer.from(eventChunk(undefined, JSON.stringify({ errors: [maskError(error)] })))
}

function maskResult(result: ExecutionResult, maskError: (error: unknown) => GraphQLError): ExecutionResult {
  return result.errors ? { ...result, errors: result.errors.map(maskError) } : result
}
