import { MessageOutcomes } from '../core/accounting/message-outcomes.ts'
import type { BodyOutcome } from '../core/body/decode-body.ts'
import { type MessageProperties, withOwnBody } from '../core/model/message.ts'
import type { WindowEntry } from '../core/ports/hot-window.ts'
import type { KnownAudience } from '../core/sources/source-router.ts'

/** The bytes that an entry takes in addition to its texts and its body: one slot in each column. */
const columnBytes = 64
/** The estimated size of properties that are kept as an object, in bytes. */
const objectBytes = 512
/**
 * The columns have one slot for this many bytes. Small entries such as marks fill the columns
 * first.
 */
const bytesPerEntry = 256
/**
 * Columns for all the small entries that a chunk could have are much longer than those that large
 * ones fill, and each is set to zero.
 */
const leastEntries = 64
/**
 * The most names in a chunk: content types and message types are usually few. Further ones are kept
 * with their message.
 */
const maxNames = 64

const isMark = 1
const isRedelivered = 2
const hasMessageId = 4
const isUnreadable = 8

/**
 * Adjacent journal entries as bytes and columns of numbers. As objects, a message would be about
 * ten of them, which the garbage collector moves twice and marks again and again. Stored like this
 * it is no object at all, and half as many bytes.
 */
export class Chunk {
  readonly #bytes: Buffer
  readonly #capacity: number
  #count = 0
  #end = 0
  readonly #flags: Uint8Array
  readonly #offsets: Float64Array
  readonly #receivedAt: Float64Array
  /** NaN if the message has none. */
  readonly #timestamps: Float64Array
  /**
   * The ends of the routing key, the message id and the body of each entry. Each part starts where
   * the previous one ends.
   */
  readonly #keyEnds: Uint32Array
  readonly #idEnds: Uint32Array
  readonly #bodyEnds: Uint32Array
  /** Indexes into `#names`. */
  readonly #exchanges: Uint16Array
  readonly #contentTypes: Uint16Array
  readonly #types: Uint16Array
  readonly #names: (string | undefined)[] = [undefined]
  readonly #indexOfName = new Map<string | undefined, number>([[undefined, 0]])
  /** Properties without a column, by slot: few publishers set any. */
  readonly #properties = new Map<number, MessageProperties>()
  /** By slot; only for entries with a repeated audience query. */
  readonly #known = new Map<number, KnownAudience>()
  readonly outcomes: MessageOutcomes
  /** Whether an entry was given out that reads this chunk when it is used. */
  #isLent = false

  /**
   * `bytes`: the capacity for all texts and bodies together. `before`: the former chunk, which
   * shows how many entries to expect. `memory`: of as many bytes, from `takeMemory` of another
   * chunk.
   */
  constructor(bytes: number, before?: Chunk, memory?: ArrayBuffer) {
    const most = Math.ceil(bytes / bytesPerEntry)
    const capacity = before ? Math.min(most, Math.max(leastEntries, before.count * 2)) : most
    this.#bytes = memory ? Buffer.from(memory) : Buffer.allocUnsafeSlow(bytes)
    this.#capacity = capacity
    // One allocation for all columns, the widest first so that each begins at its alignment.
    const columns = new ArrayBuffer(capacity * (3 * 8 + 3 * 4 + 3 * 2 + 1))
    const place = (bytesBefore: number) => [columns, capacity * bytesBefore, capacity] as const
    this.#offsets = new Float64Array(...place(0))
    this.#receivedAt = new Float64Array(...place(8))
    this.#timestamps = new Float64Array(...place(16))
    this.#keyEnds = new Uint32Array(...place(24))
    this.#idEnds = new Uint32Array(...place(28))
    this.#bodyEnds = new Uint32Array(...place(32))
    this.#exchanges = new Uint16Array(...place(36))
    this.#contentTypes = new Uint16Array(...place(38))
    this.#types = new Uint16Array(...place(40))
    this.#flags = new Uint8Array(...place(42))
    this.outcomes = new MessageOutcomes(capacity)
  }

