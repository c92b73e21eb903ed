import type { OutgoingHttpHeaders } from 'node:http'
import { type RawData, WebSocket } from 'ws'
import { Inbox } from './inbox.ts'

export interface Closed {
  readonly code: number
  readonly reason: string
}

export interface FrameClient extends AsyncDisposable {
  readonly socket: WebSocket
  /** Received text frames that the test has not taken yet. */
  readonly waiting: readonly string[]
  /** Resolves when the connection is closed, by either side. */
  readonly closed: Promise<Closed>
  /** Sends a string or bytes unchanged, an object as JSON. */
  send(frame: string | Buffer | object): void
  next(withinMs?: number): Promise<string>
  /** The first frame that matches; the skipped frames stay in the queue. */
  nextMatching(predicate: (frame: string) => boolean, withinMs?: number): Promise<string>
  close(code?: number, reason?: string): Promise<Closed>
}

export interface FrameOptions {
  /** What the client offers; the server selects one. */
  readonly protocol?: string | readonly string[]
  readonly headers?: OutgoingHttpHeaders
  readonly origin?: string
}

/**
 * A WebSocket that queues every frame until the test takes it. Rejects with the HTTP status if the
 * server refuses the upgrade.
 */
export async function connectFrames(
  url: string,
  { protocol, headers, origin }: FrameOptions = {},
): Promise<FrameClient> {
  const socket = new WebSocket(url, protocol === undefined ? [] : [protocol].flat(), {
    ...(headers ? { headers } : {}),
    ...(origin === undefined ? {} : { origin }),
  })
  const inbox = new Inbox<string>(`a frame of ${url}`)
  // Before the socket opens, because the first frame may arrive with the response to the upgrade.
  socket.on('message', (data) => inbox.push(textOf(data)))
  const closed = new Promise<Closed>((resolve) => {
    socket.once('close', (code, reason) => {
      inbox.end(new Error(`${url} was closed: ${code} ${reason.toString()}`))
      resolve({ code, reason: reason.toString() })
    })
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('unexpected-response', (_request, response) => {
      reject(new Error(`${url} answered the upgrade with ${response.statusCode}`))
      response.destroy()
    })
    socket.on('error', reject)
  })
  const close = (code = 1000, reason = '') => {
    socket.close(code, reason)
    return closed
  }
  return {
    socket,
    closed,
    get waiting() {
      return inbox.waiting
    },
    send: (frame) => socket.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame)),
    next: (withinMs) => inbox.next(withinMs),
    nextMatching: (predicate, withinMs) => inbox.nextMatching(predicate, withinMs),
    close,
    async [Symbol.asyncDispose]() {
      // A frozen or stopped server must not delay the end of a test.
      socket.terminate()
      await closed
    },
  }
}

export function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString()
  return Buffer.isBuffer(data) ? data.toString() : Buffer.from(data).toString()
}
