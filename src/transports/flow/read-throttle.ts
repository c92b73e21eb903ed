/**
 * What a peer may have asked for and not taken, in bytes. Beyond it nothing is read from it until
 * it has.
 */
const maxUntakenBytes = 256 * 1024

/** What the peer's requests come from: a socket, of TCP or of ws. */
interface PausableSource {
  pause(): unknown
  resume(): unknown
}

/**
 * Answers that wait for a peer which asks and does not read: they are bounded by not listening to
 * it, so that it is its own sending that stands still. A peer that takes nothing at all misses its
 * pings, and is cut off.
 */
export class ReadThrottle {
  readonly #source: PausableSource
  #untaken = 0
  #paused = false

  constructor(source: PausableSource) {
    this.#source = source
  }

  /** Nothing is read for as long as this holds. */
  get isFull(): boolean {
    return this.#untaken > maxUntakenBytes
  }

  /** So many bytes are on their way to the peer; call what is returned when the system has them. */
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
