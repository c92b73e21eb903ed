import type { ServerResponse } from 'node:http'
import type { ExecutionArgs, ExecutionResult, GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { ChannelSubscription } from '../../core/delivery/channel-subscription.ts'
import { printJson } from '../../core/json/print-json.ts'
import { type Cursor, printCursor } from '../../core/model/cursor.ts'
import type { Session } from '../../core/sessions/session.ts'
import { type CloseReason, closeReasons } from '../../errors.ts'
import { eventStreamHeaders, eventStreamType, isAsyncIterable, lastEvent } from './answer-forms.ts'
import { type FanOut, type FanOutGroup, withTraceOf } from './fan-out.ts'

/** What a response may hold for a client that reads slowly, in bytes, beside what its feed may. */
const maxWaitingBytes = 16 * 1024

/**
 * An EventSource waits as long before it reconnects, in milliseconds: each is told another time, so
 * that they don't come back together.
 */
const reconnectMs = { min: 500, max: 3_000 }

/** What a response has to know of its subscription. */
export interface Streamed {
  /** Its events are numbered by their cursors. */
  readonly subscription: ChannelSubscription
  readonly session: Session
  /** Why the gateway ended it, where it did. */
  endedFor?: CloseReason
}

export type StreamedOf = WeakMap<Request, Streamed>

export interface ServerSentEventsOptions {
  readonly streamedOf: StreamedOf
  readonly fanOut: FanOut
  readonly maskError: (error: unknown) => GraphQLError
  /** A comment this often keeps proxies from closing a silent response, in milliseconds. */
  readonly keepAliveMs: number
}

/**
 * Subscriptions as server-sent events: `event: next` with the result, `event: complete` at the end
 * (GraphQL over SSE, distinct connections mode), and the cursor as `id:`, so that an EventSource
 * resumes by itself: it sends `Last-Event-ID`.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function serverSentEvents({ streamedOf, fanOut, maskError, keepAliveMs }: ServerSentEventsOptions): Plugin {
  const operations = new WeakMap<Request, ExecutionArgs>()
  return {
    onSubscribe({ args }) {
      const { request } = args.contextValue as { request?: Request }
      if (request) operations.set(request, args)
    },
    onResultProcess(payload) {
      const { request, result, serverContext } = payload
      // Whether the client takes events was asked as it subscribed: `answerForms`.
      if (!isAsyncIterable(result)) return
      const streamed = streamedOf.get(request)
      const operation = operations.get(request)
      const group = operation && fanOut.groupOf(operation)
      const source =
        streamed && group
          ? sharedResults(streamed.subscription, group, operation, maskError)
          : ownResults(result[Symbol.asyncIterator](), streamed?.subscription, maskError)
      payload.setResultProcessor((_result, fetchAPI) => {
        // Put there by the adapter of node:http.
        const { res } = serverContext as { res?: ServerResponse }
        const body = eventStream(source, streamed, res, keepAliveMs)
        return new fetchAPI.Response(body, { headers: eventStreamHeaders })
      }, eventStreamType)
    },
  }
}

/** What a response is made of. */
interface Results {
  /** There is room for more; called again only when there is after something was written. */
  pull(response: Written): Promise<void> | void
  cancel(): Promise<unknown>
}

interface Written {
  readonly hasRoom: boolean
  write(chunk: Uint8Array): void
  /**
   * The last chunk is written. A source that fails ends with its error as the last result, not with
   * a broken response.
   */
  end(): void
}

/**
 * Results that are executed and encoded once for all who asked the same (`FanOut`): pushed, for
 * they are shared while the event is handed around.
 */
function sharedResults(
  subscription: ChannelSubscription,
  group: FanOutGroup,
  operation: ExecutionArgs,
  maskError: (error: unknown) => GraphQLError,
): Results {
  const fieldArguments = group.argumentsOf(operation.variableValues)
  let piped = false
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
          const json = group.answer(event, subscription.channel, fieldArguments, operation, (result) =>
            masked(result, maskError),
          )
          response.write(Buffer.from(chunkOf(event.cursor, json), 'latin1'))
          return true
        },
        end(failure) {
          if (failure) response.write(lastError(failure, maskError))
          response.end()
        },
      })
    },
    cancel: () => subscription.return(),
  }
}

