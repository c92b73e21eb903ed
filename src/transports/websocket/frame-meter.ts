import { pieceBytes } from '../flow/unfinished-messages.ts'
import { BrokenFrame, maxFragments } from './frame-reader.ts'

const maxHeaderBytes = 14

/**
 * Counts the messages of a WebSocket that ws reads, from its headers alone (RFC 6455 §5.2), because
 * ws has one limit for all sockets of a server and does not say what it holds of a message that is
 * not whole. What is no frame at all is for ws to refuse.
 */
export class FrameMeter {
  /** How many messages have come to their end. */
  messages = 0
  readonly #maxBytes: () => number
  readonly #header = Buffer.alloc(maxHeaderBytes)
  #headerBytes = 0
  /** Of the frame under way. */
  #left = 0
  #isData = false
  #isLast = false
  /** Of the message under way. */
  #bytes = 0
  #fragments = 0
  #pieces = 0

  /** `maxBytes`: of a message, asked as each frame of it begins. */
  constructor(maxBytes: () => number) {
    this.#maxBytes = maxBytes
  }

  /**
   * What is held of a message that is not whole, each piece with its own weight; 0: there is none.
   */
  get unfinished(): number {
    if (this.#headerBytes === 0 && this.#left === 0 && this.#fragments === 0) return 0
    // A control frame has at most 125 bytes: that there is one is enough.
    const control = this.#left > 0 && !this.#isData ? 1 : 0
    return this.#headerBytes + control + this.#bytes + (this.#pieces + this.#fragments) * pieceBytes
  }

  /** Throws `BrokenFrame`; then nothing more may be read. */
  read(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, chunk.length - at)
        at += taken
        this.#left -= taken
        if (this.#isData) this.#bytes += taken
        if (this.#left === 0) this.#endFrame()
      } else {
        this.#header[this.#headerBytes] = chunk[at] ?? 0
        this.#headerBytes += 1
        at += 1
        if (this.#headerBytes >= 2 && this.#headerBytes === this.#wholeHeader) this.#beginFrame()
      }
    }
    this.#pieces = this.unfinished === 0 ? 0 : this.#pieces + 1
  }

  get #wholeHeader(): number {
    const second = this.#header[1] ?? 0
    const length = second & 0x7f
    const extended = length === 126 ? 2 : length === 127 ? 8 : 0
    return 2 + extended + ((second & 0x80) === 0 ? 0 : 4)
  }

  #beginFrame(): void {
    const [first = 0, second = 0] = this.#header
    let length = second & 0x7f
    if (length === 126) length = this.#header.readUInt16BE(2)
    // Beyond 2^53 it is not exact, and too long all the same.
    else if (length === 127) length = this.#header.readUInt32BE(2) * 2 ** 32 + this.#header.readUInt32BE(6)
    this.#headerBytes = 0
    this.#isData = (first & 0x08) === 0
    this.#isLast = (first & 0x80) !== 0
    if (this.#isData) {
      if (length > 0 && this.#bytes + length > this.#maxBytes())
        throw new BrokenFrame(1009, 'a message that is too long')
      this.#fragments += 1
      if (this.#fragments > maxFragments) throw new BrokenFrame(1008, 'a message in too many fragments')
    }
    this.#left = length
    if (length === 0) this.#endFrame()
  }

  #endFrame(): void {
    if (!this.#isData || !this.#isLast) return
    this.messages += 1
    this.#bytes = 0
    this.#fragments = 0
    this.#pieces = 0
  }
}
