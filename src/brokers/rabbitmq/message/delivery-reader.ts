import type { Duplex } from 'node:stream'
import { asError } from '../../../core/model/error-text.ts'
import type { MessageProperties } from '../../../core/model/message.ts'
import type { ConsumeMessage } from '../connection/amqp.ts'
import { asShortString, FieldReader } from './field-decoder.ts'

/** A message that RabbitMQ delivered to a consumer. */
export interface Delivery {
  readonly deliveryTag: number
  readonly redelivered: boolean
  /** The offset in its stream; undefined if it came from a queue. */
  readonly streamOffset: number | undefined
  readonly exchange: string
  readonly routingKey: string
  readonly properties: MessageProperties
  readonly body: Buffer
}

/** Called while the bytes are read. An error that it throws ends the connection. */
export type DeliveryListener = (delivery: Delivery) => void

/**
 * https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf §4.2.3: type, channel, size, payload, end.
 */
const frame = { method: 1, header: 2, body: 3, heartbeat: 8, headBytes: 7, end: 0xce }
const basicDeliver = 0x003c_003c
const heartbeatFrame = Buffer.from([frame.heartbeat, 0, 0, 0, 0, 0, 0, frame.end])
/** The size of the read buffer, as libuv suggests. */
const readBytes = 64 * 1024
/**
 * How often amqplib gets a heartbeat frame while this class takes all frames. Without it amqplib
 * would consider the broker silent.
 */
const heartbeatMs = 1_000

function isFrameType(type: number | undefined): boolean {
  return type === frame.method || type === frame.header || type === frame.body || type === frame.heartbeat
}

interface WithProperties {
  streamOffset: number | undefined
  properties: MessageProperties
}

interface Consumer {
  readonly onDelivery: DeliveryListener
  /** Whether `onDelivery` copies a body that it keeps. */
  readonly inReadBuffer: boolean
}

interface PartialDelivery extends WithProperties {
  readonly consumer: Consumer
  readonly deliveryTag: number
  readonly redelivered: boolean
  readonly exchange: string
  readonly routingKey: string
  body: Buffer
  /** The size of the whole body, in bytes. */
  size: number
  /** How many bytes of the body have arrived. */
  filled: number
}

/**
 * Reads a connection before amqplib does: the exact properties of each message, and, in place, the
 * whole messages of registered consumers, which amqplib then does not see. All other frames go to
 * amqplib, which owns the connection, its channels and its consumers; see `README.md`.
 */
export class DeliveryReader {
  /** For `net.connect` and `tls.connect`. */
  readonly onread: { readonly buffer: Buffer; callback(this: Duplex, length: number, buffer: Buffer): boolean }
  readonly #consumers = new Map<string, Consumer>()
  /**
   * By channel, because the frames of a message are contiguous on a channel. amqplib gives out the
   * smallest numbers first.
   */
  readonly #partial: (PartialDelivery | undefined)[] = []
  readonly #fields = new FieldReader()
  readonly #consumerTag = new RecentText()
  readonly #exchange = new RecentText()
  readonly #contentType = new RecentText()
  #watcher: ((properties: MessageProperties) => void) | undefined
  /** The start of an incomplete frame. */
  #rest: Buffer | undefined
  /** The properties of the messages that amqplib has not delivered yet. Empty if `#inPlace`. */
  readonly #ahead = new Map<string, WithProperties[]>()
  /** Channel → consumer of the message that has begun. Empty if `#inPlace`. */
  readonly #headerOf = new Map<number, string>()
  readonly #inPlace: boolean
  /** Whether all bytes so far were frames. After others, nothing shows where a frame begins. */
  #isAmqp = true
  /** How many reads there were, of any content. */
  reads = 0
  #passedAt = 0

