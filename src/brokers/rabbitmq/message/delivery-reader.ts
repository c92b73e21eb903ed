import type { Duplex } from 'node:stream'
import { asError } from '../../../core/model/error-text.ts'
import type { MessageProperties } from '../../../core/model/message.ts'
import { FieldReader } from './field-decoder.ts'

/** A message as a consumer was given it. */
export interface Delivery {
  readonly deliveryTag: number
  readonly redelivered: boolean
  /** Where it stands in the stream that it came from; undefined where it came from a queue. */
  readonly streamOffset: number | undefined
  readonly exchange: string
  readonly routingKey: string
  readonly properties: MessageProperties
  readonly body: Buffer
}

/**
 * Called in the turn of the event loop in which the message came in. What it throws ends the
 * connection.
 */
export type TakeDelivery = (delivery: Delivery) => void

/**
 * https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf §4.2.3: type, channel, size, payload, end.
 */
const frame = { method: 1, header: 2, body: 3, heartbeat: 8, headBytes: 7, end: 0xce }
const frameTypes = new Set<number | undefined>([frame.method, frame.header, frame.body, frame.heartbeat])
const basicDeliver = 0x003c_003c
const heartbeatFrame = Buffer.from([frame.heartbeat, 0, 0, 0, 0, 0, 0, frame.end])
/** Of one read; what libuv suggests. */
const readBytes = 64 * 1024
/**
 * amqplib hears nothing of what is taken here, and would think that the broker has fallen silent.
 */
const lifeSignMs = 1_000

interface WithProperties {
  streamOffset: number | undefined
  properties: MessageProperties
}

interface PartialDelivery extends WithProperties {
  readonly take: TakeDelivery
  readonly deliveryTag: number
  readonly redelivered: boolean
  readonly exchange: string
  readonly routingKey: string
  body: Buffer
  /** How much of the body is there. */
  filled: number
}

/**
 * Reads a connection before amqplib does, and takes from it the messages of consumers that asked
 * for it by their tag: they are read in place, without the streams, objects and turns in between,
 * which at some hundred messages a second, on cold caches, is a good part of what a message costs.
 * All other frames go on to amqplib, which owns the connection, its channels and its consumers.
 */
export class DeliveryReader {
  /** For `net.connect` and `tls.connect`. */
  readonly onread: { readonly buffer: Buffer; callback(this: Duplex, length: number, buffer: Buffer): boolean }
  readonly #consumers = new Map<string, TakeDelivery>()
  /** By channel, on which the frames of a message stand together. */
  readonly #begun = new Map<number, PartialDelivery>()
  readonly #fields = new FieldReader()
  readonly #consumerTag = new RecentText()
  readonly #exchange = new RecentText()
  readonly #contentType = new RecentText()
  #watcher: ((properties: MessageProperties) => void) | undefined
  /** The beginning of a frame whose end has not come. */
  #rest: Buffer | undefined
  /** How often something came, whatever it was. */
  reads = 0
  #passedAt = 0

  constructor() {
    const read = (bytes: Buffer, pass: (bytes: Buffer) => boolean): boolean => this.#read(bytes, pass)
    this.onread = {
      buffer: Buffer.allocUnsafeSlow(readBytes),
      callback(length, buffer) {
        try {
          return read(buffer.subarray(0, length), (bytes) => this.push(bytes))
        } catch (error) {
          this.destroy(asError(error))
          return false
        }
      },
    }
  }

  /**
   * From here on the messages of this consumer are handed over here, and not by amqplib; it need
   * not exist yet. Returns how to stop.
   */
  take(consumerTag: string, take: TakeDelivery): () => void {
    this.#consumers.set(consumerTag, take)
    return () => void this.#consumers.delete(consumerTag)
  }

  /**
   * From here on the properties of each message that goes on to amqplib are handed over here too,
   * before: amqplib would round integers.
   */
  watch(watcher: (properties: MessageProperties) => void): void {
    this.#watcher = watcher
  }

  /** Whether amqplib takes more. The bytes are of no use after the call. */
  #read(bytes: Buffer, pass: (bytes: Buffer) => boolean): boolean {
    this.reads += 1
    const all = this.#rest ? Buffer.concat([this.#rest, bytes]) : bytes
    this.#rest = undefined
    let wantsMore = true
    let at = 0
    let untaken = 0
    const passUpTo = (end: number): void => {
      if (end === untaken) return
      wantsMore = pass(Buffer.from(all.subarray(untaken, end)))
      this.#passedAt = Date.now()
    }
    while (at + frame.headBytes < all.length) {
      // No AMQP: amqplib knows what to say.
      if (!frameTypes.has(all[at])) {
        at = all.length
        break
      }
      const end = at + frame.headBytes + all.readUInt32BE(at + 3) + 1
      if (end > all.length) break
      if (this.#takeFrame(all, at, end)) {
        passUpTo(at)
        untaken = end
      }
      at = end
    }
    passUpTo(at)
    if (at < all.length) this.#rest = Buffer.from(all.subarray(at))
    const now = Date.now()
    if (this.#consumers.size === 0 || now - this.#passedAt < lifeSignMs) return wantsMore
    this.#passedAt = now
    return pass(heartbeatFrame)
  }

