import { crc32 } from 'node:zlib'
import type { JournalMessage } from './message.ts'

/**
 * A place in the journal: the journal's epoch, the offset of the last event seen, and a short fingerprint of the
 * message there. Resuming reads *at* the offset and expects that very message; offsets alone decide nothing, for
 * RabbitMQ clamps a lost offset and waits on a future one, both silently.
 */
export interface Cursor {
  /** Names one life of the journal; another after it was deleted and made again. */
  readonly epoch: string
  readonly offset: number
  /** 32 bits of the message at `offset`. */
  readonly fingerprint: number
  /** True: the place just before that message, where nothing older can be had. False: just behind it. */
  readonly before: boolean
}

const version = 1
const beforeFlag = 0x80
const epochBytes = 8
const length = 1 + epochBytes + 8 + 4 + 4

/** Opaque to clients: version, epoch, offset, fingerprint, checksum, in base64url. */
export function printCursor(cursor: Cursor): string {
  const bytes = Buffer.alloc(length)
  bytes.writeUInt8(cursor.before ? version | beforeFlag : version, 0)
  bytes.write(cursor.epoch, 1, epochBytes, 'hex')
  bytes.writeBigInt64BE(BigInt(cursor.offset), 1 + epochBytes)
  bytes.writeUInt32BE(cursor.fingerprint, 9 + epochBytes)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, length - 4)), length - 4)
  return bytes.toString('base64url')
}

/** Undefined for whatever `printCursor` did not print: garbage, tampering, another version. */
export function parseCursor(text: string): Cursor | undefined {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.length !== length || (bytes.readUInt8(0) & ~beforeFlag) !== version || bytes.toString('base64url') !== text)
    return undefined
  if (bytes.readUInt32BE(length - 4) !== crc32(bytes.subarray(0, length - 4))) return undefined
  const offset = Number(bytes.readBigInt64BE(1 + epochBytes))
  if (!Number.isSafeInteger(offset) || offset < 0) return undefined
  return {
    epoch: bytes.toString('hex', 1, 1 + epochBytes),
    offset,
    fingerprint: bytes.readUInt32BE(9 + epochBytes),
    before: (bytes.readUInt8(0) & beforeFlag) !== 0,
  }
}

/** The cursor of a message: what a client holds after having seen it. */
export function cursorOf(epoch: string, message: JournalMessage): Cursor {
  return { epoch, offset: message.offset, fingerprint: fingerprintOf(message), before: false }
}

/** The cursor behind which this message is the first. */
export function cursorBefore(epoch: string, message: JournalMessage): Cursor {
  return { ...cursorOf(epoch, message), before: true }
}

/** 32 bits that tell this message from another that might stand at the same offset of another journal. */
export function fingerprintOf({ exchange, routingKey, body, properties }: JournalMessage): number {
  const envelope = `${exchange}\n${routingKey}\n${properties.messageId ?? ''}\n${properties.timestamp ?? ''}`
  return crc32(body, crc32(envelope))
}
