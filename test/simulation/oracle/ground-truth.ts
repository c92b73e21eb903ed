import type { MessageProperties } from '../../../src/core/model/message.ts'
import type { StoredMessage } from '../broker/stream-log.ts'
import type { StreamQueue } from '../broker/stream-queue.ts'

/** What a publisher wanted to be delivered. */
export interface Intent {
  readonly number: number
  readonly channel: string
  /** Undefined: the publisher never publishes it again. */
  readonly key: string | undefined
  /** Whether the publisher has the answer that it is stored. */
  isConfirmed: boolean
  /** Whether its source may be deleted before it is read. */
  readonly isOptional: boolean
  /** Through a buffered source. */
  readonly isBuffered: boolean
  /** Without one, a buffered source delivers it at least once, and marks copies. */
  readonly hasId: boolean
  /** Its body cannot be decoded, so no client may receive it. */
  readonly isPoison: boolean
  /** The typed field is bound to its exchange. */
  readonly isTyped: boolean
  /** It does not fit the type of the typed field. */
  readonly isMisfit: boolean
  /** The key that it changes in keyed state. Undefined: no client of the run subscribes to it. */
  readonly stateKey: string | undefined
  /** It removes the key. */
  readonly isRemoval: boolean
}

/** Messages of this type remove their key. */
export const removalType = 'removed'

/** What a subscription is to: a channel, or the events of a channel's name as a typed field. */
export interface Subject {
  readonly channel: string
  readonly typed: boolean
}

/** The place behind which the next owner of a deleted channel begins. */
export interface Origin {
  readonly channel: string
  readonly epoch: string
  readonly next: number
  /** The replica that deleted the channel. */
  readonly owner: number
  /** When its deletion resolved. */
  since: number
}

export interface Entry {
  readonly offset: number
  readonly storedAt: number
  readonly intent: Intent
  /** Whether it is the first copy of its message in this journal. */
  readonly isFirst: boolean
}

/** One journal, from its declaration to its deletion. */
export class JournalLife {
  readonly epoch: string
  readonly stream: StreamQueue
  /** By channel, in the order of offsets. */
  readonly #entries = new Map<string, Entry[]>()
  readonly #byOffset = new Map<number, Intent>()
  readonly #numbers = new Set<number>()
  readonly #poison: { readonly offset: number; readonly intent: Intent }[] = []
  readonly unreadable: number[] = []

  constructor(epoch: string, stream: StreamQueue) {
    this.epoch = epoch
    this.stream = stream
  }

  add({ offset, storedAt }: StoredMessage, intent: Intent): void {
    if (intent.isPoison) this.#poison.push({ offset, intent })
    const entries = this.#entries.get(intent.channel) ?? []
    this.#entries.set(intent.channel, entries)
    entries.push({ offset, storedAt, intent, isFirst: !this.#numbers.has(intent.number) })
    this.#numbers.add(intent.number)
    this.#byOffset.set(offset, intent)
  }

  /** Undefined: no message of a publisher. */
  entryAt(offset: number): Entry | undefined {
    const intent = this.#byOffset.get(offset)
    return this.#entries.get(intent?.channel ?? '')?.find((entry) => entry.offset === offset)
  }

  some(channel: string, is: (entry: Entry) => boolean): boolean {
    return (this.#entries.get(channel) ?? []).some(is)
  }

  /** The channels with messages. */
  get channels(): Iterable<string> {
    return this.#entries.keys()
  }

  has(number: number): boolean {
    return this.#numbers.has(number)
  }

  at(offset: number): Intent | undefined {
    return this.#byOffset.get(offset)
  }

  /** The oldest offset that the journal still holds. */
  get oldest(): number {
    return this.stream.log.oldest ?? this.stream.log.nextOffset
  }

  /** The messages of a subject that must be delivered, from one offset to before another. */
  due(subject: Subject, from: number, before = Number.POSITIVE_INFINITY): readonly Entry[] {
    const entries = this.#entries.get(subject.channel) ?? []
    const found: Entry[] = []
    for (let index = firstAt(entries, from); index < entries.length; index += 1) {
      const entry = entries[index] as Entry
      if (entry.offset >= before) break
      if (entry.isFirst && mustArrive(entry.intent, subject)) found.push(entry)
    }
    return found
  }

  /** How many messages of a subject there are, without and with second copies. */
  countOf(subject: Subject, from: number, before: number): readonly [number, number] {
    const all = (this.#entries.get(subject.channel) ?? []).filter(
      ({ offset, intent }) => offset >= from && offset < before && isOf(intent, subject),
    )
    return [all.filter(({ isFirst, intent }) => isFirst && mustArrive(intent, subject)).length, all.length]
  }

  /** The copies of a message that are stored before this offset. */
  copiesBefore({ number, channel }: Intent, offset: number): readonly Entry[] {
    const entries = this.#entries.get(channel) ?? []
    return entries.filter((entry) => entry.intent.number === number && entry.offset < offset)
  }

  poisonBetween(subject: Subject, from: number, before: number): readonly number[] {
    return this.#poison.flatMap(({ offset, intent }) =>
      isOf(intent, subject) && offset >= from && offset < before ? intent.number : [],
    )
  }

  unreadableBetween(from: number, before: number): readonly number[] {
    return this.unreadable.filter((offset) => offset >= from && offset < before)
  }
}

/** Whether a client of the subject may receive it, if it can be decoded. */
export function isOf({ channel, isTyped, isMisfit }: Intent, subject: Subject): boolean {
  return channel === subject.channel && (!subject.typed || (isTyped && !isMisfit))
}

function mustArrive(intent: Intent, subject: Subject): boolean {
  return !intent.isOptional && !intent.isPoison && isOf(intent, subject)
}

function firstAt(entries: readonly Entry[], offset: number): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((entries[middle] as Entry).offset < offset) low = middle + 1
    else high = middle
  }
  return low
}