  #takeFrame(bytes: Buffer, at: number, end: number): boolean {
    const type = bytes[at]
    if (type === frame.method) return this.#begin(bytes, at)
    const channel = bytes.readUInt16BE(at + 1)
    const begun = this.#begun.get(channel)
    if (!begun) {
      if (type === frame.header && this.#watcher) this.#watcher(this.#propertiesAt(bytes, at))
      return false
    }
    if (bytes[end - 1] !== frame.end) throw new Error('expected the end of an AMQP frame')
    const fields = this.#fields
    fields.bytes = bytes
    fields.at = at + frame.headBytes
    if (type === frame.header) {
      begun.body = Buffer.allocUnsafe(this.#readHeader(begun))
    } else if (type === frame.body) {
      begun.filled += bytes.copy(begun.body, begun.filled, fields.at, end - 1)
    } else return false
    if (begun.filled < begun.body.length) return true
    this.#begun.delete(channel)
    begun.take(begun)
    return true
  }

  #begin(bytes: Buffer, at: number): boolean {
    const fields = this.#fields
    fields.bytes = bytes
    fields.at = at + frame.headBytes
    if (fields.long() !== basicDeliver) return false
    const take = this.#consumers.get(this.#consumerTag.read(fields))
    if (!take) return false
    const deliveryTag = fields.longLong()
    const redelivered = fields.octet() !== 0
    this.#begun.set(bytes.readUInt16BE(at + 1), {
      take,
      deliveryTag,
      redelivered,
      exchange: this.#exchange.read(fields),
      routingKey: fields.shortText(),
      streamOffset: undefined,
      properties: nothing,
      body: noBytes,
      filled: 0,
    })
    return true
  }

  #propertiesAt(bytes: Buffer, at: number): MessageProperties {
    const read: WithProperties = { streamOffset: undefined, properties: nothing }
    this.#fields.bytes = bytes
    this.#fields.at = at + frame.headBytes
    this.#readHeader(read)
    return read.properties
  }

  /**
   * §4.2.6.1: class, weight, size of the body, which properties there are, and they. Returns the
   * size of the body.
   */
  #readHeader(into: WithProperties): number {
    const fields = this.#fields
    fields.at += 4
    const size = fields.longLong()
    const flags = fields.short()
    const has = (bit: number): boolean => (flags & (1 << bit)) !== 0
    const text = (bit: number): string | undefined => (has(bit) ? fields.shortText() : undefined)
    const contentType = has(15) ? this.#contentType.read(fields) : undefined
    const contentEncoding = text(14)
    let headers = noHeaders
    if (has(13)) {
      for (const end = fields.long() + fields.at; fields.at < end; ) {
        if (fields.skips(streamOffset)) into.streamOffset = fields.signedLongLong()
        else {
          if (headers === noHeaders) headers = {}
          fields.entry(headers)
        }
      }
    }
    if (has(12)) fields.octet() // the delivery mode
    const priority = has(11) ? fields.octet() : undefined
    const correlationId = text(10)
    const replyTo = text(9)
    const expiration = text(8)
    const messageId = text(7)
    const seconds = has(6) ? fields.uint64() : undefined
    const timestamp = seconds === undefined ? undefined : Number(seconds) * 1000
    const properties: MessageProperties = {
      contentType,
      contentEncoding,
      headers,
      priority,
      correlationId,
      replyTo,
      expiration,
      messageId,
      timestamp,
      type: text(5),
      userId: text(4),
      appId: text(3),
    }
    const isExact = seconds === undefined || Number.isSafeInteger(timestamp)
    into.properties = isExact ? properties : { ...properties, unixSeconds: BigInt(seconds) }
    return size
  }
}

const nothing: MessageProperties = {}
const noHeaders: Record<string, unknown> = Object.freeze({})
const noBytes = Buffer.alloc(0)
/** The entry of the table of headers, up to its number. */
const streamOffset = Buffer.from('\x0fx-stream-offsetl')

/** A text that is mostly the same as the last time: its bytes are compared, and none is made. */
class RecentText {
  /** With its length in front. */
  #bytes: Uint8Array = Buffer.alloc(1)
  #text = ''

  read(fields: FieldReader): string {
    if (fields.skips(this.#bytes)) return this.#text
    const begin = fields.at
    this.#text = fields.shortText()
    this.#bytes = Uint8Array.prototype.slice.call(fields.bytes, begin, fields.at)
    return this.#text
  }
}
