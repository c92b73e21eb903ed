import type { WebSocket } from 'ws'

/** What a peer may have asked for and not taken, in bytes. Beyond it nothing is read from it until it has. */
const maxUntakenBytes = 256 * 1024

/**
 * Answers that wait for a peer which asks and does not read: they are bounded by not listening to it, so that it is its own sending that stands still. A peer
 * that takes nothing at all misses its pings, and is cut off.
 */
export class Attention {
  readonly #socket: WebSocket
  #untaken = 0

  constructor(socket: WebSocket) {
    this.#socket = socket
  }

  /** So many bytes are on their way to the peer; call what is returned when the system has them. */
  sending(bytes: number): () => void {
    this.#untaken += bytes
    if (this.#untaken > maxUntakenBytes) this.#socket.pause()
    return () => {
      this.#untaken -= bytes
      if (this.#socket.isPaused && this.#untaken <= maxUntakenBytes) this.#socket.resume()
    }
  }
}
