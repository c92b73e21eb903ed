import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setIntervalAfterIo } from './interval-after-io.ts'

/** What `KeepAlive` needs from the gateway's end of a WebSocket. */
export interface Line {
  /** Does nothing if the socket is closing. */
  ping(): void
  /** Called before `terminate` if the peer has not read what waits for it. */
  stalled(): void
  terminate(): void
}

/** The liveness state of one peer. */
export class Peer {
  readonly line: Line
  readonly stream: Duplex
  /** Nothing was received from the peer since the last ping. */
  silent = false
  /** At the last ping, bytes were waiting for the peer, and it had read `taken` bytes. */
  waited = false
  taken = 0

  constructor(line: Line, stream: Duplex) {
    this.line = line
    this.stream = stream
  }
}

/**
 * Terminates peers that are gone without a close and peers that read nothing of what waits for
 * them. A slow peer is kept even if it has not reached the ping yet. One timer serves all sockets.
 */
export class KeepAlive {
  readonly #peers = new Set<Peer>()
  readonly #timer: NodeJS.Timeout

  /**
   * `everyMs`: the time between two pings, in milliseconds. A peer that gives no sign of life
   * between two pings is terminated.
   */
  constructor(everyMs: number) {
    this.#timer = setIntervalAfterIo(everyMs, () => {
      for (const peer of this.#peers) check(peer)
    })
  }

  /**
   * The caller sets `silent` to false when it receives something, and calls `delete` when the peer
   * is gone.
   */
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

function check(peer: Peer): void {
  const waits = peer.stream.writableLength
  const taken = ((peer.stream as Socket).bytesWritten ?? 0) - waits
  // While bytes wait here, the system's send buffer is full. It takes more only as the peer reads.
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
