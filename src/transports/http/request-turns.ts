import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { SendQueues } from './send-queues.ts'

/**
 * Requests that may wait on a connection for the answer before theirs. Hardly a client sends any;
 * whoever sends more is cut off.
 */
const maxWaiting = 32

interface Waiting {
  readonly begin: () => void
  readonly drop: () => void
}

/**
 * Requests of a connection are served one after the other, because their answers go out in that
 * order: Node begins all that a client has sent, and would keep each answer until the one before
 * has been taken. A client that takes nothing of an answer is cut off; one that takes some of it,
 * however slowly, is not.
 */
export class RequestTurns {
  readonly #stallMs: number
  /** By connections on which a request is being served. */
  readonly #waiting = new WeakMap<Socket, Waiting[]>()
  /** Connections whose end drops what waits on them. */
  readonly #watched = new WeakSet<Socket>()
  readonly #sendQueues = new SendQueues()

  /**
   * `stallMs`: for so long a client may take nothing of what waits for it; it is noticed within
   * three times as long.
   */
  constructor(stallMs: number) {
    this.#stallMs = stallMs
  }

  /**
   * Calls `serve` when it is the turn of this request, or `drop` where the connection ends before.
   */
  take({ socket }: IncomingMessage, response: ServerResponse, serve: () => void, drop = (): void => undefined): void {
    if (socket.destroyed) return drop()
    const begin = (): void => this.#begin(socket, response, serve)
    const waiting = this.#waiting.get(socket)
    if (!waiting) {
      this.#waiting.set(socket, [])
      begin()
      return
    }
    if (!this.#watched.has(socket)) {
      this.#watched.add(socket)
      socket.once('close', () => this.#dropAll(socket))
    }
    waiting.push({ begin, drop })
    if (waiting.length > maxWaiting) socket.destroy()
  }

  #begin(socket: Socket, response: ServerResponse, serve: () => void): void {
    socket.setTimeout(this.#stallMs)
    const queued: { bytes?: number | undefined } = {}
    // Node postpones it while the system takes some of what is written.
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

  /** `queued`: what the system kept for the client at the last look. */
  async #endUnlessTaken(
    socket: Socket,
    response: ServerResponse,
    queued: { bytes?: number | undefined },
  ): Promise<void> {
    const before = queued.bytes
    const now = await this.#sendQueues.of(socket)
    if (socket.destroyed || socket.writableLength === 0) return
    queued.bytes = now
    if (now === undefined || now === before) {
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
