import { crc32 } from 'node:zlib'
import { type DeploymentKeys, derivedKey } from '../clients/deployment-keys.ts'
import { crcOfText } from './hash/crc-of-text.ts'
import { SipHash } from './hash/siphash.ts'
import type { JournalMessage } from './message.ts'

/**
 * A position in the journal: the journal's epoch, the offset of the last event that the client saw,
 * and a short fingerprint of the message there. A resume reads *at* the offset and expects that
 * message. An offset alone is not enough, because RabbitMQ clamps an expired offset and waits on a
 * future one, both silently.
 */
export interface Cursor {
  /** Changes when the journal is deleted and created again. */
  readonly epoch: string
  readonly offset: number
  /** 32 bits of fingerprint of the message at `offset`. */
  readonly fingerprint: number
  /**
   * True: the position just before that message, if nothing older can be read. False: just after
   * it.
   */
  readonly before: boolean
  /** Prints the cursor with the keys of its deployment. */
  readonly codec: CursorCodec
}

/** A cursor in storage: without the codec that prints it. */
export type JournalPlace = Omit<Cursor, 'codec'>

const version = 2
/** The format of the last release: the fingerprint in clear text, and a checksum without a key. */
const oldVersion = 1
const beforeFlag = 0x80
const epochBytes = 8
const offsetAt = 1 + epochBytes
const fingerprintAt = offsetAt + 8
const tagAt = fingerprintAt + 4
const length = tagAt + 8
const oldLength = tagAt + 4
/** Characters of base64url without padding. */
const textLength = Math.ceil((length * 4) / 3)
const oldTextLength = Math.ceil((oldLength * 4) / 3)
/**
 * How long cursors of the old format are accepted if only their size bounds the messages that the
 * journal keeps, in milliseconds.
 */
const oldWithoutAgeMs = 7 * 24 * 60 * 60_000

/** Shared by all calls: `print` is synchronous and runs for each event. */
const words = new Int32Array(6)
/** The characters of base64url (RFC 4648 §5) by their value. */
const base64url = Uint8Array.from(
  Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', 'latin1'),
)

/**
 * Prints and parses cursors. The text is opaque to clients: version, epoch, offset, fingerprint and
 * an authentication code over all of them (SipHash-2-4), in base64url. The fingerprint is encrypted
 * because a cursor often names a message of another client (a checkpoint, the current end of the
 * journal), and 32 bits are enough to guess a short message.
 */
export class CursorCodec {
  readonly #keys: DeploymentKeys
  readonly #oldUntil: () => number
  #ciphers: readonly SipHash[] = []
  #current: SipHash
  /**
   * Before this time `print` uses the old format; in milliseconds since the epoch, 0 once it has
   * passed.
   */
  #newFrom: number
  /** Of the epoch that was printed last. */
  #epoch: PrintedEpoch | undefined

  /**
   * `retentionMs`: how long the journal keeps messages; Infinity if only their size bounds them.
   */
  constructor(keys: DeploymentKeys, retentionMs: number) {
    const acceptedMs = Number.isFinite(retentionMs) ? retentionMs : oldWithoutAgeMs
    this.#keys = keys
    this.#oldUntil = () => keys.since.getTime() + acceptedMs
    this.#current = this.#derive()
    this.#newFrom = keys.current.newCursorsFrom.getTime()
    keys.onAdopted(() => {
      this.#current = this.#derive()
      this.#newFrom = keys.current.newCursorsFrom.getTime()
    })
  }

