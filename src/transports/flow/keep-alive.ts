import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setIntervalAfterIo } from './interval-after-io.ts'

/** This end of a WebSocket. */
export interface Line {
  /** Nothing where it is closing. */
  ping(): void
  /** Called where the other end takes nothing of what waits for it, before `terminate`. */
  stalled(): void
  terminate(): void
}

/** What is known of how the other end of a socket is. */
export class Peer {
  readonly line: Line
  readonly stream: Duplex
  /** Nothing was heard of it since the last ping. */
  silent = false
  /** Something waited for it at the last ping, when `taken` bytes had been taken. */
  waited = false
  taken = 0

  constructor(line: Line, stream: Duplex) {
    this.line = line
    this.stream = stream
  }
}

/**
 * Finds peers that are gone without a word, and those that take nothing of what waits for them:
 * they are cut off. One that is slow, and so has not come to the ping yet, is neither. One timer
 * for all sockets.
 */
export class KeepAlive {
  readonly #peers = new Set<Peer>()
  readonly #timer: NodeJS.Timeout

  /** `everyMs`: between two pings; who gives no sign of life in between is cut off. */
  constructor(everyMs: number) {
    this.#timer = setIntervalAfterIo(everyMs, () => {
      for (const peer of this.#peers) look(peer)
    })
  }

  /** Whoever adds one says when something was heard of it, and when it is gone. */
  add(peer: Peer): void {
    this.#peers.add(peer)
  }

  delete(peer: Peer): void {
    this.#peers.delete(peer)
  }

  close(): void {
    clearInterval(this.#timer)
  }
}

function look(peer: Peer): void {
  const waits = peer.stream.writableLength
  const taken = ((peer.stream as Socket).bytesWritten ?? 0) - waits
  // While something waits, the buffer of the system is full: it takes more only as the peer does.
  const isSlow = peer.waited && taken > peer.taken
  if (peer.silent && !isSlow) {
    if (peer.waited) peer.line.stalled()
    peer.line.terminate()
    return
  }
  peer.silent = true
  peer.waited = waits > 0
  peer.taken = taken
  peer.line.ping()
}
