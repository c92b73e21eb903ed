import { crc32 } from 'node:zlib'
import { type DeploymentKeys, derivedKey } from '../clients/deployment-keys.ts'
import type { JournalMessage } from './message.ts'
import { SipHash } from './siphash.ts'

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
const scratch = Buffer.alloc(length)
const words = new Int32Array(6)

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
    scratch.fill(0, 1, offsetAt)
    scratch.write(cursor.epoch, 1, epochBytes, 'hex')
    scratch[0] = cursor.before ? version | beforeFlag : version
    scratch.writeInt32BE(Math.floor(cursor.offset / 0x1_0000_0000), offsetAt)
    scratch.writeInt32BE(cursor.offset | 0, offsetAt + 4)
    fillWords(scratch)
    cipher.hash(words, 2)
    scratch.writeInt32BE(cursor.fingerprint ^ cipher.low, fingerprintAt)
    fillWords(scratch)
    cipher.hash(words, 3)
    scratch.writeInt32BE(cipher.low, tagAt)
    scratch.writeInt32BE(cipher.high, tagAt + 4)
    return scratch.toString('base64url')
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

/** 32 bits that distinguish this message from the one at the same offset of another journal. */
export function fingerprintOf({ exchange, routingKey, body, properties }: JournalMessage): number {
  const envelope = `${exchange}\n${routingKey}\n${properties.messageId ?? ''}\n${properties.timestamp ?? ''}`
  return crc32(body, crc32(envelope))
}
