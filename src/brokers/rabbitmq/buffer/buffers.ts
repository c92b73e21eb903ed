import { asError } from '../../../core/model/error-text.ts'
import type { JournalMessage } from '../../../core/model/message.ts'
import type { Observer } from '../../../core/ports/observer.ts'
import { pause } from '../../../core/timing/pause.ts'
import type { GatewayPublication } from '../../driver.ts'
import { complaint } from '../channel/log-refusal.ts'
import { onChannel } from '../channel/with-channel.ts'
import type {
  ConnectionSession,
  ConnectionWatch,
  OpenConnection,
  ReconnectingConnection,
} from '../connection/reconnecting-connection.ts'
import { repliedWith, replyCodes } from '../connection/reply-codes.ts'
import type { Delivery } from '../message/delivery-reader.ts'
import { Publisher, type PublisherOptions, publisherLimits } from '../publish/publisher.ts'
import { ReadBack } from '../publish/read-back.ts'
import { type MovePublication, moveBuffered, moveOne } from './buffer-mover.ts'
import { bufferQueueName } from './buffer-queue.ts'
import { readPastUnreadable } from './skip-unreadable.ts'

/** In milliseconds. */
const timings = {
  /** After a queue could not be read, or RabbitMQ took nothing. */
  again: 1_000,
  /** How often an abandoned queue is looked at until it is empty. */
  emptied: 1_000,
}

export interface BuffersOptions {
  readonly namespace: string
  readonly log: Observer['log']
  readonly publishTimeoutMs: number | undefined
  /** As in `PublisherOptions`. */
  readonly probe: () => GatewayPublication
  /** A message was dropped from this queue, because RabbitMQ can hand it to nobody. */
  onUnreadable(queue: string): void
  /** As in `ReadBackParts`. */
  onNotStored(messages: number): void
}

/**
 * Empties the queues of buffered sources into the journal, over connections of its own that are
 * made for the first of them.
 */
export class Buffers {
  readonly #openConnection: OpenConnection
  readonly #options: BuffersOptions
  /** By exchange: aborted when its last source is gone. */
  readonly #sources = new Map<string, AbortController>()
  readonly #closing = new AbortController()
  /** Exchanges whose queue may have ended the last session: RabbitMQ does not say which. */
  readonly #inDoubt = new Set<string>()
  #link: ReconnectingConnection | undefined
  #session: ConnectionSession | undefined
  #publisher: Publisher | undefined
  readonly #readBack: ReadBack
  /** Whether RabbitMQ takes publications on that connection: the outage is logged elsewhere. */
  #publisherUp = false
  /** By exchange. */
  readonly #complaints = new Map<string, (reason: string) => void>()

