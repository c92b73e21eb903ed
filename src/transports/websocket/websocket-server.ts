import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { Deadlines } from '../flow/deadlines.ts'
import { endWith } from '../flow/end-with-answer.ts'
import { KeepAlive } from '../flow/keep-alive.ts'
import type { UnfinishedMessages } from '../flow/unfinished-messages.ts'
import { closeTimeoutMs } from './close.ts'
import { handshakeOf } from './handshake.ts'
import { WebSocketConnection, type WebSocketHost } from './websocket-connection.ts'

/** How long a peer may take to close its side too, in milliseconds. */
const closingMs = 30_000

/** The WebSocketServer of one endpoint, from their handshakes to their ends. */
export class WebSocketServer {
  readonly #protocol: string
  readonly #host: WebSocketHost
  #closing = false

  constructor({
    protocol,
    unfinished,
    keepAliveMs,
  }: { protocol: string; unfinished: UnfinishedMessages; keepAliveMs: number }) {
    this.#protocol = protocol
    this.#host = {
      unfinished,
      keepAlive: new KeepAlive(keepAliveMs),
      closing: new Deadlines(closeTimeoutMs, (socket) => socket.terminate()),
      used: new Set(),
    }
  }

  /**
   * Answers the handshake. Undefined where there is none, or not with our protocol: the client has
   * been told.
   */
  accept(
    request: IncomingMessage,
    stream: Duplex,
    head: Buffer,
  ): { socket: WebSocketConnection; protocol: string | undefined } | undefined {
    // It has gone already.
    if (!stream.readable || !stream.writable) {
      stream.destroy()
      return undefined
    }
    const handshake = this.#closing ? '503 Service Unavailable' : handshakeOf(request, this.#protocol)
    if (typeof handshake === 'string') {
      endWith(stream, `HTTP/1.1 ${handshake}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
      return undefined
    }
    stream.write(handshake.answer, 'latin1')
    if (head.length > 0) stream.unshift(head)
    return { socket: new WebSocketConnection(stream, this.#host), protocol: handshake.protocol }
  }

  /**
   * Takes no more; resolves when none is left, also where a peer does not answer the close frame.
   */
  async close(say: (socket: WebSocketConnection) => void): Promise<void> {
    this.#closing = true
    const { used, keepAlive, closing } = this.#host
    keepAlive.close()
    const gone = [...used].map((socket) => new Promise((resolve) => socket.stream.once('close', resolve)))
    for (const socket of used) say(socket)
    const timer = setTimeout(() => {
      for (const socket of used) socket.terminate()
    }, closingMs)
    await Promise.all(gone)
    clearTimeout(timer)
    closing.close()
  }
}
