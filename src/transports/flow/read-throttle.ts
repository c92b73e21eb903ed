/**
 * How many bytes of answers a peer may leave unread. Beyond it the gateway stops reading from the
 * peer until it has read them.
 */
const maxUntakenBytes = 256 * 1024

/** The source of the peer's requests: a TCP socket or a `ws` socket. */
interface PausableSource {
  pause(): unknown
  resume(): unknown
}

/**
 * Bounds the answers that wait for a peer that sends requests and does not read. The gateway stops
 * reading from the peer, so the peer's own sending stalls. A peer that reads nothing at all misses
 * its pings and is terminated.
 */
export class ReadThrottle {
  readonly #source: PausableSource
  #untaken = 0
  #paused = false

  constructor(source: PausableSource) {
    this.#source = source
  }

  /** While it is true, nothing is read from the peer. */
  get isFull(): boolean {
    return this.#untaken > maxUntakenBytes
  }

  /**
   * Counts bytes that are being sent. Call the returned function when the system has taken them.
   */
  sending(bytes: number): () => void {
    this.#untaken += bytes
    if (this.#untaken > maxUntakenBytes && !this.#paused) {
      this.#paused = true
      this.#source.pause()
    }
    return () => {
      this.#untaken -= bytes
      if (!this.#paused || this.#untaken > maxUntakenBytes) return
      this.#paused = false
      this.#source.resume()
    }
  }
}