  constructor(openConnection: OpenConnection, options: BuffersOptions) {
    this.#openConnection = openConnection
    this.#options = options
    this.#readBack = new ReadBack({
      publish: (publication, attempt) => this.#publisherInUse().publish(publication, attempt),
      renew: () => this.#publisher?.renew(),
      onNotStored: (messages) => options.onNotStored(messages),
      timeoutMs: options.publishTimeoutMs ?? publisherLimits.publishTimeoutMs,
      // What is on its way is bounded by the movers.
      maxBytes: Number.POSITIVE_INFINITY,
      maxMessages: Number.POSITIVE_INFINITY,
    })
  }

  /** Called with every entry that the journal's tail delivers, marks left out. */
  onJournalEntry(entry: JournalMessage): void {
    this.#readBack.saw(entry)
  }

  /** As `ReadBack.useFence`. */
  useFence(fence: () => Promise<void>): void {
    this.#readBack.useFence(fence)
  }

  /** As `Publisher.renew`. */
  renew(): void {
    this.#publisher?.renew()
  }

  /** From now on what comes to the buffer of this exchange is moved. Idempotent. */
  add(exchange: string): void {
    if (this.#sources.has(exchange) || this.#closing.signal.aborted) return
    const gone = new AbortController()
    this.#sources.set(exchange, gone)
    this.#publisherInUse()
    this.#link ??= this.#openConnection({
      purpose: 'buffered sources',
      establish: async (session) => {
        this.#session = session
        session.signal.addEventListener('abort', () => {
          if (!repliedWith(session.signal.reason, replyCodes.internalError)) return
          for (const name of this.#sources.keys()) this.#inDoubt.add(name)
        })
        for (const [name, { signal }] of this.#sources) void this.#empty(session, name, signal)
      },
    })
    if (this.#session && !this.#session.signal.aborted) void this.#empty(this.#session, exchange, gone.signal)
  }

  /**
   * The last source of this exchange is gone: what its queue holds is still moved, then the queue
   * is deleted.
   */
  remove(exchange: string): void {
    this.#sources.get(exchange)?.abort()
    this.#sources.delete(exchange)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all([this.#publisher?.close(), this.#link?.close()])
  }

  #publisherInUse(): Publisher {
    this.#publisher ??= new Publisher(this.#openConnection, this.#publisherWatch, this.#publisherOptions)
    return this.#publisher
  }

  get #publisherWatch(): ConnectionWatch {
    const set = (up: boolean): void => {
      this.#publisherUp = up
    }
    return { onUp: () => set(true), onDown: () => set(false), onBlocked: (reason) => set(reason === undefined) }
  }

  get #publisherOptions(): PublisherOptions {
    const { namespace, probe, publishTimeoutMs } = this.#options
    return {
      defaultExchange: `${namespace}.events`,
      probe,
      limits: {
        // RabbitMQ has taken these messages from their publishers, whatever a client of the gateway
        // may send.
        maxMessageBytes: Number.POSITIVE_INFINITY,
        // What is on its way is bounded by the movers.
        bufferBytes: Number.POSITIVE_INFINITY,
        ...(publishTimeoutMs === undefined ? {} : { publishTimeoutMs }),
      },
    }
  }

  #complaintOf(exchange: string, queue: string): (reason: string) => void {
    const known = this.#complaints.get(exchange)
    if (known) return known
    const made = complaint(this.#options.log, `messages of exchange "${exchange}" wait in queue "${queue}"`)
    this.#complaints.set(exchange, made)
    return made
  }

  async #empty(session: ConnectionSession, exchange: string, gone: AbortSignal): Promise<void> {
    const { namespace, log } = this.#options
    const queue = bufferQueueName(namespace, exchange)
    const publish: MovePublication = async (publication, entry) => {
      if (entry) await this.#readBack.publish(publication, entry)
      else await this.#publisherInUse().publish(publication)
    }
    const over = AbortSignal.any([session.signal, this.#closing.signal])
    const logError = this.#complaintOf(exchange, queue)
    const move = async (signal: AbortSignal): Promise<void> => {
      while (!signal.aborted) {
        try {
          await moveBuffered(session, { namespace, exchange, queue, publish, log }, signal)
        } catch (error) {
          if (signal.aborted) return
          // The administration declares the queue before it binds the source, and again when it is
          // gone.
          if (this.#publisherUp && !repliedWith(error, replyCodes.notFound)) logError(asError(error).message)
          await pause(timings.again, signal)
        }
      }
    }
    if (this.#inDoubt.delete(exchange)) {
      const take = (delivery: Delivery) => moveOne(delivery, { namespace, exchange, queue, publish, log })
      const onUnreadable = () => this.#options.onUnreadable(queue)
      await readPastUnreadable({ openConnection: this.#openConnection, queue, take, onUnreadable }, over)
    }
    await move(AbortSignal.any([over, gone]))
    if (gone.aborted && !over.aborted) await moveTheRest(session, queue, move, over)
  }
}

/**
 * Moves what an abandoned queue holds, then deletes it. Only a queue without a consumer is known to
 * hold nothing that is on its way: every replica ends its own first, and what it had not
 * acknowledged comes back to the queue.
 */
async function moveTheRest(
  { connection }: ConnectionSession,
  queue: string,
  move: (signal: AbortSignal) => Promise<void>,
  over: AbortSignal,
): Promise<void> {
  const look = () => onChannel(connection, (channel) => channel.checkQueue(queue))
  try {
    while (!over.aborted) {
      const enough = new AbortController()
      const moving = move(AbortSignal.any([over, enough.signal]))
      do await pause(timings.emptied, over)
      while (!over.aborted && (await look()).messageCount > 0)
      enough.abort()
      await moving
      for (let left = await look(); left.messageCount === 0 && !over.aborted; left = await look()) {
        if (left.consumerCount === 0) return void (await onChannel(connection, (channel) => channel.deleteQueue(queue)))
        await pause(timings.emptied, over)
      }
    }
  } catch {
    // Another replica has deleted it, or the connection is lost: then the operator finds the queue,
    // empty or not.
  }
}
