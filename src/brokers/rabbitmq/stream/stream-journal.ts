import { randomUUID } from 'node:crypto'
import { fingerprintOf } from '../../../core/model/cursor.ts'
import type { JournalMessage, Publication } from '../../../core/model/message.ts'
import {
  type Journal,
  JournalReplaced,
  type JournalTail,
  type MarkNote,
  markBody,
} from '../../../core/ports/journal.ts'
import { GatewayError } from '../../../errors.ts'
import type { WindowBounds } from '../../../hot-window/hot-window.ts'
import type { AgreeOnKey } from '../../driver.ts'
import type { ChannelModel } from '../connection/amqp.ts'
import type { ConnectionSession, OpenConnection } from '../connection/reconnecting-connection.ts'
import { confirmEpoch, declareJournal } from './declare-journal.ts'
import { JournalMarks, type PublishMark } from './journal-marks.ts'
import { MessageByMessageReader, type MessageByMessageVisitor } from './message-by-message-reader.ts'
import { consumeStream, type StreamStart } from './stream-consumer.ts'
import { StreamReader } from './stream-reader.ts'
import { StreamWriter } from './stream-writer.ts'
import { TailLiveness } from './tail-liveness.ts'
import { TailPresent } from './tail-present.ts'
import { isInternalError } from './unreadable-message.ts'

/**
 * If the first message of the past is unreadable, a shorter past is read. Below this length, none
 * is read. In milliseconds.
 */
const minWarmMs = 1_000
const warmDivisor = 4

export interface StreamJournalOptions {
  /** The stream's name, `<namespace>.journal`. */
  readonly name: string
  readonly retention: WindowBounds
  /** How much of the past a starting replica reads into the hot window, in milliseconds. */
  readonly warmMs: number
  readonly openConnection: OpenConnection
  readonly publish: (publication: Publication) => Promise<void>
  /** Called with each entry that is not a mark, after the tail. Must not throw. */
  readonly onEntry: (entry: JournalMessage) => void
  /**
   * Binds every source to the stream. Called when the stream exists, before the tail is reported as
   * up.
   */
  readonly bindSources: () => Promise<void>
  /** Omitted if the replicas share a registry, because the registry has the keys. */
  readonly agreeOnKey?: AgreeOnKey | undefined
}

/**
 * The journal on a RabbitMQ stream. Every source's exchange is bound to it, RabbitMQ copies the
 * messages, and each replica tails it with one consumer. After an outage the tail reads again at
 * the last entry that it delivered, expects to find that entry, and skips it. `declareJournal`
 * declares the stream again after a deletion. https://www.rabbitmq.com/docs/streams
 */
export class StreamJournal implements Journal {
  readonly repeats = true
  readonly #options: StreamJournalOptions
  readonly #reader: StreamReader
  readonly #messageByMessage: MessageByMessageReader
  readonly #marks = new JournalMarks((id, note) => this.#publishMark(id, note))
  readonly #present: TailPresent
  #tail: JournalTail | undefined
  readonly #liveness: TailLiveness
  #connection: { close(): Promise<void> } | undefined
  #session: ConnectionSession | undefined
  #epoch: string | undefined
  /** Aborts with what open scans of the epoch reject with. */
  #epochEnd = new AbortController()
  #last: JournalMessage | undefined
  /** The last entry that was readable. */
  #lastRead: JournalMessage | undefined
  #warmMs: number
  /** RabbitMQ closed the last consumer because of the next message. */
  #failedOnMessage = false
  /** Whether this epoch started while the journal was tailed. In that case it has no past. */
  #startedWhileTailed = false

