import { randomUUID } from 'node:crypto'
import { fingerprintOf } from '../core/cursor.ts'
import { type Journal, JournalReplaced, type JournalTail, type MarkNote } from '../core/journal.ts'
import type { JournalMessage } from '../core/message.ts'
import { GatewayError } from '../errors.ts'
import type { JournalLinkSession, OpenLink, Publish } from './link.ts'
import { markEvery, markIntervalMs } from './marks.ts'
import { consumeStream, type StreamStart } from './stream-consumer.ts'
import { StreamReader } from './stream-reader.ts'
import { ensureJournal, type Retention } from './stream-topology.ts'

/** How long a mark may take through the broker and back, in milliseconds. */
const markTimeoutMs = 5_000

export interface StreamJournalOptions {
  /** The stream's name, `<namespace>.journal`. */
  readonly name: string
  readonly retention: Retention
  /** How much of the past a starting replica reads into the hot window, in milliseconds. */
  readonly warmMs: number
  readonly openLink: OpenLink
  readonly publish: Publish
  /** Binds every source into the stream: called when the stream is there, before the tail is said to be up. */
  readonly bindSources: () => Promise<void>
}

/**
 * The journal on a RabbitMQ stream: every source's exchange is bound to it, RabbitMQ does the copying, and each replica tails it with
 * one consumer. After an outage the tail goes on at the last entry that it delivered, expects that very entry, and drops it.
 * https://www.rabbitmq.com/docs/streams
 */
export class StreamJournal implements Journal {
  readonly #options: StreamJournalOptions
  readonly #reader: StreamReader
  readonly #marks = new Map<string, () => void>()
  #tail: JournalTail | undefined
  #link: { close(): Promise<void> } | undefined
  #stopMarks: (() => void) | undefined
  #epoch: string | undefined
  #epochEnd = new AbortController()
  #last: JournalMessage | undefined
  #up = false
  #sharedMark: Promise<void> | undefined

  constructor(options: StreamJournalOptions) {
    this.#options = options
    this.#reader = new StreamReader(options.name, options.openLink)
  }

  open(tail: JournalTail): void {
    this.#tail = tail
    this.#link = this.#options.openLink({
      purpose: 'tail',
      establish: (session) => this.#establish(session),
      onUp: () => {
        this.#up = true
        tail.onUp()
      },
      onDown: (reason) => {
        this.#up = false
        tail.onDown(reason)
      },
    })
    this.#stopMarks = markEvery(
      () => !this.#up || Date.now() - (this.#last?.receivedAt ?? 0) < markIntervalMs,
      () => void this.#publishMark(randomUUID(), undefined).catch(() => undefined),
    )
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
    this.#stopMarks?.()
    this.#up = false
    this.#epochEnd.abort()
    await Promise.all([this.#link?.close(), this.#reader.close()])
    this.#tail = undefined
  }

  async #establish(session: JournalLinkSession): Promise<void> {
    const { name, retention, publish } = this.#options
    const epoch = await ensureJournal(session.connection, { name, retention, publish, signal: session.signal })
    await this.#options.bindSources()
    const start = this.#startOf(epoch)
    let expected = this.#last
    await consumeStream(
      session.connection,
      name,
      start,
      (entry) => {
        if (expected) {
          const intact = entry.offset === expected.offset && fingerprintOf(entry) === fingerprintOf(expected)
          if (!intact && entry.offset < expected.offset) return
          expected = undefined
          if (intact) return
          this.#tail?.onTruncated()
        }
        this.#deliver(entry)
      },
      (error) => session.fail(error),
    )
    await this.#markAndWait(undefined, session.signal)
  }

  /** A replica that starts warms its window; one that comes back goes on at its last entry; a new life is read from its beginning. */
  #startOf(epoch: string): StreamStart {
    if (epoch === this.#epoch) return this.#last?.offset ?? 0
    const starting = this.#epoch === undefined
    this.#epoch = epoch
    this.#last = undefined
    this.#epochEnd.abort()
    this.#epochEnd = new AbortController()
    this.#tail?.onEpoch(epoch)
    return starting ? { timestampMs: Date.now() - this.#options.warmMs } : 0
  }

  #deliver(entry: JournalMessage): void {
    this.#last = entry
    this.#tail?.onMessage(entry)
    if (!entry.mark) return
    const { messageId } = entry.properties
    if (messageId !== undefined) this.#marks.get(messageId)?.()
  }

  async #markAndWait(note: MarkNote | undefined, signal?: AbortSignal): Promise<void> {
    const id = randomUUID()
    let timer: NodeJS.Timeout | undefined
    let stop: (() => void) | undefined
    const seen = new Promise<void>((resolve, reject) => {
      this.#marks.set(id, resolve)
      stop = () => reject(new GatewayError('BROKER_UNAVAILABLE', 'the connection to RabbitMQ was lost'))
      signal?.addEventListener('abort', stop)
      timer = setTimeout(
        () =>
          reject(
            new GatewayError('BROKER_UNAVAILABLE', `RabbitMQ did not bring back a mark within ${markTimeoutMs} ms`),
          ),
        markTimeoutMs,
      )
    })
    try {
      await Promise.all([seen, this.#publishMark(id, note)])
    } finally {
      this.#marks.delete(id)
      clearTimeout(timer)
      if (stop) signal?.removeEventListener('abort', stop)
    }
  }

  #publishMark(id: string, note: MarkNote | undefined): Promise<void> {
    return this.#options.publish({
      exchange: '',
      routingKey: this.#options.name,
      body: note ? Buffer.from(JSON.stringify(note)) : Buffer.alloc(0),
      properties: { messageId: id },
    })
  }
}
