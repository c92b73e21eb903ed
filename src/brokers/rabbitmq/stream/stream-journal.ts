import { randomUUID } from 'node:crypto'
import { fingerprintOf } from '../../../core/model/cursor.ts'
import { asError } from '../../../core/model/error-text.ts'
import type { JournalMessage, Publication } from '../../../core/model/message.ts'
import { type Journal, JournalReplaced, type JournalTail, type MarkNote } from '../../../core/ports/journal.ts'
import { pause } from '../../../core/timing/pause.ts'
import { GatewayError } from '../../../errors.ts'
import type { WindowBounds } from '../../../hot-window/hot-window.ts'
import type { AgreeOnKey } from '../../driver.ts'
import type { ChannelModel } from '../connection/amqp.ts'
import type { ConnectionSession, OpenConnection } from '../connection/reconnecting-connection.ts'
import { CarefulReader, type CarefulVisitor } from './message-by-message-reader.ts'
import { consumeStream, type StreamStart } from './stream-consumer.ts'
import { ensureJournal } from './stream-epoch.ts'
import { StreamReader } from './stream-reader.ts'
import { StreamWriter } from './stream-writer.ts'
import { TailLiveness } from './tail-liveness.ts'
import { isInternalError } from './unreadable-message.ts'

/** How long a mark may take through the broker and back, in milliseconds. */
const markTimeoutMs = 5_000
/**
 * A mark that RabbitMQ has confirmed and that doesn't come is sent again: while a node boots,
 * streams forget what it confirms.
 */
const markAgainMs = 500
/**
 * Where the first message of the past cannot be read, a shorter past is; below this, none. In
 * milliseconds.
 */
const leastWarmMs = 1_000
const warmDivisor = 4

export interface StreamJournalOptions {
  /** The stream's name, `<namespace>.journal`. */
  readonly name: string
  readonly retention: WindowBounds
  /** How much of the past a starting replica reads into the hot window, in milliseconds. */
  readonly warmMs: number
  readonly openConnection: OpenConnection
  readonly publish: (publication: Publication) => Promise<void>
  /** Called with each entry that is no mark, after the tail. Must not throw. */
  readonly onEntry: (entry: JournalMessage) => void
  /**
   * Binds every source into the stream: called when the stream is there, before the tail is said to
   * be up.
   */
  readonly bindSources: () => Promise<void>
  /** Left out where the replicas share a registry, which has the keys. */
  readonly agreeOnKey?: AgreeOnKey | undefined
}

/**
 * The journal on a RabbitMQ stream: every source's exchange is bound to it, RabbitMQ does the
 * copying, and each replica tails it with one consumer. After an outage the tail goes on at the
 * last entry that it delivered, expects that very entry, and drops it.
 * https://www.rabbitmq.com/docs/streams
 */
export class StreamJournal implements Journal {
  readonly repeats = true
  readonly #options: StreamJournalOptions
  readonly #reader: StreamReader
  readonly #careful: CarefulReader
  readonly #marks = new Map<string, () => void>()
  #tail: JournalTail | undefined
  readonly #liveness: TailLiveness
  #link: { close(): Promise<void> } | undefined
  #session: ConnectionSession | undefined
  #epoch: string | undefined
  #epochEnd = new AbortController()
  #last: JournalMessage | undefined
  /** The last that was not unreadable. */
  #lastRead: JournalMessage | undefined
  #warmMs: number
  /** RabbitMQ ended the last consumer over what it was to hand out next. */
  #broken = false
  #presentBroken = false
  /** Whether this life of the journal began while it was tailed: it has no past then. */
  #sawItBegin = false
  #openedAt = 0
  /** The first offset that was written since `open`; 'told' when the tail has come there. */
  #present: number | 'told' | undefined
  #sharedMark: Promise<void> | undefined

