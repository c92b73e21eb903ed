import { isUtf8 } from 'node:buffer'
import { pieceBytes } from '../flow/unfinished-messages.ts'

/** A peer broke RFC 6455, or a limit: the connection is closed with this code. */
export class BrokenFrame extends Error {
  override readonly name = 'BrokenFrame'
  readonly code: 1002 | 1007 | 1008 | 1009

  constructor(code: BrokenFrame['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** Whom a reader tells what it has read. After a close frame nothing more is read. */
export interface FrameHandler {
  /** Of a message, in bytes; asked as each frame of it begins. */
  readonly maxMessageBytes: number
  /** A whole message, of text (which is UTF-8) or binary. */
  onMessage(data: Buffer): void
  onPing(data: Buffer): void
  onPong(): void
  /** 1005: it gave none. */
  onCloseFrame(code: number, reason: Buffer): void
}

const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const
const maxControlBytes = 125
/** Of one message: an empty fragment costs its sender nothing. */
export const maxFragments = 16 * 1024
/**
 * Pieces from the network that are put together, though the frame is not whole yet: each has its
 * own cost, however small it is.
 */
const maxPieces = 1_024
const nothing = Buffer.alloc(0)

/** Reads what a client of WebSocket sends, frame by frame (RFC 6455 §5); nothing is compressed. */
export class FrameReader {
  /** How many messages have come to their end. */
  messages = 0
  readonly #handler: FrameHandler
  /** What has come and is less than a header, or less than its frame. */
  #pieces: Buffer[] | undefined
  #waiting = 0
  /** How many bytes there must be for another look to make sense. */
  #wanted = 2
  /** Of a message in fragments. */
  #fragments: Buffer[] | undefined
  #fragmentBytes = 0
  #fragmentCount = 0
  #fragmented: number = opcodes.continuation
  #over = false

  constructor(handler: FrameHandler) {
    this.#handler = handler
  }

  /**
   * What is held of a message that is not whole, each piece with its own weight; 0: there is none.
   */
  get unfinished(): number {
    if (this.#pieces === undefined && this.#fragments === undefined) return 0
    // Empty fragments too, which are not kept: the message has begun.
    const pieces = (this.#pieces?.length ?? 0) + (this.#fragments ? this.#fragmentCount : 0)
    return (this.#pieces ? this.#waiting : 0) + this.#fragmentBytes + pieces * pieceBytes
  }

  /**
   * Throws `BrokenFrame`; then nothing more may be read. The bytes are the reader's from here on.
   */
  read(chunk: Buffer): void {
    let bytes = chunk
    if (this.#pieces) {
      this.#pieces.push(chunk)
      this.#waiting += chunk.length
      if (this.#waiting < this.#wanted) {
        if (this.#pieces.length >= maxPieces) this.#pieces = [Buffer.concat(this.#pieces)]
        return
      }
      bytes = Buffer.concat(this.#pieces)
      this.#pieces = undefined
    }
    let at = 0
    while (!this.#over) {
      const taken = this.#readFrame(bytes, at)
      if (taken === 0) break
      at += taken
    }
    if (this.#over || at === bytes.length) return
    // What the network gave in one piece may be much longer, and a client may leave it at that.
    const rest = at === 0 ? bytes : Buffer.from(bytes.subarray(at))
    this.#pieces = [rest]
    this.#waiting = rest.length
  }

  /** How many bytes a frame takes; 0 where it is not whole. */
  #readFrame(bytes: Buffer, at: number): number {
    const there = bytes.length - at
    if (there < 2) return this.#waitFor(2)
    const first = bytes[at] ?? 0
    const second = bytes[at + 1] ?? 0
    const opcode = this.#opcodeOf(first, second & 0x7f)
    if ((second & 0x80) === 0) throw new BrokenFrame(1002, 'a frame of a client without a mask')
    let length = second & 0x7f
    let header = 6
    if (length === 126) {
      if (there < 4) return this.#waitFor(4)
      length = bytes.readUInt16BE(at + 2)
      header = 8
    } else if (length === 127) {
      if (there < 10) return this.#waitFor(10)
      // Beyond 2^53 it is not exact, and too long all the same.
      length = bytes.readUInt32BE(at + 2) * 2 ** 32 + bytes.readUInt32BE(at + 6)
      header = 14
    }
    if (opcode < opcodes.close && length > 0 && this.#fragmentBytes + length > this.#handler.maxMessageBytes)
      throw new BrokenFrame(1009, 'a message that is too long')
    if (there < header + length) return this.#waitFor(header + length)
    this.#wanted = 2
    const end = at + header + length
    const payload = length === 0 ? nothing : bytes.subarray(at + header, end)
    unmask(payload, bytes, at + header - 4)
    this.#take(opcode, (first & 0x80) !== 0, payload)
    return header + length
  }

  /** Nothing more is read: what is there of a message is let go. */
  drop(): void {
    this.#over = true
    this.#pieces = undefined
    this.#fragments = undefined
  }

  #waitFor(bytes: number): 0 {
    this.#wanted = bytes
    return 0
  }

  #opcodeOf(first: number, length: number): number {
    if ((first & 0x70) !== 0) throw new BrokenFrame(1002, 'a reserved bit is set')
    const opcode = first & 0x0f
    switch (opcode) {
      case opcodes.continuation:
        if (this.#fragmented === opcodes.continuation) throw new BrokenFrame(1002, 'nothing to continue')
        return opcode
      case opcodes.text:
      case opcodes.binary:
        if (this.#fragmented !== opcodes.continuation) throw new BrokenFrame(1002, 'a message within another')
        return opcode
      case opcodes.close:
      case opcodes.ping:
      case opcodes.pong:
        if ((first & 0x80) === 0) throw new BrokenFrame(1002, 'a control frame in fragments')
        if (length > maxControlBytes || (opcode === opcodes.close && length === 1))
          throw new BrokenFrame(1002, 'a control frame of a length that it cannot have')
        return opcode
      default:
        throw new BrokenFrame(1002, 'an opcode that there is not')
    }
  }

  #take(opcode: number, isLast: boolean, payload: Buffer): void {
    if (opcode === opcodes.ping) return this.#handler.onPing(payload)
    if (opcode === opcodes.pong) return this.#handler.onPong()
    if (opcode === opcodes.close) return this.#takeClose(payload)
    if (isLast && !this.#fragments) return this.#takeMessage(opcode, payload)
    this.#fragments ??= []
    this.#fragmentCount += 1
    if (this.#fragmentCount > maxFragments) throw new BrokenFrame(1008, 'a message in too many fragments')
    if (opcode !== opcodes.continuation) this.#fragmented = opcode
    // A copy: the fragment may be a small part of what the network gave in one piece.
    if (payload.length > 0) this.#fragments.push(isLast ? payload : Buffer.from(payload))
    this.#fragmentBytes += payload.length
    if (!isLast) return
    const whole = Buffer.concat(this.#fragments, this.#fragmentBytes)
    const kind = this.#fragmented
    this.#fragments = undefined
    this.#fragmentBytes = 0
    this.#fragmentCount = 0
    this.#fragmented = opcodes.continuation
    this.#takeMessage(kind, whole)
  }

  #takeMessage(opcode: number, data: Buffer): void {
    this.messages += 1
    if (opcode === opcodes.text && !isUtf8(data)) throw new BrokenFrame(1007, 'text that is not UTF-8')
    this.#handler.onMessage(data)
  }

  #takeClose(payload: Buffer): void {
    const reason = payload.subarray(2)
    const code = payload.length === 0 ? 1005 : payload.readUInt16BE(0)
    if (payload.length > 0 && !isCloseCode(code)) throw new BrokenFrame(1002, 'a close code that there is not')
    if (!isUtf8(reason)) throw new BrokenFrame(1007, 'a reason that is not UTF-8')
    this.#over = true
    this.#handler.onCloseFrame(code, reason)
  }
}

/** RFC 6455 §7.4: not those that stand for something else, and are never sent. */
function isCloseCode(code: number): boolean {
  return (
    (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) || (code >= 3000 && code <= 4999)
  )
}

/** `maskAt`: where its four bytes stand in `mask`. */
function unmask(payload: Buffer, mask: Buffer, maskAt: number): void {
  const m0 = mask[maskAt] ?? 0
  const m1 = mask[maskAt + 1] ?? 0
  const m2 = mask[maskAt + 2] ?? 0
  const m3 = mask[maskAt + 3] ?? 0
  if ((m0 | m1 | m2 | m3) === 0) return
  const masks = [m0, m1, m2, m3]
  for (let at = 0; at < payload.length; at += 1) payload[at] = (payload[at] ?? 0) ^ (masks[at & 3] ?? 0)
}