  print(cursor: Cursor): string {
    const cipher = this.#current
    if (this.#newFrom > 0) {
      if (Date.now() < this.#newFrom) return printOldCursor(cursor)
      this.#newFrom = 0
    }
    const { epoch, offset, fingerprint, before } = cursor
    if (this.#epoch?.text !== epoch) this.#epoch = printedEpoch(epoch)
    const { high, low, start, startBefore } = this.#epoch
    const offsetHigh = Math.floor(offset / 0x1_0000_0000)
    words[0] = high
    words[1] = low
    words[2] = offsetHigh
    words[3] = offset
    cipher.hash(words, 2)
    const encrypted = fingerprint ^ cipher.low
    words[4] = encrypted
    words[5] = before ? version | beforeFlag : version
    cipher.hash(words, 3)
    return (before ? startBefore : start) + printWords(offsetHigh, offset, encrypted, cipher.low, cipher.high)
  }

  /**
   * Returns undefined for any text that `print` did not produce in this deployment: garbage,
   * tampered text, the old format after its time.
   */
  parse(text: string): Cursor | undefined {
    if (text.length !== textLength && text.length !== oldTextLength) return undefined
    const bytes = Buffer.from(text, 'base64url')
    if (bytes.toString('base64url') !== text) return undefined
    const fingerprint = bytes.length === length ? this.#checked(bytes) : this.#checkedOld(bytes)
    if (fingerprint === undefined) return undefined
    const offset = Number(bytes.readBigInt64BE(offsetAt))
    if (!Number.isSafeInteger(offset) || offset < 0) return undefined
    return {
      epoch: bytes.toString('hex', 1, offsetAt),
      offset,
      fingerprint,
      before: (bytes.readUInt8(0) & beforeFlag) !== 0,
      codec: this,
    }
  }

  #checked(bytes: Buffer): number | undefined {
    if ((bytes.readUInt8(0) & ~beforeFlag) !== version) return undefined
    fillWords(bytes)
    for (const cipher of this.#ciphers) {
      cipher.hash(words, 3)
      // Always compare both halves, so that the time taken reveals nothing.
      const difference = (cipher.low ^ bytes.readInt32BE(tagAt)) | (cipher.high ^ bytes.readInt32BE(tagAt + 4))
      if (difference !== 0) continue
      cipher.hash(words, 2)
      return (bytes.readInt32BE(fingerprintAt) ^ cipher.low) >>> 0
    }
    return undefined
  }

  #checkedOld(bytes: Buffer): number | undefined {
    if (bytes.length !== oldLength || (bytes.readUInt8(0) & ~beforeFlag) !== oldVersion) return undefined
    if (bytes.readUInt32BE(tagAt) !== crc32(bytes.subarray(0, tagAt))) return undefined
    return Date.now() < this.#oldUntil() ? bytes.readUInt32BE(fingerprintAt) : undefined
  }

  #derive(): SipHash {
    this.#ciphers = this.#keys.all.map((key) => new SipHash(derivedKey(key, 'cursors', 16)))
    const [current] = this.#ciphers
    if (!current) throw new Error('the registry has no key')
    return current
  }
}

/** Fills `words` from the bytes: epoch and offset, then fingerprint, then version and flags. */
function fillWords(bytes: Buffer): void {
  for (let index = 0; index < 5; index += 1) words[index] = bytes.readInt32BE(1 + 4 * index)
  words[5] = bytes.readUInt8(0)
}

interface PrintedEpoch {
  readonly text: string
  readonly high: number
  readonly low: number
  /** The first twelve characters of all its cursors: nine bytes of version and epoch. */
  readonly start: string
  /** The same for cursors with `before`. */
  readonly startBefore: string
}

function printedEpoch(text: string): PrintedEpoch {
  const bytes = Buffer.alloc(offsetAt)
  bytes.write(text, 1, epochBytes, 'hex')
  const startWith = (first: number): string => {
    bytes[0] = first
    return bytes.toString('base64url')
  }
  const [high, low] = [bytes.readInt32BE(1), bytes.readInt32BE(5)]
  return { text, high, low, start: startWith(version), startBefore: startWith(version | beforeFlag) }
}

/**
 * Twenty bytes in base64url. One call with a number for each character costs a quarter of what
 * `Buffer` takes for it.
 */
