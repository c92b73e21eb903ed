import type { ServerResponse } from 'node:http'
import type { CloseReason } from '../../../close-reasons.ts'
import type { ChannelSubscription } from '../../../core/delivery/channel-subscription.ts'
import type { OpenFeed } from '../../../core/sessions/feeds/feed.ts'
import type { Session } from '../../../core/sessions/session.ts'
import { bytesOf, type ChunkWriter, type ResultSource } from './result-source.ts'
import type { StreamForm } from './stream-form.ts'

/**
 * How much a response may buffer for a slow reader, in bytes, in addition to what its subscription
 * may buffer.
 */
const maxWaitingBytes = 16 * 1024

/** What a response needs of its subscription. */
export interface StreamedSubscription {
  /** The cursors of its events are the ids of the response. A feed has none. */
  readonly subscription: ChannelSubscription | OpenFeed
  readonly session: Session
  /** Why the gateway ended the subscription; undefined if it did not. */
  closeReason?: CloseReason
  /** Called after the gateway has ended the session. */
  onClosed?: () => void
  /** The session continues after the end of the response to its request. */
  detachFromResponse?: () => void
}

export interface ResponseBodyOptions {
  readonly form: StreamForm
  readonly results: ResultSource
  readonly stream: StreamedSubscription | undefined
  /** Undefined: the request did not come over node:http. */
  readonly response: ServerResponse | undefined
  /** Time between two heartbeats, in milliseconds. */
  readonly keepAliveMs: number
}

/** The body of a response with the results of one subscription, in the given form. */
export function responseBody({
  form,
  results,
  stream,
  response,
  keepAliveMs,
}: ResponseBodyOptions): ReadableStream<Uint8Array> {
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
      const ending = form.ending(stream?.closeReason)
      if (ending === undefined) {
        // The stream must not fail instead: Yoga pipes it without an error listener, so an error
        // would end the process.
        response?.destroy()
        return
      }
      controller.enqueue(bytesOf(ending))
      controller.close()
    },
  })
  const heartbeat = bytesOf(form.heartbeat)
  const startPings = (controller: ReadableStreamDefaultController<Uint8Array>): NodeJS.Timeout => {
    // The adapter switched the timeout off, because this is a stream.
    response?.socket?.setTimeout(keepAliveMs)
    return setInterval(() => {
      if ((controller.desiredSize ?? 0) > 0) controller.enqueue(heartbeat)
    }, keepAliveMs)
  }
  let started = false
  // Counts as a full buffer, so that `pull` waits until the response is read. Yoga drops the
  // response of an aborted request without reading or cancelling it.
  const size = (chunk: Uint8Array | undefined) => (started ? (chunk?.length ?? 0) : maxWaitingBytes)
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        controller.enqueue(bytesOf(form.opening()))
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
