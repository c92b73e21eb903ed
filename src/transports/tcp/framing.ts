import { TextDecoder } from 'node:util'
import { parseWithRightKeys } from '../../core/json/right-keys.ts'
import { badInput, GatewayError } from '../../errors.ts'
import { maxUnauthenticatedFrameBytes } from '../flow/frame-limits.ts'
import { pieceBytes } from '../flow/unfinished-messages.ts'

/**
 * One frame of the framed protocol: the length of the header (2 bytes, always big-endian, even if
 * `byteorder` differs), the header as JSON in UTF-8, the content. See `docs/protocols/tcp.md`.
 */
export interface TcpFrame {
  readonly header: FrameHeader
  readonly content: Buffer
}

export interface FrameHeader {
  /** The byte order of the content, for encodings that have two. */
  readonly byteorder: 'little' | 'big'
  readonly contentType: string
  readonly contentEncoding: string
  readonly contentLength: number
}

const lengthBytes = 2
const maxHeaderBytes = 0xffff
/**
 * An unfinished frame of more pieces than this is joined, because each piece has its own cost,
 * however small it is.
 */
const maxPieces = 1_024

/** Cuts the bytes of a connection into frames, however the network split them. */
export class TcpFrameReader {
  /** How many frames have been completed. */
  frames = 0
  readonly #maxBytes: () => number
  readonly #isKnown: () => boolean
  #pieces: Buffer[] = []
  #bytes = 0
  #header: FrameHeader | undefined
  #headerBytes: number | undefined

  /**
   * `maxBytes`: limit of a content, read when the content begins. `isKnown`: whether the peer has
   * authenticated; before that, its headers are limited as well.
   */
  constructor(maxBytes: () => number, isKnown: () => boolean = () => true) {
    this.#maxBytes = maxBytes
    this.#isKnown = isKnown
  }

  /** Bytes that an unfinished frame holds, with the cost of each piece; 0 without one. */
  get unfinished(): number {
    if (this.#bytes === 0 && this.#headerBytes === undefined) return 0
    return lengthBytes + this.#bytes + this.#pieces.length * pieceBytes
  }

  push(piece: Buffer): void {
    if (piece.length === 0) return
    this.#pieces.push(piece)
    this.#bytes += piece.length
    if (this.#pieces.length >= maxPieces) this.#pieces = [Buffer.concat(this.#pieces)]
  }

  /**
   * Returns the next whole frame, or undefined if it is not complete. Throws `BAD_USER_INPUT` or
   * `PAYLOAD_TOO_LARGE`; the start of the next frame is then unknown.
   */
  next(): TcpFrame | undefined {
    this.#headerBytes ??= this.#take(lengthBytes)?.readUInt16BE(0)
    if (this.#headerBytes === undefined) return undefined
    if (!this.#header) {
      if (this.#headerBytes > maxUnauthenticatedFrameBytes && !this.#isKnown())
        throw tooLarge('header', this.#headerBytes, maxUnauthenticatedFrameBytes)
      const bytes = this.#take(this.#headerBytes)
      if (!bytes) return undefined
      this.#header = readHeader(bytes)
      const maxBytes = this.#maxBytes()
      if (this.#header.contentLength > maxBytes) throw tooLarge('content', this.#header.contentLength, maxBytes)
    }
    const header = this.#header
    const content = this.#take(header.contentLength)
    if (!content) return undefined
    this.#header = undefined
    this.#headerBytes = undefined
    this.frames += 1
    return { header, content }
  }

  /**
   * Takes `length` bytes once they have arrived. Pieces are joined once, when the last one has
   * arrived.
   */
  #take(length: number): Buffer | undefined {
    if (this.#bytes < length) return undefined
    const [first] = this.#pieces
    const joined = first && first.length >= length ? first : Buffer.concat(this.#pieces)
    this.#bytes -= length
    const rest = joined.subarray(length)
    if (joined === first) this.#pieces.shift()
    else this.#pieces = []
    if (rest.length > 0) this.#pieces.unshift(rest)
    return joined.subarray(0, length)
  }
}

function tooLarge(what: string, bytes: number, maxBytes: number): GatewayError {
  return new GatewayError('PAYLOAD_TOO_LARGE', `${what}: expected at most ${maxBytes} bytes, got ${bytes}`)
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

function readHeader(bytes: Buffer): FrameHeader {
  let parsed: unknown
  try {
    parsed = parseWithRightKeys(strictUtf8.decode(bytes))
  } catch (error) {
    throw badInput('header', `expected JSON in UTF-8 (${(error as Error).message})`)
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw badInput('header', 'expected a JSON object')
  const header = parsed as Record<string, unknown>
  const contentLength = header['content-length']
  if (typeof contentLength !== 'number' || !Number.isSafeInteger(contentLength) || contentLength < 0)
    throw badInput('content-length', 'expected a number of bytes, 0 or more')
  const byteorder = header['byteorder']
  if (byteorder !== 'little' && byteorder !== 'big') throw badInput('byteorder', 'expected "little" or "big"')
  return {
    byteorder,
    contentLength,
    contentType: textOf(header, 'content-type'),
    contentEncoding: textOf(header, 'content-encoding'),
  }
}

function textOf(header: Record<string, unknown>, field: string): string {
  const value = header[field]
  if (typeof value !== 'string') throw badInput(field, 'expected a string')
  return value
}

/** A frame of JSON, as `Outbox.push` takes it. `json` has the same form. */
export function jsonFrame(json: string): string {
  return headOf({ 'content-type': 'text/json', 'content-encoding': 'utf-8' }, json.length) + json
}

/** A binary frame. */
export function binaryFrame(contentType: string, content: Buffer): Buffer {
  const head = headOf({ 'content-type': contentType, 'content-encoding': 'binary' }, content.length)
  return Buffer.concat([Buffer.from(head, 'latin1'), content])
}

/** Length and header of a frame, as the old clients write them. Exported for the CLI's clients. */
export function headOf(
  header: { 'content-type': string; 'content-encoding': string; byteorder?: 'little' | 'big' },
  contentLength: number,
): string {
  const text = Buffer.from(JSON.stringify({ byteorder: 'big', ...header, 'content-length': contentLength }))
  if (text.length > maxHeaderBytes)
    throw new RangeError(`header: expected at most ${maxHeaderBytes} bytes, got ${text.length}`)
  return String.fromCharCode(text.length >> 8, text.length & 0xff) + text.toString('latin1')
}