  /**
   * The most bytes of a chunk that an entry may take: a character of a text is up to three bytes.
   */
  static bytesFor({ routingKey, body, properties }: WindowEntry): number {
    return (routingKey.length + (properties.messageId?.length ?? 0)) * 3 + body.length
  }

  get count(): number {
    return this.#count
  }

  /** For how many bytes of texts and bodies it was made. 0 if its memory was taken. */
  get size(): number {
    return this.#bytes.length
  }

  get isFull(): boolean {
    return this.#count === this.#capacity
  }

  /** The number of free bytes. */
  get room(): number {
    return this.#bytes.length - this.#end
  }

  /**
   * Stores the entry, which must fit, and sets its `outcomes`, `slot`, `body` and `detach`. The
   * body is then that of this chunk, because the caller's may be a view of a buffer that it reuses.
   */
  add(entry: WindowEntry): void {
    const slot = this.#count
    const { messageId, timestamp, contentType, type } = entry.properties
    this.#count += 1
    this.#offsets[slot] = entry.offset
    this.#receivedAt[slot] = entry.receivedAt
    this.#timestamps[slot] = timestamp ?? Number.NaN
    this.#flags[slot] =
      (entry.mark ? isMark : 0) |
      (entry.redelivered ? isRedelivered : 0) |
      (messageId === undefined ? 0 : hasMessageId) |
      (entry.unreadable ? isUnreadable : 0)
    this.#exchanges[slot] = this.#nameIndex(entry.exchange)
    if (this.#names.length < maxNames && hasColumns(entry.properties)) {
      this.#contentTypes[slot] = this.#nameIndex(contentType)
      this.#types[slot] = this.#nameIndex(type)
    } else {
      this.#properties.set(slot, entry.properties)
    }
    let end = this.#end
    end += this.#bytes.write(entry.routingKey, end)
    this.#keyEnds[slot] = end
    if (messageId !== undefined) end += this.#bytes.write(messageId, end)
    this.#idEnds[slot] = end
    const bodyAt = end
    this.#bytes.set(entry.body, bodyAt)
    end += entry.body.length
    this.#bodyEnds[slot] = end
    this.#end = end
    entry.outcomes = this.outcomes
    entry.slot = slot
    entry.body = this.#bytes.subarray(bodyAt, end)
    entry.detach = detached
  }

