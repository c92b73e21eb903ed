import { isUtf8 } from 'node:buffer'
import { pieceBytes } from '../flow/unfinished-messages.ts'
import { Utf8Pieces } from './utf8-pieces.ts'

/** The client broke RFC 6455 or a limit: the connection is closed with this code. */
export class BrokenFrame extends Error {
  override readonly name = 'BrokenFrame'
  readonly code: 1002 | 1007 | 1008 | 1009

  constructor(code: BrokenFrame['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** Receives what a reader has read. After a close frame nothing more is read. */
export interface FrameHandler {
  /** Of one message, in bytes. Read at the beginning of each of its frames. */
  readonly maxMessageBytes: number
  /** A whole message. Text is valid UTF-8. */
  onMessage(data: Buffer, isBinary: boolean): void
  onPing(data: Buffer): void
  onPong(): void
  /** 1005: the frame has no code. */
  onCloseFrame(code: number, reason: Buffer): void
}

const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const
const maxControlBytes = 125
/** Of one message. Without a limit a client could send empty fragments forever. */
const maxFragments = 16 * 1024
/**
 * Pieces of an incomplete frame are joined when there are so many, because each has a fixed cost
 * however small it is.
 */
const maxPieces = 1_024
const nothing = Buffer.alloc(0)

/** Reads the frames that a client sends (RFC 6455 §5), uncompressed. */
export class FrameReader {
  /** How many messages were complete. */
  messages = 0
  readonly #handler: FrameHandler
  /** Pieces from the network that are less than a frame. */
  #pieces: Buffer[] | undefined
  #pieceBytes = 0
  /** With fewer bytes than this, the next frame is incomplete. */
  #neededBytes = 2
  /** Of a fragmented message. */
  #fragments: Buffer[] | undefined
  #fragmentBytes = 0
  #fragmentCount = 0
  /** The opcode of the fragmented message. `continuation`: no message is fragmented. */
  #fragmented: number = opcodes.continuation
  /** What has been checked of an incomplete text message. Undefined: nothing. */
  #text: Utf8Pieces | undefined
  /** Of an incomplete frame of text: how much of its payload has been checked, and its mask. */
  #ahead = 0
  #aheadMask: Buffer | undefined
  #ended = false

  constructor(handler: FrameHandler) {
    this.#handler = handler
  }

  /**
   * What is held in memory of an incomplete message, in bytes, with the fixed cost of each piece.
   * 0: there is no incomplete message.
   */
  get unfinished(): number {
    if (this.#pieces === undefined && this.#fragments === undefined) return 0
    // Empty fragments are not kept, but count: the message has begun.
    const pieces = (this.#pieces?.length ?? 0) + (this.#fragments ? this.#fragmentCount : 0)
    return (this.#pieces ? this.#pieceBytes : 0) + this.#fragmentBytes + pieces * pieceBytes
  }

  /**
   * Reads one piece from the network, and may change its bytes. Throws `BrokenFrame`; after that
   * nothing more may be read.
   */
  read(piece: Buffer): void {
    let bytes = piece
    if (this.#pieces) {
      this.#pieces.push(piece)
      this.#pieceBytes += piece.length
      if (this.#pieceBytes < this.#neededBytes) {
        if (this.#aheadMask) this.#checkAhead(piece, this.#aheadMask)
        if (this.#pieces.length >= maxPieces) this.#pieces = [Buffer.concat(this.#pieces)]
        return
      }
      bytes = Buffer.concat(this.#pieces)
      this.#pieces = undefined
    }
    let at = 0
    while (!this.#ended) {
      const read = this.#readFrame(bytes, at)
      if (read === 0) break
      at += read
    }
    if (this.#ended || at === bytes.length) return
    // A copy, unless all of it is needed: the piece may be much longer than the rest, and the rest
    // may wait for a long time.
    const rest = at === 0 ? bytes : Buffer.from(bytes.subarray(at))
    this.#pieces = [rest]
    this.#pieceBytes = rest.length
  }

  /** Drops the incomplete message. Nothing more is read. */
  drop(): void {
    this.#ended = true
    this.#pieces = undefined
    this.#fragments = undefined
  }

  /** Returns how many bytes the frame has; 0: it is incomplete. */
  #readFrame(bytes: Buffer, at: number): number {
    const available = bytes.length - at
    if (available < 2) return this.#needs(2)
    const first = bytes[at] ?? 0
    const second = bytes[at + 1] ?? 0
    const opcode = this.#opcodeOf(first, second & 0x7f)
    if ((second & 0x80) === 0) throw new BrokenFrame(1002, 'a frame without a mask')
    let length = second & 0x7f
    let header = 6
    if (length === 126) {
      if (available < 4) return this.#needs(4)
      length = bytes.readUInt16BE(at + 2)
      header = 8
    } else if (length === 127) {
      if (available < 10) return this.#needs(10)
      // Above 2^53 the sum is inexact, but still above any limit.
      length = bytes.readUInt32BE(at + 2) * 2 ** 32 + bytes.readUInt32BE(at + 6)
      header = 14
    }
    if (opcode < opcodes.close && length > 0 && this.#fragmentBytes + length > this.#handler.maxMessageBytes)
      throw new BrokenFrame(1009, 'a message above the limit')
    if (available < header) return this.#needs(header)
    if (available < header + length) {
      if (opcode < opcodes.close && this.#kindOf(opcode) === opcodes.text) {
        this.#aheadMask = Buffer.from(bytes.subarray(at + header - 4, at + header))
        this.#checkAhead(bytes.subarray(at + header), this.#aheadMask)
      }
      return this.#needs(header + length)
    }
    this.#neededBytes = 2
    const end = at + header + length
    const payload = length === 0 ? nothing : bytes.subarray(at + header, end)
    unmask(payload, bytes, at + header - 4)
    this.#handle(opcode, (first & 0x80) !== 0, payload)
    return header + length
  }

  #needs(bytes: number): 0 {
    this.#neededBytes = bytes
    return 0
  }

  #opcodeOf(first: number, length: number): number {
    if ((first & 0x70) !== 0) throw new BrokenFrame(1002, 'a reserved bit is set')
    const opcode = first & 0x0f
    switch (opcode) {
      case opcodes.continuation:
        if (this.#fragmented === opcodes.continuation)
          throw new BrokenFrame(1002, 'a continuation without a first fragment')
        return opcode
      case opcodes.text:
      case opcodes.binary:
        if (this.#fragmented !== opcodes.continuation)
          throw new BrokenFrame(1002, 'a new message within a fragmented one')
        return opcode
      case opcodes.close:
      case opcodes.ping:
      case opcodes.pong:
        if ((first & 0x80) === 0) throw new BrokenFrame(1002, 'a fragmented control frame')
        if (length > maxControlBytes || (opcode === opcodes.close && length === 1))
          throw new BrokenFrame(1002, 'a control frame of an invalid length')
        return opcode
      default:
        throw new BrokenFrame(1002, 'a reserved opcode')
    }
  }

  #handle(opcode: number, isLast: boolean, payload: Buffer): void {
    if (opcode === opcodes.ping) return this.#handler.onPing(payload)
    if (opcode === opcodes.pong) return this.#handler.onPong()
    if (opcode === opcodes.close) return this.#handleClose(payload)
    if (this.#kindOf(opcode) === opcodes.text) this.#checkText(payload, isLast)
    if (isLast && !this.#fragments) return this.#handleMessage(opcode, payload)
    this.#fragments ??= []
    this.#fragmentCount += 1
    if (this.#fragmentCount > maxFragments) throw new BrokenFrame(1008, 'a message in too many fragments')
    if (opcode !== opcodes.continuation) this.#fragmented = opcode
    // A copy: the fragment may be a small part of the piece from the network.
    if (payload.length > 0) this.#fragments.push(isLast ? payload : Buffer.from(payload))
    this.#fragmentBytes += payload.length
    if (!isLast) return
    const message = Buffer.concat(this.#fragments, this.#fragmentBytes)
    const kind = this.#fragmented
    this.#fragments = undefined
    this.#fragmentBytes = 0
    this.#fragmentCount = 0
    this.#fragmented = opcodes.continuation
    this.#handleMessage(kind, message)
  }

  /** Of the message that a data frame is part of. */
  #kindOf(opcode: number): number {
    return opcode === opcodes.continuation ? this.#fragmented : opcode
  }

  /** Checks what has arrived of an incomplete frame. */
  #checkAhead(masked: Buffer, mask: Buffer): void {
    const bytes = Buffer.from(masked)
    unmask(bytes, mask, 0, this.#ahead)
    this.#ahead += bytes.length
    this.#text ??= new Utf8Pieces()
    if (!this.#text.add(bytes)) throw notUtf8()
  }

  /** Checks a whole frame. Most messages have one, which arrives in one piece. */
  #checkText(payload: Buffer, isLast: boolean): void {
    if (isLast && !this.#text) {
      if (!isUtf8(payload)) throw notUtf8()
      return
    }
    this.#text ??= new Utf8Pieces()
    if (!this.#text.add(payload.subarray(this.#ahead)) || (isLast && !this.#text.isComplete)) throw notUtf8()
    this.#ahead = 0
    this.#aheadMask = undefined
    if (isLast) this.#text = undefined
  }

  #handleMessage(opcode: number, data: Buffer): void {
    this.messages += 1
    this.#handler.onMessage(data, opcode === opcodes.binary)
  }

  #handleClose(payload: Buffer): void {
    const reason = payload.subarray(2)
    const code = payload.length === 0 ? 1005 : payload.readUInt16BE(0)
    if (payload.length > 0 && !isCloseCode(code)) throw new BrokenFrame(1002, 'an invalid close code')
    if (!isUtf8(reason)) throw new BrokenFrame(1007, 'a close reason that is not UTF-8')
    this.#ended = true
    this.#handler.onCloseFrame(code, reason)
  }
}

/**
 * RFC 6455 §7.4, and 1012 to 1014 of the IANA registry. 1004 is reserved; 1005, 1006 and 1015 are
 * never sent.
 */
function isCloseCode(code: number): boolean {
  return (
    (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) || (code >= 3000 && code <= 4999)
  )
}

function notUtf8(): BrokenFrame {
  return new BrokenFrame(1007, 'a text message that is not UTF-8')
}

/**
 * `maskAt`: where the four bytes of the masking key are in `bytes` (RFC 6455 §5.3). `before`: how
 * many bytes of the frame's payload come before these.
 */
function unmask(payload: Buffer, bytes: Buffer, maskAt: number, before = 0): void {
  const m0 = bytes[maskAt] ?? 0
  const m1 = bytes[maskAt + 1] ?? 0
  const m2 = bytes[maskAt + 2] ?? 0
  const m3 = bytes[maskAt + 3] ?? 0
  if ((m0 | m1 | m2 | m3) === 0) return
  const masks = [m0, m1, m2, m3]
  for (let at = 0; at < payload.length; at += 1) payload[at] = (payload[at] ?? 0) ^ (masks[(at + before) & 3] ?? 0)
}