/** What the simulated RabbitMQ has stored, which no gateway can know better. */
export class GroundTruth {
  readonly intents: Intent[] = []
  /** Of channels that were deleted. */
  readonly origins: Origin[] = []
  readonly #lives: JournalLife[] = []
  readonly #journal: string
  #nextEpoch = ''
  /** The epoch that was recorded last when the journal was declared. */
  readonly #epochs = new Map<StreamQueue, string>()

  constructor(journal: string) {
    this.#journal = journal
  }

  get lives(): readonly JournalLife[] {
    return this.#lives
  }

  get current(): JournalLife | undefined {
    return this.#lives.at(-1)
  }

  /** The place where the next message of the journal will be. */
  get end(): { readonly epoch: string; readonly next: number } {
    const { current } = this
    return { epoch: current?.epoch ?? '', next: current?.stream.log.nextOffset ?? 0 }
  }

  lifeOf(epoch: string): JournalLife | undefined {
    return this.#lives.find((life) => life.epoch === epoch)
  }

  /** Whether one journal was declared before another. */
  isEarlier(one: string, other: string): boolean {
    const epochs = this.#lives.map(({ epoch }) => epoch)
    return epochs.indexOf(one) < epochs.indexOf(other)
  }

  intend(wanted: Omit<Intent, 'number' | 'isConfirmed'>): Intent {
    const intent = { ...wanted, number: this.intents.length, isConfirmed: false }
    this.intents.push(intent)
    return intent
  }

  onDeclared(stream: StreamQueue): void {
    if (stream.name === this.#journal) this.#epochs.set(stream, this.#nextEpoch)
  }

  /** Called for each message that a stream stores. Returns what it recorded. */
  onStored(stream: StreamQueue, message: StoredMessage): Intent | undefined {
    if (stream.name === `${this.#journal}.epoch`) {
      const { epoch } = JSON.parse(message.body.toString()) as { epoch?: string }
      if (epoch !== undefined) this.#nextEpoch = epoch
      return undefined
    }
    if (stream.name !== this.#journal) return undefined
    let life = this.current
    if (life?.stream !== stream) {
      life = new JournalLife(this.#epochs.get(stream) ?? '', stream)
      this.#lives.push(life)
    }
    if (message.unreadable) life.unreadable.push(message.offset)
    if (message.unreadable || message.exchange === this.#journal) return undefined
    const intent = this.intents[numberIn(message.body)]
    if (intent) life.add(message, intent)
    return intent
  }
}

export function bodyOf({ number, isMisfit, stateKey }: Intent, bytes: number): Buffer {
  const filling = isMisfit ? bytes : 'x'.repeat(bytes)
  return Buffer.from(JSON.stringify({ number, filling, ...(stateKey === undefined ? {} : { key: stateKey }) }))
}

export function propertiesOf({ number, key, hasId, isPoison, isRemoval }: Intent): MessageProperties {
  return {
    contentType: 'application/json',
    ...(isRemoval ? { type: removalType } : {}),
    ...(isPoison ? { contentEncoding: 'gzip' } : {}),
    ...(hasId ? { messageId: `message-${number}` } : {}),
    ...(key === undefined ? {} : { headers: { 'x-warren-idempotency-key': key } }),
  }
}

export function numberIn(body: Buffer): number {
  return (JSON.parse(body.toString()) as { number: number }).number
}
