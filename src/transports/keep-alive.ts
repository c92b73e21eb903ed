import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'

/** What is known of how the other end of a socket is. */
interface Peer {
  readonly stream: Duplex
  /** Called where it takes nothing of what waits for it, before it is cut off. */
  readonly onStalled: () => void
  /** Nothing was heard of it since the last ping. */
  silent: boolean
  /** Something waited for it at the last ping, when `taken` bytes had been taken. */
  waited: boolean
  taken: number
}

/**
 * Finds peers that are gone without a word, and those that take nothing of what waits for them: they are cut off. One that is slow, and so has not come to the
 * ping yet, is neither. One timer for all sockets.
 */
export class KeepAlive {
  readonly #peers = new Map<WebSocket, Peer>()
  readonly #timer: NodeJS.Timeout

  /** `everyMs`: between two pings; who gives no sign of life in between is cut off. */
  constructor(everyMs: number) {
    this.#timer = setInterval(() => {
      for (const [socket, peer] of this.#peers) look(socket, peer)
    }, everyMs)
  }

  /** `stream`: what the WebSocket is spoken on. */
  watch(socket: WebSocket, stream: Duplex, onStalled: () => void): void {
    const peer: Peer = { stream, onStalled, silent: false, waited: false, taken: 0 }
    this.#peers.set(socket, peer)
    const onSign = (): void => {
      peer.silent = false
    }
    socket.on('pong', onSign).on('message', onSign)
    socket.once('close', () => this.#peers.delete(socket))
  }

  close(): void {
    clearInterval(this.#timer)
  }
}

function look(socket: WebSocket, peer: Peer): void {
  const waits = peer.stream.writableLength
  const taken = ((peer.stream as Socket).bytesWritten ?? 0) - waits
  // While something waits, the buffer of the system is full: it takes more only as the peer does.
  const isSlow = peer.waited && taken > peer.taken
  if (peer.silent && !isSlow) {
    if (peer.waited) peer.onStalled()
    socket.terminate()
    return
  }
  peer.silent = true
  peer.waited = waits > 0
  peer.taken = taken
  if (socket.readyState === socket.OPEN) socket.ping()
}