  constructor(options: StreamJournalOptions) {
    this.#options = options
    this.#warmMs = options.warmMs
    const { name, openConnection } = options
    this.#present = new TailPresent(name)
    this.#messageByMessage = new MessageByMessageReader({
      stream: name,
      openConnection,
      mark: (id) => this.#publishMark(id, undefined),
    })
    // A mark that comes back after a scan has begun shows that the stream of the tail still existed
    // then, so the scan reads the same one.
    this.#reader = new StreamReader(name, openConnection, this.#messageByMessage, () => this.mark())
    this.#liveness = new TailLiveness({
      mark: () => this.#publishMark(randomUUID(), undefined),
      onStale: () => this.#tail?.onDown('the journal is silent: no mark arrived for two seconds'),
      onFresh: () => this.#tail?.onUp(),
      onStuck: () => this.#session?.failNode('the journal does not deliver marks that RabbitMQ has confirmed'),
      onSilent: () => this.#session?.fail(new Error('the journal is silent, and RabbitMQ confirms no mark')),
      mayMove: () => this.#session?.mayMove === true,
    })
  }

  open(tail: JournalTail): void {
    this.#tail = tail
    this.#present.open()
    let lastReason: string | undefined
    // The reason of an outage may change while it lasts.
    const down = (reason: string): void => {
      if (reason !== lastReason) tail.onDown(reason)
      lastReason = reason
    }
    this.#connection = this.#options.openConnection({
      purpose: 'tail',
      establish: (session) => this.#establish(session),
      onUp: () => {
        lastReason = undefined
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
    return this.#marks.mark(note)
  }

  scan(offset: number, visit: (entry: JournalMessage) => boolean, signal: AbortSignal): Promise<void> {
    return this.#untilEpochEnds(signal, (ended) => this.#reader.scan(offset, visit, ended))
  }

  offsetAt(timestampMs: number, signal: AbortSignal): Promise<number | undefined> {
    return this.#untilEpochEnds(signal, (ended) => this.#reader.offsetAt(timestampMs, ended))
  }

  async close(): Promise<void> {
    this.#liveness.stop()
    const closed = new GatewayError('BROKER_UNAVAILABLE', 'this replica has closed the journal')
    this.#marks.close(closed)
    this.#epochEnd.abort(closed)
    await Promise.all([this.#connection?.close(), this.#reader.close()])
    this.#tail = undefined
  }

  async #untilEpochEnds<Result>(signal: AbortSignal, read: (ended: AbortSignal) => Promise<Result>): Promise<Result> {
    const epochEnd = this.#epochEnd.signal
    const result = await read(AbortSignal.any([signal, epochEnd]))
    if (epochEnd.aborted && !signal.aborted) throw epochEnd.reason
    return result
  }

  /**
   * Writes on another connection to the same node, because the publisher may be blocked or on
   * another node.
   */
  async #establish(session: ConnectionSession): Promise<void> {
    this.#session = session
    const sibling = await session.openSibling('writing')
    try {
      await this.#establishOn(session, sibling.connection)
    } finally {
      void sibling.close()
    }
  }

  async #establishOn(session: ConnectionSession, connection: ChannelModel): Promise<void> {
    const { name, retention, agreeOnKey } = this.#options
    const epoch = await declareJournal(session, connection, { name, retention, agreeOnKey })
    const writer = new StreamWriter(connection, name, name, (error) => session.fail(error))
    const write: PublishMark = (id, note) => writer.write(id, markBody(note))
    // If the epoch is unchanged, the bindings exist; `epochOfExisting` explains why they are not
    // awaited.
    const bound = this.#options.bindSources()
    if (epoch !== this.#epoch) await bound
    // A later session may have found a later epoch meanwhile.
    session.signal.throwIfAborted()
    await this.#setEpoch(epoch)
    await this.#present.find(session, write)
    const since = this.#last?.offset
    const confirm = () => confirmEpoch(session, connection, name, epoch)
    if (this.#failedOnMessage) await this.#readMessageByMessage(session.signal, confirm)
    let expected = this.#last?.unreadable ? undefined : this.#last
    // The hot window stores each entry.
    const reading = { isStored: true, after: expected ? undefined : this.#lastRead, confirm }
    session.signal.addEventListener('abort', () => {
      this.#failedOnMessage ||= isInternalError(session.signal.reason)
    })
    const visitor = {
      onEntry: (entry: JournalMessage): Promise<void> | undefined => {
        if (!expected) {
          this.#deliver(entry)
          return undefined
        }
        const intact = entry.offset === expected.offset && fingerprintOf(entry) === fingerprintOf(expected)
        if (!intact && entry.offset < expected.offset) return undefined
        expected = undefined
        return intact ? undefined : this.#deliverTruncated(entry, session.signal)
      },
      onTruncated: () => this.#tail?.onTruncated(),
      onEnd: (error: Error) => session.fail(error),
    }
    await consumeStream(session, name, this.#start, visitor, reading)
    await this.#marks.roundTrip(
      since === undefined ? undefined : { kind: 'reconnected', since, at: Date.now() },
      session.signal,
      write,
    )
  }

  /** Delivers the first entry that retention has left, unless the session ends before. */
  async #deliverTruncated(entry: JournalMessage, signal: AbortSignal): Promise<void> {
    await this.#tail?.onTruncated()
    if (!signal.aborted) this.#deliver(entry)
  }

  /** Rejects if RabbitMQ has another problem. Nothing was skipped in that case. */
  async #readMessageByMessage(signal: AbortSignal, confirm: () => Promise<void>): Promise<void> {
    const visitor: MessageByMessageVisitor = {
      confirm,
      onEntry: (entry) => this.#deliver(entry),
      onUnreadable: (entries) => {
        const last = entries.at(-1)
        this.#last = last
        if (last && this.#present.reach(last)) this.#tail?.onPresent()
        this.#tail?.onUnreadable(entries)
      },
      onTruncated: () => this.#tail?.onTruncated(),
    }
    for (;;) {
      const start = this.#last && !this.#last.unreadable ? this.#last.offset + 1 : this.#start
      const outcome = await this.#messageByMessage.readOn(start, this.#lastRead, visitor, signal)
      if (outcome === 'passed') break
      if (outcome === 'failed')
        throw new Error('RabbitMQ closes every consumer of the journal with 541, at any start offset')
      this.#warmMs = this.#warmMs / warmDivisor < minWarmMs ? 0 : this.#warmMs / warmDivisor
    }
    this.#failedOnMessage = false
  }

  async #setEpoch(epoch: string): Promise<void> {
    if (epoch === this.#epoch) {
      // Nothing was read of it yet, so this replica may miss marks since its last connection.
      if (!this.#last) await this.#tail?.onEpoch(epoch)
      return
    }
    this.#startedWhileTailed = this.#epoch !== undefined
    if (this.#startedWhileTailed) this.#present.beginAtFirstOffset()
    this.#epoch = epoch
    this.#last = undefined
    this.#lastRead = undefined
    this.#failedOnMessage = false
    this.#messageByMessage.forget()
    this.#epochEnd.abort(new JournalReplaced('the journal was deleted and declared again'))
    this.#epochEnd = new AbortController()
    await this.#tail?.onEpoch(epoch)
  }

  /**
   * A starting replica warms its hot window, a reconnecting one continues at its last entry, and a
   * new epoch is read from its start.
   */
  get #start(): StreamStart {
    if (this.#last) return this.#last.unreadable ? this.#last.offset + 1 : this.#last.offset
    if (this.#startedWhileTailed) return 0
    if (this.#warmMs === 0 && this.#present.offset !== undefined) return this.#present.offset
    return { timestampMs: Date.now() - this.#warmMs }
  }

  #deliver(entry: JournalMessage): void {
    this.#last = entry
    this.#lastRead = entry
    if (this.#present.reach(entry)) this.#tail?.onPresent()
    // Before the message, because the gateway must be up when it receives the message.
    this.#liveness.onEntry()
    this.#tail?.onMessage(entry)
    if (entry.mark) this.#marks.onDelivered(entry)
    else this.#options.onEntry(entry)
  }

  async #publishMark(id: string, note: MarkNote | undefined): Promise<void> {
    const { name, publish } = this.#options
    const session = this.#session
    try {
      await publish({
        exchange: name,
        routingKey: name,
        body: markBody(note),
        properties: { messageId: id },
      })
    } catch (error) {
      // The exchange, its binding or the stream was deleted, or the permission was revoked. The
      // next session declares them again, or reports what is missing.
      if (error instanceof GatewayError && error.code === 'BAD_USER_INPUT') session?.fail(error)
      throw error
    }
  }
}