/** Results that are this subscription's own. */
function ownResults(
  results: AsyncIterator<ExecutionResult>,
  subscription: ChannelSubscription | undefined,
  maskError: (error: unknown) => GraphQLError,
): Results {
  return {
    async pull(response) {
      try {
        const { done, value } = await results.next()
        if (done) response.end()
        // A result is made from the event that was taken last: the one before waits until this one
        // is written.
        else {
          const event = subscription?.lastTaken
          response.write(Buffer.from(chunkOf(event?.cursor, printJson(withTraceOf(event, value)) ?? 'null')))
        }
      } catch (error) {
        response.write(lastError(error, maskError))
        response.end()
      }
    },
    cancel: async () => results.return?.(),
  }
}

function eventStream(
  results: Results,
  streamed: Streamed | undefined,
  response: ServerResponse | undefined,
  keepAliveMs: number,
): ReadableStream<Uint8Array> {
  let ping: NodeJS.Timeout | undefined
  let over = false
  // `RequestTurns` ends the connection then.
  response?.once('stalled', () => {
    clearInterval(ping)
    streamed?.session.close('SLOW_CONSUMER')
  })
  const written = (controller: ReadableStreamDefaultController<Uint8Array>): Written => ({
    get hasRoom() {
      return !over && (controller.desiredSize ?? 0) > 0
    },
    write(chunk) {
      if (!over) controller.enqueue(chunk)
    },
    end() {
      if (over) return
      over = true
      clearInterval(ping)
      const reason = streamed?.endedFor
      if (reason && closeReasons[reason].comeBack) {
        // `complete` would keep a client from coming back, and so would an orderly end of the
        // response some. An error of the stream would be nobody's, and end the process: Yoga pipes
        // it without listening.
        response?.destroy()
        return
      }
      controller.enqueue(Buffer.from(lastEvent))
      controller.close()
    },
  })
  const begin = (controller: ReadableStreamDefaultController<Uint8Array>): NodeJS.Timeout => {
    // The adapter has just switched it off, for streams.
    response?.socket?.setTimeout(keepAliveMs)
    return setInterval(() => {
      if ((controller.desiredSize ?? 0) > 0) controller.enqueue(Buffer.from(':\n\n'))
    }, keepAliveMs)
  }
  let begun = false
  // The first chunk fills the response, for whatever it holds is only to come when somebody reads:
  // the response of a request that was aborted meanwhile is dropped by Yoga, neither read nor
  // cancelled.
  const size = (chunk: Uint8Array | undefined) => (begun ? (chunk?.length ?? 0) : maxWaitingBytes)
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        // Something at once: some browsers hold a response back until its first byte.
        const { min, max } = reconnectMs
        controller.enqueue(Buffer.from(`retry: ${Math.round(min + Math.random() * (max - min))}\n\n`))
        begun = true
      },
      pull(controller) {
        ping ??= begin(controller)
        return results.pull(written(controller))
      },
      async cancel() {
        over = true
        clearInterval(ping)
        await results.cancel()
      },
    },
    { highWaterMark: maxWaitingBytes, size },
  )
}

function chunkOf(cursor: Cursor | undefined, json: string): string {
  const id = cursor ? `id: ${printCursor(cursor)}\n` : ''
  return `${id}event: next\ndata: ${json}\n\n`
}

function lastError(error: unknown, maskError: (error: unknown) => GraphQLError): Buffer {
  return Buffer.from(chunkOf(undefined, JSON.stringify({ errors: [maskError(error)] })))
}

function masked(result: ExecutionResult, maskError: (error: unknown) => GraphQLError): ExecutionResult {
  return result.errors ? { ...result, errors: result.errors.map(maskError) } : result
}