  /**
   * Takes the memory of a chunk that is no longer needed, for another one. Undefined if an entry of
   * `at` may still read it. A body of `add` that was kept without `detach` is empty from then on:
   * it never shows the bytes of another message.
   */
  takeMemory(): ArrayBuffer | undefined {
    if (this.#isLent) return undefined
    const memory = this.#bytes.buffer as ArrayBuffer
    return structuredClone(memory, { transfer: [memory] })
  }

  /** The size of the entry in this chunk, in bytes. */
  weightOf(slot: number): number {
    const bytes = (this.#bodyEnds[slot] ?? 0) - this.#startOf(slot)
    return bytes + columnBytes + (this.#properties.has(slot) ? objectBytes : 0)
  }

  offsetOf(slot: number): number {
    return this.#offsets[slot] ?? 0
  }

  receivedAtOf(slot: number): number {
    return this.#receivedAt[slot] ?? 0
  }

  /** The slot of the first entry with a greater offset. */
  slotAfter(offset: number): number {
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.offsetOf(middle) <= offset) low = middle + 1
      else high = middle
    }
    return low
  }

  at(slot: number): WindowEntry {
    this.#isLent = true
    return new ChunkEntry(this, slot)
  }

  is(slot: number, flag: number): boolean {
    return ((this.#flags[slot] ?? 0) & flag) !== 0
  }

  exchangeOf(slot: number): string {
    return this.#names[this.#exchanges[slot] ?? 0] ?? ''
  }

  routingKeyOf(slot: number): string {
    return this.#bytes.toString('utf8', this.#startOf(slot), this.#keyEnds[slot])
  }

  /** A copy, so that keeping one body does not keep its whole chunk. */
  bodyOf(slot: number): Buffer {
    return Buffer.from(this.#bytes.subarray(this.#idEnds[slot], this.#bodyEnds[slot]))
  }

  propertiesOf(slot: number): MessageProperties {
    const properties = this.#properties.get(slot)
    if (properties) return properties
    const timestamp = this.#timestamps[slot] ?? Number.NaN
    return {
      contentType: this.#names[this.#contentTypes[slot] ?? 0],
      messageId: this.is(slot, hasMessageId)
        ? this.#bytes.toString('utf8', this.#keyEnds[slot], this.#idEnds[slot])
        : undefined,
      type: this.#names[this.#types[slot] ?? 0],
      timestamp: Number.isNaN(timestamp) ? undefined : timestamp,
    }
  }

  knownOf(slot: number): KnownAudience | undefined {
    return this.#known.get(slot)
  }

  setKnown(slot: number, known: KnownAudience | undefined): void {
    if (known) this.#known.set(slot, known)
    else this.#known.delete(slot)
  }

  #startOf(slot: number): number {
    return slot === 0 ? 0 : (this.#bodyEnds[slot - 1] ?? 0)
  }

  #nameIndex(name: string | undefined): number {
    const known = this.#indexOfName.get(name)
    if (known !== undefined) return known
    this.#indexOfName.set(name, this.#names.length)
    return this.#names.push(name) - 1
  }
}

/** Whether every property that is set has a column. */
function hasColumns(properties: MessageProperties): boolean {
  const { contentEncoding, correlationId, replyTo, expiration, userId, appId, priority, unixSeconds, headers } =
    properties
  for (const _ in headers) return false
  return (
    contentEncoding === undefined &&
    correlationId === undefined &&
    replyTo === undefined &&
    expiration === undefined &&
    userId === undefined &&
    appId === undefined &&
    priority === undefined &&
    unixSeconds === undefined
  )
}

/** `WindowEntry.detach` of a stored entry: the memory of its body becomes another chunk's. */
function detached(this: WindowEntry): WindowEntry {
  return { ...withOwnBody(this), detach: undefined }
}

/**
 * An entry of a chunk. Its fields are read on access, because a replay needs no more than the
 * routing key of most entries.
 */
class ChunkEntry implements WindowEntry {
  readonly #chunk: Chunk
  readonly slot: number
  #body: Buffer | undefined
  #properties: MessageProperties | undefined
  decoded: BodyOutcome | undefined

  constructor(chunk: Chunk, slot: number) {
    this.#chunk = chunk
    this.slot = slot
  }

  get offset(): number {
    return this.#chunk.offsetOf(this.slot)
  }

  get receivedAt(): number {
    return this.#chunk.receivedAtOf(this.slot)
  }

  get mark(): boolean {
    return this.#chunk.is(this.slot, isMark)
  }

  get redelivered(): boolean {
    return this.#chunk.is(this.slot, isRedelivered)
  }

  get unreadable(): boolean {
    return this.#chunk.is(this.slot, isUnreadable)
  }

  get exchange(): string {
    return this.#chunk.exchangeOf(this.slot)
  }

  get routingKey(): string {
    return this.#chunk.routingKeyOf(this.slot)
  }

  get body(): Buffer {
    this.#body ??= this.#chunk.bodyOf(this.slot)
    return this.#body
  }

  get properties(): MessageProperties {
    this.#properties ??= this.#chunk.propertiesOf(this.slot)
    return this.#properties
  }

  get outcomes(): MessageOutcomes {
    return this.#chunk.outcomes
  }

  get known(): KnownAudience | undefined {
    return this.#chunk.knownOf(this.slot)
  }

  set known(known: KnownAudience | undefined) {
    this.#chunk.setKnown(this.slot, known)
  }

  detach(): WindowEntry {
    const { offset, mark, exchange, routingKey, body, properties, redelivered, receivedAt, decoded, outcomes, slot } =
      this
    return { offset, mark, exchange, routingKey, body, properties, redelivered, receivedAt, decoded, outcomes, slot }
  }
}
