import { isUtf8 } from 'node:buffer'
import { clearWireType, setWireType, type WireType } from '../../../core/body/amqp-field-types.ts'
import { maxShortStringBytes } from '../../../core/model/short-string.ts'

/** The maximum nesting of lists and tables. A deeper value is skipped and becomes null. */
const maxNesting = 64

/**
 * Reads the fields of frames sequentially, like amqplib, except that integers beyond the safe range
 * become bigints. If amqplib would encode a value with another type, its original type is recorded
 * (`wireTypeOf`). Throws if a field is longer than the rest of its frame.
 * https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf §4.2.5, with the field types as RabbitMQ
 * writes them: https://www.rabbitmq.com/amqp-0-9-1-errata#section_3
 */
export class FieldReader {
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0
  #end = 0

  /**
   * Reads the fields from `at` to `end`. Without this bound a field could go on in the next frame.
   */
  begin(bytes: Buffer, at = 0, end = bytes.length): void {
    this.#bytes = bytes
    this.#at = at
    this.#end = end
  }

  get bytes(): Buffer {
    return this.#bytes
  }

  /** The place of the next field. */
  get at(): number {
    return this.#at
  }

  /** Returns where the skipped bytes begin. */
  skip(length: number): number {
    const begin = this.#at
    const end = begin + length
    if (end > this.#end) throw new RangeError(`expected ${length} bytes more in a frame, got ${this.#end - begin}`)
    this.#at = end
    return begin
  }

  octet(): number {
    return this.#bytes.readUInt8(this.skip(1))
  }

  short(): number {
    return this.#bytes.readUInt16BE(this.skip(2))
  }

  long(): number {
    return this.#bytes.readUInt32BE(this.skip(4))
  }

  /** As a number, rounded beyond 2⁵³. */
  longLong(): number {
    return this.long() * 2 ** 32 + this.long()
  }

  signedLongLong(): number {
    return (this.long() | 0) * 2 ** 32 + this.long()
  }

  /** An unsigned 64-bit integer without rounding. */
  uint64(): number | bigint {
    const value = this.longLong()
    return Number.isSafeInteger(value) ? value : this.#bytes.readBigUInt64BE(this.#at - 8)
  }

  int64(): number | bigint {
    const value = this.signedLongLong()
    return Number.isSafeInteger(value) ? value : this.#bytes.readBigInt64BE(this.#at - 8)
  }

  text(length: number): string {
    const begin = this.skip(length)
    return this.#bytes.toString('utf8', begin, this.#at)
  }

  shortText(): string {
    return asShortString(this.text(this.octet()))
  }

  /** If the next bytes are `expected`, skips them and returns true. */
  skips(expected: Uint8Array): boolean {
    const bytes = this.#bytes
    const at = this.#at
    const end = at + expected.length
    if (end > this.#end) return false
    for (let index = 0; index < expected.length; index += 1) if (bytes[at + index] !== expected[index]) return false
    this.#at = end
    return true
  }

  /** Reads the next entry of a table into `table`. */
  entry(table: Record<string, unknown>, depth = 0): void {
    const name = this.shortText()
    const code = this.octet()
    const value = this.#value(code, depth)
    setOwn(table, name, value)
    const type = explicitTypeOf(code, value)
    if (type) setWireType(table, name, type)
    else clearWireType(table, name)
  }

  #array(end: number, depth: number): unknown[] {
    const values: unknown[] = []
    while (this.#at < end) {
      const code = this.octet()
      const value = this.#value(code, depth)
      const type = explicitTypeOf(code, value)
      if (type) setWireType(values, String(values.length), type)
      values.push(value)
    }
    return values
  }

  #value(code: number, depth: number): unknown {
    switch (String.fromCharCode(code)) {
      case 't':
        return this.octet() !== 0
      case 'b':
        return (this.octet() << 24) >> 24
      case 'B':
        return this.octet()
      case 's':
        return (this.short() << 16) >> 16
      case 'u':
        return this.short()
      case 'I':
        return this.long() | 0
      case 'i':
        return this.long()
      case 'l':
        return this.int64()
      case 'f':
        return this.#bytes.readFloatBE(this.skip(4))
      case 'd':
        return this.#bytes.readDoubleBE(this.skip(8))
      case 'D':
        return { '!': 'decimal', value: { places: this.octet(), digits: this.long() } }
      case 'T':
        return { '!': 'timestamp', value: this.uint64() }
      case 'S':
        return this.#longString(this.long())
      case 'x':
        return this.#copy(this.long())
      case 'V':
        return null
      case 'F':
      case 'A': {
        const length = this.long()
        const end = this.#at + length
        if (depth === maxNesting) {
          this.skip(length)
          return null
        }
        if (code === tableCode) {
          const table: Record<string, unknown> = {}
          while (this.#at < end) this.entry(table, depth + 1)
          return table
        }
        return this.#array(end, depth + 1)
      }
      default:
        throw new TypeError(`unexpected field type "${String.fromCharCode(code)}"`)
    }
  }

  /**
   * A long string need not be text (§4.2.5.3). RabbitMQ 4 delivers byte arrays (type `x`) from a
   * stream as long strings, so a string that is not valid UTF-8 becomes bytes again.
   */
  #longString(length: number): string | Buffer {
    const begin = this.#at
    const text = this.text(length)
    if (!text.includes('\ufffd')) return text
    const bytes = this.#bytes.subarray(begin, this.#at)
    return isUtf8(bytes) ? text : Buffer.from(bytes)
  }

  /** Copies the bytes, because the next read overwrites the buffer. */
  #copy(length: number): Buffer {
    const begin = this.skip(length)
    return Buffer.from(this.#bytes.subarray(begin, this.#at))
  }
}

/**
 * A decoded short string that can be sent again. Bytes that are not UTF-8 become U+FFFD, which
 * takes three bytes: a text with many of them would be too long, and is cut. Publishers may send
 * any bytes.
 */
export function asShortString(text: string): string {
  if (text.length <= maxShortStringBytes / 3 || !text.includes('\ufffd')) return text
  const bytes = Buffer.from(text)
  if (bytes.length <= maxShortStringBytes) return text
  let end = maxShortStringBytes
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1
  return bytes.toString('utf8', 0, end)
}

const tableCode = 0x46 // F
/** amqplib encodes all numbers from here on as integers, up to 64 bits. */
const wholeFrom = 2 ** 50

/**
 * The type to encode a value with, if amqplib would choose another type for its JavaScript value
 * (`encodeFieldValue` of its codec).
 */
function explicitTypeOf(code: number, value: unknown): WireType | undefined {
  if (typeof value !== 'number')
    return code === tableCode && value !== null && Object.hasOwn(value as object, '!') ? 'table' : undefined
  switch (String.fromCharCode(code)) {
    case 'B':
      return 'uint8'
    case 'u':
      return 'uint16'
    case 'i':
      return 'uint32'
    case 'f':
      return 'float'
    case 'd':
      return Number.isInteger(value) || !(Math.abs(value) < wholeFrom) ? 'double' : undefined
    case 's':
      return value === (value << 24) >> 24 ? 'int16' : undefined
    case 'I':
      return value === (value << 16) >> 16 ? 'int32' : undefined
    case 'l':
      return value === (value | 0) ? 'int64' : undefined
    default:
      return undefined
  }
}

/** Sets a property of any name; `__proto__` is a name like any other. */
export function setOwn(table: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__')
    Object.defineProperty(table, name, { value, enumerable: true, configurable: true, writable: true })
  else table[name] = value
}
