import type { MessageProperties } from '../../../core/model/message.ts'
import { maxShortStringBytes } from '../../../core/model/short-string.ts'
import { badInput, type GatewayError } from '../../../errors.ts'
import { textProperties } from '../message/properties.ts'

/**
 * AMQP 0-9-1 §4.2.3: type, channel, size and end of a frame; §4.2.6.1: class, weight, body size and
 * flags of a header.
 */
const headerFrameBytes = 8 + 14
/** Set on each publish: the delivery mode. */
const ownPropertyBytes = 1
/**
 * RabbitMQ accepts a time to live as a 32-bit number in decimal digits.
 * https://www.rabbitmq.com/docs/ttl#per-message-ttl-in-publishers
 */
const maxExpirationMs = 2 ** 32 - 1
const maxPriority = 255
/** A deeper table overflows the stack, in amqplib or in RabbitMQ. */
const maxLevels = 1_000

/**
 * Checks the properties by those rules for which RabbitMQ would close the channel or the
 * connection. Returns the size of their frame in bytes. Throws `BAD_USER_INPUT` and names the
 * property.
 */
export function checkProperties(properties: MessageProperties): number {
  const { expiration, priority, timestamp, headers } = properties
  let bytes = headerFrameBytes + ownPropertyBytes
  for (const name of textProperties) {
    const text = properties[name]
    if (text === undefined) continue
    const length = Buffer.byteLength(text)
    if (length > maxShortStringBytes) {
      throw badInput(name, `expected at most ${maxShortStringBytes} bytes, got ${length}: AMQP cannot carry more`)
    }
    bytes += 1 + length
  }
  if (expiration !== undefined && !(/^\d{1,10}$/.test(expiration) && Number(expiration) <= maxExpirationMs)) {
    throw badInput('expiration', `expected milliseconds in digits, at most ${maxExpirationMs}, got "${expiration}"`)
  }
  if (priority !== undefined) {
    if (!Number.isInteger(priority) || priority < 0 || priority > maxPriority) {
      throw badInput('priority', `expected an integer from 0 to ${maxPriority}, got ${priority}`)
    }
    bytes += 1
  }
  if (timestamp !== undefined) {
    if (!Number.isFinite(timestamp) || timestamp < 0) {
      throw badInput('timestamp', `expected milliseconds since 1970, got ${timestamp}`)
    }
    bytes += 8
  }
  if (headers !== undefined) bytes += tableBytes(headers, 'headers', 0)
  return bytes
}

/**
 * The error for properties that exceed one frame. RabbitMQ would close the connection (501, frame
 * error).
 */
export function headerTooLarge(bytes: number, frameMax: number): GatewayError {
  return badInput(
    'headers',
    `the properties and headers take ${bytes} bytes of one frame, and RabbitMQ allows ${frameMax} (its frame_max)`,
  )
}

function tableBytes(table: Readonly<Record<string, unknown>>, path: string, level: number): number {
  let bytes = 4
  for (const [name, value] of Object.entries(table)) {
    if (value === undefined) continue
    const length = Buffer.byteLength(name)
    if (length > maxShortStringBytes) {
      throw badInput(path, `expected names of at most ${maxShortStringBytes} bytes, got one of ${length}`)
    }
    bytes += 1 + length + valueBytes(value, `${path}.${name}`, level)
  }
  return bytes
}

/** The size as amqplib encodes the value. Values that amqplib refuses count as nothing. */
function valueBytes(value: unknown, path: string, level: number): number {
  switch (typeof value) {
    case 'string':
      return 5 + Buffer.byteLength(value)
    case 'boolean':
      return 2
    case 'number':
      return 1 + numberBytes(value, path)
    case 'object':
      break
    default:
      return 1
  }
  if (value === null) return 1
  if (level >= maxLevels) throw badInput('headers', `expected at most ${maxLevels} levels`)
  if (Buffer.isBuffer(value)) return 5 + value.length
  if (Array.isArray(value)) {
    return value.reduce<number>((sum, one) => sum + valueBytes(one, path, level + 1), 5)
  }
  // amqplib's notation for types that JavaScript does not have.
  if (Object.hasOwn(value, '!')) return typedBytes(value, path, level)
  return 1 + tableBytes(value as Record<string, unknown>, path, level + 1)
}

function typedBytes({ value }: { readonly value?: unknown }, path: string, level: number): number {
  if (typeof value === 'number') numberBytes(value, path)
  return typeof value === 'object' && value !== null ? valueBytes(value, path, level + 1) : 9
}

/**
 * JSON allows `1e400`, which JavaScript reads as infinity. RabbitMQ closes the connection because
 * of infinities and NaN.
 */
function numberBytes(value: number, path: string): number {
  if (!Number.isFinite(value)) throw badInput(path, `expected a finite number, got ${value}: AMQP cannot carry it`)
  if (!Number.isInteger(value)) return 8
  if (value < 0x80 && value >= -0x80) return 1
  if (value < 0x8000 && value >= -0x8000) return 2
  if (value < 0x80000000 && value >= -0x80000000) return 4
  return 8
}