  /** `inPlace`: false leaves the messages to amqplib and reads their properties only. */
  constructor(inPlace: boolean) {
    this.#inPlace = inPlace
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
   * From now on the messages of this consumer go to `onDelivery`. Consume with `callback`, which
   * passes on what is not read in place. The consumer need not exist yet. `inReadBuffer`: the bytes
   * of a body may be others after `onDelivery` has returned, so that it copies what it keeps.
   * Returns a function that stops it.
   */
  intercept(consumerTag: string, onDelivery: DeliveryListener, { inReadBuffer = false } = {}): () => void {
    this.#consumers.set(consumerTag, { onDelivery, inReadBuffer })
    if (!this.#inPlace) this.#ahead.set(consumerTag, [])
    return () => {
      this.#consumers.delete(consumerTag)
      this.#ahead.delete(consumerTag)
    }
  }

  /**
   * The callback for `channel.consume` of an intercepted consumer. If messages are not read in
   * place, it gives them to the listener of `intercept`. `onCancel` is called when RabbitMQ cancels
   * the consumer.
   */
  callback(consumerTag: string, onCancel: () => void): (message: ConsumeMessage | null) => void {
    return (message) => {
      if (!message) return onCancel()
      const ahead = this.#ahead.get(consumerTag)?.shift()
      if (!ahead) return
      const { deliveryTag, redelivered, exchange } = message.fields
      const routingKey = asShortString(message.fields.routingKey)
      const delivery = { deliveryTag, redelivered, exchange, routingKey, ...ahead, body: message.content }
      this.#consumers.get(consumerTag)?.onDelivery(delivery)
    }
  }

  /**
   * From now on `watcher` receives the exact properties of each message, and amqplib none. It
   * rounds integers, and fails on tables that nest too deep for the stack.
   */
  watchProperties(watcher: (properties: MessageProperties) => void): void {
    this.#watcher = watcher
  }

  /** Returns whether amqplib accepts more bytes. `bytes` is reused after the call. */
  #read(bytes: Buffer, pass: (bytes: Buffer) => boolean): boolean {
    this.reads += 1
    if (!this.#isAmqp) return pass(Buffer.from(bytes))
    const all = this.#rest ? Buffer.concat([this.#rest, bytes]) : bytes
    this.#rest = undefined
    let wantsMore = true
    let at = 0
    let passedUntil = 0
    const passUpTo = (end: number): void => {
      if (end === passedUntil) return
      wantsMore = pass(Buffer.from(all.subarray(passedUntil, end)))
      this.#passedAt = Date.now()
    }
    try {
      while (at + frame.headBytes < all.length) {
        // Not AMQP: amqplib reports the error.
        if (!isFrameType(all[at])) {
          this.#isAmqp = false
          at = all.length
          break
        }
        const end = at + frame.headBytes + all.readUInt32BE(at + 3) + 1
        if (end > all.length) break
        const forAmqplib = this.#interceptFrame(all, at, end)
        if (forAmqplib !== unchanged) {
          passUpTo(at)
          if (forAmqplib) wantsMore = pass(forAmqplib)
          passedUntil = end
        }
        at = end
      }
    } catch (error) {
      // Frames before the invalid one count, such as a `connection.close` with its reason.
      passUpTo(at)
      throw error
    }
    passUpTo(at)
    if (at < all.length) this.#rest = Buffer.from(all.subarray(at))
    const now = Date.now()
    if (this.#consumers.size === 0 || now - this.#passedAt < heartbeatMs) return wantsMore
    this.#passedAt = now
    return pass(heartbeatFrame)
  }

  /** Returns what amqplib gets instead of the frame; undefined if it gets nothing. */
  #interceptFrame(bytes: Buffer, at: number, end: number): Buffer | typeof unchanged | undefined {
    const type = bytes[at]
    if (type === frame.method) return this.#readDeliver(bytes, at, end) ? undefined : unchanged
    const channel = bytes.readUInt16BE(at + 1)
    const partial = this.#partial[channel]
    if (!partial) {
      const consumerTag = type === frame.header ? this.#headerOf.get(channel) : undefined
      if (consumerTag !== undefined) {
        this.#headerOf.delete(channel)
        this.#ahead.get(consumerTag)?.push(this.#headerAt(bytes, at, end))
        return headerWithoutProperties(bytes, at)
      }
      if (type !== frame.header || !this.#watcher) return unchanged
      this.#watcher(this.#headerAt(bytes, at, end).properties)
      return headerWithoutProperties(bytes, at)
    }
    if (bytes[end - 1] !== frame.end) throw new Error('expected the end of an AMQP frame')
    const payloadAt = at + frame.headBytes
    if (type === frame.header) {
      this.#fields.begin(bytes, payloadAt, end - 1)
      partial.size = this.#readHeader(partial)
    } else if (type === frame.body) {
      fill(partial, bytes, payloadAt, end - 1)
    } else return unchanged
    if (partial.filled < partial.size) return undefined
    this.#partial[channel] = undefined
    partial.consumer.onDelivery(partial)
    return undefined
  }

  /** Returns whether the message that begins here is read in place. */
  #readDeliver(bytes: Buffer, at: number, end: number): boolean {
    const fields = this.#fields
    fields.begin(bytes, at + frame.headBytes, end - 1)
    if (fields.long() !== basicDeliver) return false
    const consumerTag = this.#consumerTag.read(fields)
    const consumer = this.#consumers.get(consumerTag)
    if (!consumer) return false
    if (!this.#inPlace) {
      this.#headerOf.set(bytes.readUInt16BE(at + 1), consumerTag)
      return false
    }
    const deliveryTag = fields.longLong()
    const redelivered = fields.octet() !== 0
    this.#partial[bytes.readUInt16BE(at + 1)] = {
      consumer,
      deliveryTag,
      redelivered,
      exchange: this.#exchange.read(fields),
      routingKey: fields.shortText(),
      streamOffset: undefined,
      properties: noProperties,
      body: noBytes,
      size: 0,
      filled: 0,
    }
    return true
  }

  #headerAt(bytes: Buffer, at: number, end: number): WithProperties {
    const read: WithProperties = { streamOffset: undefined, properties: noProperties }
    this.#fields.begin(bytes, at + frame.headBytes, end - 1)
    this.#readHeader(read)
    return read
  }