function printWords(a: number, b: number, c: number, d: number, e: number): string {
  return String.fromCharCode(
    characterOf(a >>> 26),
    characterOf(a >>> 20),
    characterOf(a >>> 14),
    characterOf(a >>> 8),
    characterOf(a >>> 2),
    characterOf((a << 4) | (b >>> 28)),
    characterOf(b >>> 22),
    characterOf(b >>> 16),
    characterOf(b >>> 10),
    characterOf(b >>> 4),
    characterOf((b << 2) | (c >>> 30)),
    characterOf(c >>> 24),
    characterOf(c >>> 18),
    characterOf(c >>> 12),
    characterOf(c >>> 6),
    characterOf(c),
    characterOf(d >>> 26),
    characterOf(d >>> 20),
    characterOf(d >>> 14),
    characterOf(d >>> 8),
    characterOf(d >>> 2),
    characterOf((d << 4) | (e >>> 28)),
    characterOf(e >>> 22),
    characterOf(e >>> 16),
    characterOf(e >>> 10),
    characterOf(e >>> 4),
    characterOf(e << 2),
  )
}

/** Of the lowest six bits. */
function characterOf(bits: number): number {
  return base64url[bits & 63] as number
}

export function printCursor(cursor: Cursor): string {
  return cursor.codec.print(cursor)
}

/** Prints the format of the last release. */
export function printOldCursor(cursor: Omit<Cursor, 'codec'>): string {
  const bytes = Buffer.alloc(oldLength)
  bytes.writeUInt8(cursor.before ? oldVersion | beforeFlag : oldVersion, 0)
  bytes.write(cursor.epoch, 1, epochBytes, 'hex')
  bytes.writeBigInt64BE(BigInt(cursor.offset), offsetAt)
  bytes.writeUInt32BE(cursor.fingerprint, fingerprintAt)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, tagAt)), tagAt)
  return bytes.toString('base64url')
}

/** The cursor that a client holds after it received the message. */
export function cursorOf(codec: CursorCodec, epoch: string, message: JournalMessage): Cursor {
  return { epoch, offset: message.offset, fingerprint: fingerprintOf(message), before: false, codec }
}

/** The cursor after which this message is the first. */
export function cursorBefore(codec: CursorCodec, epoch: string, message: JournalMessage): Cursor {
  return { ...cursorOf(codec, epoch, message), before: true }
}

/** The first offset that is not before the cursor. */
export function firstOffsetAfter({ before, offset }: Pick<Cursor, 'before' | 'offset'>): number {
  return before ? offset : offset + 1
}

/**
 * False for cursors of different epochs: these have no order, and resuming across epochs is a gap
 * in any case.
 */
export function isOlder(one: JournalPlace, other: JournalPlace): boolean {
  return one.epoch === other.epoch && firstOffsetAfter(one) < firstOffsetAfter(other)
}

/** 32 bits that distinguish this message from the one at the same offset of another journal. */
export function fingerprintOf({ exchange, routingKey, body, properties }: JournalMessage): number {
  if (body === lastBody && properties === lastProperties && routingKey === lastRoutingKey && exchange === lastExchange)
    return lastFingerprint
  if (exchange !== lastExchange) exchangeCrc = crc32(`${exchange}\n`)
  const { messageId = '', timestamp } = properties
  let crc = crcOfText('\n', crcOfText(routingKey, exchangeCrc))
  crc = crcOfText('\n', crcOfText(messageId, crc))
  if (timestamp !== undefined) crc = crcOfText(String(timestamp), crc)
  lastExchange = exchange
  lastRoutingKey = routingKey
  lastBody = body
  lastProperties = properties
  lastFingerprint = crc32(body, crc)
  return lastFingerprint
}

/**
 * The tail needs the fingerprint of a message twice in a row: to recognise copies, and in the
 * cursor of the event.
 */
let lastExchange = ''
let lastRoutingKey = ''
let lastBody: Buffer | undefined
let lastProperties: JournalMessage['properties'] | undefined
let lastFingerprint = 0
/** The checksum of the last exchange and the separator after it: most messages share it. */
let exchangeCrc = crc32('\n')
