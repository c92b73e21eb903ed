import { isUtf8 } from 'node:buffer'

/**
 * Reads the fields of frames, front to back, as amqplib does, so that a message is the same whoever read it. What says that it is longer than what has come throws.
 * https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf §4.2.5, with the field types as RabbitMQ writes them: https://www.rabbitmq.com/amqp-0-9-1-errata#section_3
 */
export class FieldReader {
  bytes: Buffer = Buffer.alloc(0)
  at = 0

  octet(): number {
    const value = this.bytes.readUInt8(this.at)
    this.at += 1
    return value
  }

  short(): number {
    const value = this.bytes.readUInt16BE(this.at)
    this.at += 2
    return value
  }

  long(): number {
    const value = this.bytes.readUInt32BE(this.at)
    this.at += 4
    return value
  }

  /** As a number: past 2⁵³ the nearest one. */
  longLong(): number {
    return this.long() * 2 ** 32 + this.long()
  }

  signedLongLong(): number {
    return (this.long() | 0) * 2 ** 32 + this.long()
  }

  text(length: number): string {
    const begin = this.at
    return this.bytes.toString('utf8', begin, this.#skip(length))
  }

  shortText(): string {
    return this.text(this.octet())
  }

  /** Skips these bytes; whether they stood there. */
  skips(expected: Uint8Array): boolean {
    const { bytes, at } = this
    for (let index = 0; index < expected.length; index += 1) if (bytes[at + index] !== expected[index]) return false
    this.at = at + expected.length
    return true
  }

  value(): unknown {
    const type = String.fromCharCode(this.octet())
    switch (type) {
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
        return this.signedLongLong()
      case 'f':
        return this.bytes.readFloatBE(this.#past(4))
      case 'd':
        return this.bytes.readDoubleBE(this.#past(8))
      case 'D':
        return { '!': 'decimal', value: { places: this.octet(), digits: this.long() } }
      case 'T':
        return { '!': 'timestamp', value: this.longLong() }
      case 'S':
        return this.#longString(this.long())
      case 'x':
        return this.#copy(this.long())
      case 'V':
        return null
      case 'F': {
        const table: Record<string, unknown> = {}
        for (const end = this.long() + this.at; this.at < end; ) setOwn(table, this.shortText(), this.value())
        return table
      }
      case 'A': {
        const values: unknown[] = []
        for (const end = this.long() + this.at; this.at < end; ) values.push(this.value())
        return values
      }
      default:
        throw new TypeError(`unexpected field type "${type}"`)
    }
  }

  /**
   * A long string need not be text (§4.2.5.3). RabbitMQ 4 hands out bytes that were published as such (type `x`) as a long string,
   * once they have been in a stream: what is no UTF-8 is bytes again.
   */
  #longString(length: number): string | Buffer {
    const begin = this.at
    const text = this.text(length)
    if (!text.includes('\ufffd')) return text
    const bytes = this.bytes.subarray(begin, this.at)
    return isUtf8(bytes) ? text : Buffer.from(bytes)
  }

  /** The bytes of a frame are read over when the next one comes. */
  #copy(length: number): Buffer {
    const begin = this.at
    return Buffer.from(this.bytes.subarray(begin, this.#skip(length)))
  }

  #past(length: number): number {
    this.#skip(length)
    return this.at - length
  }

  #skip(length: number): number {
    const end = this.at + length
    if (end > this.bytes.length)
      throw new RangeError(`expected ${length} bytes more in a frame, got ${this.bytes.length - this.at}`)
    this.at = end
    return end
  }
}

/** Whatever the name is: `__proto__` is one like any other. */
export function setOwn(table: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__')
    Object.defineProperty(table, name, { value, enumerable: true, configurable: true, writable: true })
  else table[name] = value
}
