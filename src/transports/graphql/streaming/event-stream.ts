import { closeReasons } from '../../../close-reasons.ts'
import { printCursor } from '../../../core/model/cursor.ts'
import type { StreamForm } from './stream-form.ts'

export const eventStreamType = 'text/event-stream'

/**
 * How long an EventSource waits before it reconnects, in milliseconds. Each response gets a random
 * time, so that clients do not all reconnect at once.
 */
const reconnectMs = { min: 500, max: 3_000 }

export const eventStreamHeaders = {
  'content-type': `${eventStreamType}; charset=utf-8`,
  'cache-control': 'no-cache, no-transform',
  connection: 'keep-alive',
  'x-accel-buffering': 'no',
} as const

export const comment = ':\n\n'

/** The reconnection time of one response. */
export function retryField(): string {
  const { min, max } = reconnectMs
  return `retry: ${Math.round(min + Math.random() * (max - min))}\n\n`
}

/**
 * Server-sent events: `event: next` with the result, `event: complete` at the end (GraphQL over
 * SSE, distinct connections mode). The `id:` is the cursor, so that an EventSource resumes by
 * itself with `Last-Event-ID`. https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export const serverSentEvents: StreamForm = {
  mediaType: eventStreamType,
  transport: 'sse',
  headers: eventStreamHeaders,
  opening: retryField,
  heartbeat: comment,
  result(json, cursor) {
    const id = cursor ? `id: ${printCursor(cursor)}\n` : ''
    return `${id}event: next\ndata: ${json}\n\n`
  },
  failure: (errors) => `event: next\ndata: {"errors":${errors}}\n\n`,
  // After `complete` a client does not reconnect, and some do not after an orderly end of the
  // response.
  ending: (reason) => (reason && closeReasons[reason].comeBack ? undefined : 'event: complete\ndata:\n\n'),
}