  constructor(options: StreamJournalOptions) {
    this.#options = options
    this.#warmMs = options.warmMs
    const { name, openConnection } = options
    this.#careful = new CarefulReader({ stream: name, openConnection, mark: (id) => this.#publishMark(id, undefined) })
    this.#reader = new StreamReader(name, openConnection, this.#careful)
    this.#liveness = new TailLiveness({
      mark: () => this.#publishMark(randomUUID(), undefined),
      onStale: () => this.#tail?.onDown('the journal is silent: no mark came back for two seconds'),
      onFresh: () => this.#tail?.onUp(),
      onStuck: () => this.#session?.failNode('it brings back no mark that RabbitMQ has confirmed'),
      onSilent: () => this.#session?.fail(new Error('the journal is silent, and RabbitMQ confirms no mark')),
      mayMove: () => this.#session?.mayMove === true,
    })
  }

  open(tail: JournalTail): void {
    this.#tail = tail
    this.#openedAt = Date.now()
    let said: string | undefined
    // An outage may go on for another reason than the one it began for.
    const down = (reason: string): void => {
      if (reason !== said) tail.onDown(reason)
      said = reason
    }
    this.#link = this.#options.openConnection({
      purpose: 'tail',
      establish: (session) => this.#establish(session),
      onUp: () => {
        said = undefined
        this.#liveness.start()
        tail.onUp()
      },
      onDown: (reason) => {
        this.#liveness.stop()
        down(reason)
      },
      onRetry: down,
    })
  }

  mark(note?: MarkNote): Promise<void> {
    if (note) return this.#markAndWait(note)
    // Whoever asks in the same turn of the event loop is served by one mark.
    this.#sharedMark ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      this.#sharedMark = undefined
      return this.#markAndWait(undefined)
    })
    return this.#sharedMark
  }

  async scan(offset: number, visit: (entry: JournalMessage) => boolean, signal: AbortSignal): Promise<void> {
    const life = this.#epochEnd.signal
    await this.#reader.scan(offset, visit, AbortSignal.any([signal, life]))
    if (life.aborted && !signal.aborted) throw new JournalReplaced('the journal was deleted and made again')
  }

  async close(): Promise<void> {
    this.#liveness.stop()
    this.#epochEnd.abort()
    await Promise.all([this.#link?.close(), this.#reader.close()])
    this.#tail = undefined
  }

  /**
   * What it writes goes over a connection of its own to the same node: the publisher may wait
   * elsewhere.
   */
  async #establish(session: ConnectionSession): Promise<void> {
    this.#session = session
    const sibling = await session.openSibling('writing')
    try {
      await this.#establishWith(session, sibling.connection)
    } finally {
      void sibling.close()
    }
  }

  async #establishWith(session: ConnectionSession, connection: ChannelModel): Promise<void> {
    const { name, retention, agreeOnKey } = this.#options
    const epoch = await ensureJournal(session, connection, { name, retention, agreeOnKey })
    const writer = new StreamWriter(connection, name, name, (error) => session.fail(error))
    const write: PublishMark = (id, note) => writer.write(id, bodyOf(note))
    // The bindings of a journal that is still the same are there; see `standingEpoch` for why that
    // is not waited for.
    const bound = this.#options.bindSources()
    if (epoch !== this.#epoch) await bound
    this.#begin(epoch)
    this.#present ??= await this.#presentOffset(session, write)
    const since = this.#last?.offset
    if (this.#broken) await this.#readCarefully(session.signal)
    let expected = this.#last?.unreadable ? undefined : this.#last
    const reading = { after: expected ? undefined : this.#lastRead }
    session.signal.addEventListener('abort', () => {
      this.#broken ||= isInternalError(session.signal.reason)
    })
    const visitor = {
      take: (entry: JournalMessage) => {
        if (expected) {
          const intact = entry.offset === expected.offset && fingerprintOf(entry) === fingerprintOf(expected)
          if (!intact && entry.offset < expected.offset) return
          expected = undefined
          if (intact) return
          this.#tail?.onTruncated()
        }
        this.#deliver(entry)
      },
      onOvertaken: () => this.#tail?.onTruncated(),
      onEnd: (error: Error) => session.fail(error),
    }
    await consumeStream(session, name, this.#start, visitor, reading)
    await this.#markAndWait(
      since === undefined ? undefined : { kind: 'reconnected', since, at: Date.now() },
      session.signal,
      write,
    )
  }

  /** Rejects where RabbitMQ has another trouble: then nothing was stepped over. */
  async #readCarefully(signal: AbortSignal): Promise<void> {
    const visitor: CarefulVisitor = {
      take: (entry) => this.#deliver(entry),
      onUnreadable: (entries) => {
        this.#last = entries.at(-1)
        this.#tellPresent(this.#last)
        this.#tail?.onUnreadable(entries)
      },
      onOvertaken: () => this.#tail?.onTruncated(),
    }
    for (;;) {
      const start = this.#last && !this.#last.unreadable ? this.#last.offset + 1 : this.#start
      const outcome = await this.#careful.read(start, this.#lastRead, visitor, signal)
      if (outcome === 'passed') break
      if (outcome === 'failed')
        throw new Error('RabbitMQ ends the consumers of the journal with 541, wherever they begin')
      this.#warmMs = this.#warmMs / warmDivisor < leastWarmMs ? 0 : this.#warmMs / warmDivisor
    }
    this.#broken = false
  }

  #begin(epoch: string): void {
    if (epoch === this.#epoch) return
    this.#sawItBegin = this.#epoch !== undefined
    if (this.#sawItBegin && this.#present !== 'told') this.#present = 0
    this.#epoch = epoch
    this.#last = undefined
    this.#lastRead = undefined
    this.#broken = false
    this.#careful.forget()
    this.#epochEnd.abort()
    this.#epochEnd = new AbortController()
    this.#tail?.onEpoch(epoch)
  }

  /**
   * A replica that starts warms its window; one that comes back goes on at its last entry; a new
   * life is read from its beginning.
   */
  get #start(): StreamStart {
    if (this.#last) return this.#last.unreadable ? this.#last.offset + 1 : this.#last.offset
    if (this.#sawItBegin) return 0
    if (this.#warmMs === 0 && typeof this.#present === 'number') return this.#present
    return { timestampMs: Date.now() - this.#warmMs }
  }

  /**
   * Asks the stream where it was when the journal was opened; a mark makes sure that there is an
   * answer.
   */
  async #presentOffset(session: ConnectionSession, write: PublishMark): Promise<number> {
    const over = new AbortController()
    const late = AbortSignal.any([session.signal, AbortSignal.timeout(markTimeoutMs)])
    try {
      return await new Promise<number>((resolve, reject) => {
        late.addEventListener('abort', () => reject(new Error('RabbitMQ did not say where the journal stands')))
        // Where the first message since then cannot be read, the mark is the present.
        const start = this.#presentBroken ? 'next' : { timestampMs: this.#openedAt }
        session.signal.addEventListener('abort', () => {
          this.#presentBroken ||= isInternalError(session.signal.reason)
          reject(asError(session.signal.reason))
        })
        const visitor = { take: ({ offset }: JournalMessage) => resolve(offset), onOvertaken: () => {}, onEnd: reject }
        consumeStream(session, this.#options.name, start, visitor)
          .then((consumer) => {
            if (over.signal.aborted) consumer.close()
            else over.signal.addEventListener('abort', () => consumer.close())
          })
          .catch(reject)
        this.#publishUntil(over.signal, randomUUID(), undefined, write).catch(reject)
      })
    } finally {
      over.abort()
    }
  }

  #tellPresent(entry: JournalMessage | undefined): void {
    if (typeof this.#present !== 'number' || !entry || entry.offset < this.#present) return
    this.#present = 'told'
    this.#tail?.onPresent()
  }

  #deliver(entry: JournalMessage): void {
    this.#last = entry
    this.#lastRead = entry
    if (typeof this.#present === 'number') this.#tellPresent(entry)
    // Before the message, which is then handed to a gateway that is up.
    this.#liveness.beat()
    this.#tail?.onMessage(entry)
    if (!entry.mark) return this.#options.onEntry(entry)
    const { messageId } = entry.properties
    if (messageId !== undefined) this.#marks.get(messageId)?.()
  }

  async #markAndWait(note: MarkNote | undefined, signal?: AbortSignal, write?: PublishMark): Promise<void> {
    const id = randomUUID()
    const over = new AbortController()
    const lost = new GatewayError('BROKER_UNAVAILABLE', 'the connection to RabbitMQ was lost')
    const late = new GatewayError('BROKER_UNAVAILABLE', `RabbitMQ did not bring back a mark within ${markTimeoutMs} ms`)
    const stop = (): void => over.abort(lost)
    signal?.addEventListener('abort', stop)
    const timer = setTimeout(() => over.abort(late), markTimeoutMs)
    try {
      await new Promise<void>((resolve, reject) => {
        over.signal.addEventListener('abort', () => reject(over.signal.reason as GatewayError))
        if (signal?.aborted) stop()
        this.#marks.set(id, resolve)
        this.#publishUntil(over.signal, id, note, write).catch(reject)
      })
    } finally {
      over.abort()
      this.#marks.delete(id)
      clearTimeout(timer)
      signal?.removeEventListener('abort', stop)
    }
  }

  async #publishUntil(
    over: AbortSignal,
    id: string,
    note: MarkNote | undefined,
    write: PublishMark = (...mark) => this.#publishMark(...mark),
  ): Promise<void> {
    while (!over.aborted) {
      await write(id, note)
      await pause(markAgainMs, over)
    }
  }

  async #publishMark(id: string, note: MarkNote | undefined): Promise<void> {
    const { name, publish } = this.#options
    const session = this.#session
    try {
      await publish({
        exchange: name,
        routingKey: name,
        body: bodyOf(note),
        properties: { messageId: id },
      })
    } catch (error) {
      // Somebody deleted the exchange, its binding or the stream, or took the right away: the next
      // session declares them again, or says what is missing.
      if (error instanceof GatewayError && error.code === 'BAD_USER_INPUT') session?.fail(error)
      throw error
    }
  }
}

type PublishMark = (id: string, note: MarkNote | undefined) => Promise<void>

function bodyOf(note: MarkNote | undefined): Buffer {
  return note ? Buffer.from(JSON.stringify(note)) : Buffer.alloc(0)
}
