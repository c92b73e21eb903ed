import type { ServerResponse } from 'node:http'
import type { ExecutionResult, GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { printCursor } from '../core/cursor.ts'
import type { Feed } from '../core/feed.ts'
import { type CloseReason, closeReasons } from '../errors.ts'

/** A comment this often keeps proxies from closing a silent response, in milliseconds. */
const pingMs = 12_000

/** An EventSource waits as long before it reconnects, in milliseconds: each is told another time, so that they don't come back together. */
const reconnectMs = { min: 500, max: 3_000 }

/** What a response has to know of its subscription. */
export interface Streamed {
  /** Its events are numbered by their cursors. */
  readonly feed: Feed
  /** Why the gateway ended it, where it did. */
  endedFor?: CloseReason
}

export type StreamedOf = WeakMap<Request, Streamed>

/**
 * Subscriptions as server-sent events: `event: next` with the result, `event: complete` at the end (GraphQL over SSE, distinct connections mode), and
 * the cursor as `id:`, so that an EventSource resumes by itself: it sends `Last-Event-ID`.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function serverSentEvents(streamedOf: StreamedOf, maskError: (error: unknown) => GraphQLError): Plugin {
  return {
    onResultProcess(payload) {
      const { request, result, serverContext } = payload
      const accept = request.headers.get('accept') ?? ''
      if (!isAsyncIterable(result) || !accept.includes('text/event-stream')) return
      const streamed = streamedOf.get(request)
      payload.setResultProcessor((_result, fetchAPI) => {
        const body = eventStream(result[Symbol.asyncIterator](), streamed, maskError, () => {
          // Put there by the adapter of node:http.
          const { res } = serverContext as { res?: ServerResponse }
          res?.destroy()
        })
        return new fetchAPI.Response(body, {
          headers: {
            'content-type': 'text/event-stream; charset=utf-8',
            'cache-control': 'no-cache, no-transform',
            connection: 'keep-alive',
            'x-accel-buffering': 'no',
          },
        })
      }, 'text/event-stream')
    },
  }
}

function eventStream(
  results: AsyncIterator<ExecutionResult>,
  streamed: Streamed | undefined,
  maskError: (error: unknown) => GraphQLError,
  breakOff: () => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let ping: NodeJS.Timeout | undefined
  return new ReadableStream<Uint8Array>({
    start(controller) {
      // Something at once: some browsers hold a response back until its first byte.
      const { min, max } = reconnectMs
      controller.enqueue(encoder.encode(`retry: ${Math.round(min + Math.random() * (max - min))}\n\n`))
    },
    async pull(controller) {
      // Not at the start: the response of a request that was aborted meanwhile is dropped by Yoga, neither read nor cancelled.
      ping ??= setInterval(() => {
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(':\n\n'))
      }, pingMs)
      const { done, value } = await nextOf(results, maskError)
      if (value) controller.enqueue(encoder.encode(next(value, streamed?.feed)))
      if (!done) return
      clearInterval(ping)
      const reason = streamed?.endedFor
      if (reason && closeReasons[reason].comeBack) {
        // `complete` would keep a client from coming back, and so would an orderly end of the response some. An error of the
        // stream would be nobody's, and end the process: Yoga pipes it without listening.
        breakOff()
        return
      }
      controller.enqueue(encoder.encode('event: complete\ndata:\n\n'))
      controller.close()
    },
    async cancel() {
      clearInterval(ping)
      await results.return?.()
    },
  })
}

function next(result: ExecutionResult, feed: Feed | undefined): string {
  // A result is made from the event that was taken last: the one before waits until this one is written.
  const id = feed?.lastTaken ? `id: ${printCursor(feed.lastTaken.cursor)}\n` : ''
  return `${id}event: next\ndata: ${JSON.stringify(result)}\n\n`
}

/** A source that fails ends with its error as the last result, not with a broken response. */
async function nextOf(
  results: AsyncIterator<ExecutionResult>,
  maskError: (error: unknown) => GraphQLError,
): Promise<{ done: boolean; value: ExecutionResult | undefined }> {
  try {
    const { done, value } = await results.next()
    return done ? { done: true, value: undefined } : { done: false, value }
  } catch (error) {
    return { done: true, value: { errors: [maskError(error)] } }
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<ExecutionResult> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}
