import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { SendQueues } from './send-queues.ts'

/**
 * How many requests may wait on a connection for earlier answers. Few clients pipeline at all. A
 * connection with more is destroyed.
 */
const maxWaiting = 32

interface Served {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

interface Waiting {
  readonly begin: () => void
  readonly drop: () => void
}

/**
 * A system with a large receive buffer takes more only when its program has read a sixteenth of the
 * buffer: a slow reader seems to take nothing for a minute.
 */
const maxStalls = 5

/** The system's send queue of a connection when it was looked at last. */
interface SendQueue {
  /** Undefined: not looked at yet, or the system does not provide it. */
  bytes: number | undefined
  /** How many times in a row the bytes were the same. */
  stalls: number
}

/**
 * Serves the requests of a connection one after the other, because their answers go out in that
 * order. Node itself begins all requests that a client has sent, and keeps each answer until the
 * client has read the one before. A client that reads nothing of an answer is disconnected. A
 * client that reads slowly is not.
 */
export class RequestTurns {
  readonly #stallMs: number
  /** The requests that wait, for each connection on which a request is being served. */
  readonly #waiting = new WeakMap<Duplex, Waiting[]>()
  readonly #served = new WeakMap<Socket, Served>()
  /** Connections with a `close` listener that drops what waits on them. */
  readonly #withCloseListener = new WeakSet<Socket>()
  readonly #sendQueues = new SendQueues()

  /**
   * `stallMs`: how often a connection is looked at on which bytes wait, in milliseconds. A client
   * that takes nothing for `maxStalls` times as long is disconnected.
   */
  constructor(stallMs: number) {
    this.#stallMs = stallMs
  }

  /** The request that is being answered on the connection, if there is one. */
  servedOn(socket: Socket): Served | undefined {
    return this.#waiting.has(socket) ? this.#served.get(socket) : undefined
  }

  /**
   * Calls `serve` when the requests before it have been answered, or `drop` if the connection
   * closes first.
   */
  take(request: IncomingMessage, response: ServerResponse, serve: () => void, drop = (): void => undefined): void {
    const { socket } = request
    if (socket.destroyed) return drop()
    const begin = (): void => {
      this.#served.set(socket, { request, response })
      this.#begin(socket, response, serve)
    }
    const waiting = this.#waiting.get(socket)
    if (!waiting) {
      this.#waiting.set(socket, [])
      begin()
      return
    }
    if (!this.#withCloseListener.has(socket)) {
      this.#withCloseListener.add(socket)
      socket.once('close', () => this.#dropAll(socket))
    }
    waiting.push({ begin, drop })
    if (waiting.length > maxWaiting) socket.destroy()
  }

  /** Whether a request of this connection has not been answered. */
  isBusy(socket: Duplex): boolean {
    return this.#waiting.has(socket)
  }

  /**
   * Calls `then` when all requests of the connection have been answered, unless it closes first.
   */
  afterAnswers(socket: Duplex, then: () => void): void {
    const waiting = this.#waiting.get(socket)
    if (waiting) waiting.push({ begin: then, drop: () => undefined })
    else then()
  }

  #begin(socket: Socket, response: ServerResponse, serve: () => void): void {
    socket.setTimeout(this.#stallMs)
    const queued: SendQueue = { bytes: undefined, stalls: 0 }
    // Node postpones this event while the system takes some of what is written.
    response.on('timeout', () => {
      if (socket.writableLength > 0) void this.#endUnlessTaken(socket, response, queued)
    })
    response.once('close', () => {
      const next = socket.destroyed ? undefined : this.#waiting.get(socket)?.shift()
      if (next) next.begin()
      else if (socket.destroyed) this.#dropAll(socket)
      else this.#waiting.delete(socket)
    })
    serve()
  }

  async #endUnlessTaken(socket: Socket, response: ServerResponse, queued: SendQueue): Promise<void> {
    const before = queued.bytes
    const now = await this.#sendQueues.of(socket)
    if (socket.destroyed || socket.writableLength === 0) return
    queued.bytes = now
    queued.stalls = now === before ? queued.stalls + 1 : 0
    if (now === undefined || queued.stalls >= maxStalls) {
      response.emit('stalled')
      socket.destroy()
      return
    }
    socket.setTimeout(this.#stallMs)
  }

  #dropAll(socket: Socket): void {
    const waiting = this.#waiting.get(socket)
    this.#waiting.delete(socket)
    for (const { drop } of waiting ?? []) drop()
  }
}
