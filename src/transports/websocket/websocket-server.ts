import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { Deadlines } from '../flow/deadlines.ts'
import { endWith } from '../flow/end-with-answer.ts'
import { KeepAlive } from '../flow/keep-alive.ts'
import type { UnfinishedMessages } from '../flow/unfinished-messages.ts'
import { handshakeOf, type MisdirectedProtocols, refusalOf } from './handshake.ts'
import { WebSocketConnection, type WebSocketHost } from './websocket-connection.ts'

/** How long clients may take to close their side when the server closes, in milliseconds. */
const serverCloseMs = 1_000

export interface WebSocketServerOptions {
  /**
   * The subprotocols of the endpoint, in the order of preference. Undefined: any, the first one
   * offered is selected.
   */
  readonly protocols?: readonly string[]
  /** Subprotocols of another endpoint. A client that offers one is refused with the text. */
  readonly misdirected?: MisdirectedProtocols
  readonly unfinished: UnfinishedMessages
  /**
   * The time between two pings. Undefined: the endpoint pings by itself, as its protocol requires.
   */
  readonly keepAliveMs?: number
  /** How long a client may take to answer a close frame and to close its side. */
  readonly closeTimeoutMs: number
  /** Whether the close frame that refuses an unfinished message has a reason text. */
  readonly explainsRefusals: boolean
}

export interface AcceptedWebSocket {
  /** Reads nothing before its `serve` is called. */
  readonly socket: WebSocketConnection
  /** The subprotocol that was selected. */
  readonly protocol: string | undefined
}

/** The WebSockets of one endpoint: handshake, pings, close. The README of this folder has more. */
export class WebSocketServer {
  readonly #protocols: readonly string[] | undefined
  readonly #misdirected: MisdirectedProtocols | undefined
  readonly #host: WebSocketHost
  #closing = false

  constructor(options: WebSocketServerOptions) {
    const { unfinished, keepAliveMs, closeTimeoutMs, explainsRefusals } = options
    this.#protocols = options.protocols
    this.#misdirected = options.misdirected
    this.#host = {
      unfinished,
      keepAlive: keepAliveMs === undefined ? undefined : new KeepAlive(keepAliveMs),
      closing: new Deadlines(closeTimeoutMs, (socket) => socket.terminate()),
      open: new Set(),
      explainsRefusals,
    }
  }

  /** Answers the handshake. Undefined: it was refused, and the client has the response. */
  accept(request: IncomingMessage, stream: Duplex, head: Buffer): AcceptedWebSocket | undefined {
    // The client has closed it already.
    if (!stream.readable || !stream.writable) {
      stream.destroy()
      return undefined
    }
    const handshake = this.#closing ? refusalOf(503) : handshakeOf(request, this.#protocols, this.#misdirected)
    if ('refusal' in handshake) {
      endWith(stream, handshake.refusal)
      return undefined
    }
    stream.write(handshake.answer, 'latin1')
    if (head.length > 0) stream.unshift(head)
    return { socket: new WebSocketConnection(stream, this.#host), protocol: handshake.protocol }
  }

  /**
   * Accepts no more handshakes and calls `closeOne` for each open socket. Resolves when all are
   * gone. A client that does not answer the close frame in time is cut off.
   */
  async close(closeOne: (socket: WebSocketConnection) => void): Promise<void> {
    this.#closing = true
    const { open, keepAlive, closing } = this.#host
    keepAlive?.close()
    const late = new Deadlines<WebSocketConnection>(serverCloseMs, (socket) => socket.terminate())
    const closed = [...open].map((socket) => new Promise((resolve) => socket.stream.once('close', resolve)))
    for (const socket of open) {
      closeOne(socket)
      late.add(socket)
    }
    await Promise.all(closed)
    late.close()
    closing.close()
  }
}