  /** §4.2.6.1: class, weight, body size, property flags, properties. Returns the body size. */
  #readHeader(into: WithProperties): number {
    const fields = this.#fields
    fields.skip(4)
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

/** Adds the payload of a body frame, which lies between two places of `bytes`. */
function fill(partial: PartialDelivery, bytes: Buffer, from: number, to: number): void {
  const { size, filled, consumer } = partial
  if (filled === 0) {
    // Most messages have one body frame. Its part of the read buffer costs no memory.
    if (consumer.inReadBuffer && to - from === size) {
      partial.body = bytes.subarray(from, to)
      partial.filled = size
      return
    }
    partial.body = Buffer.allocUnsafe(size)
  }
  partial.filled += bytes.copy(partial.body, filled, from, to)
}

/** The frame goes to amqplib as it came. */
const unchanged = Symbol('unchanged')
/** Class, weight, body size and property flags. */
const shortestHeader = 14

/** The header frame at `at` for amqplib, which refuses types of header fields that we can read. */
function headerWithoutProperties(bytes: Buffer, at: number): Buffer {
  const header = Buffer.alloc(frame.headBytes + shortestHeader + 1)
  bytes.copy(header, 0, at, at + frame.headBytes + shortestHeader - 2)
  header.writeUInt32BE(shortestHeader, 3)
  header[header.length - 1] = frame.end
  return header
}

const noProperties: MessageProperties = {}
const noHeaders: Record<string, unknown> = Object.freeze({})
const noBytes = Buffer.alloc(0)
/** The encoded header entry, without its number. */
const streamOffset = Buffer.from('\x0fx-stream-offsetl')

/**
 * A string that usually repeats. It compares the bytes and creates a new string only when they
 * differ.
 */
class RecentText {
  /** Including the length octet. */
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
