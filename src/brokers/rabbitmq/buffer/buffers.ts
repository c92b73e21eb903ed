import { asError } from '../../../core/model/error-text.ts'
import type { JournalMessage } from '../../../core/model/message.ts'
import type { Observer } from '../../../core/ports/observer.ts'
import { pause } from '../../../core/timing/pause.ts'
import type { GatewayPublication } from '../../driver.ts'
import { refusalLogger } from '../channel/log-refusal.ts'
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
  /** The delay after a queue could not be consumed, or a publish failed. */
  retry: 1_000,
  /** How often the queue of a removed exchange is checked until it is empty. */
  emptyCheck: 1_000,
}

export interface BuffersOptions {
  readonly namespace: string
  readonly log: Observer['log']
  readonly publishTimeoutMs: number | undefined
  /** See `PublisherOptions`. */
  readonly probe: () => GatewayPublication
  /**
   * Called when a message of this queue was dropped because RabbitMQ cannot deliver it to any
   * consumer.
   */
  onUnreadable(queue: string): void
  /** See `ReadBackOptions`. */
  onNotStored(messages: number): void
  /** See `DriverOptions`. */
  onRefused(): void
}

/**
 * Moves the messages of buffered sources from their queues to the journal. It opens its own
 * connections for the first of them.
 */
export class Buffers {
  readonly #openConnection: OpenConnection
  readonly #options: BuffersOptions
  /** Exchange → aborted when its last source is removed. */
  readonly #sources = new Map<string, AbortController>()
  readonly #closing = new AbortController()
  /**
   * Exchanges with a queue that may have ended the last session. RabbitMQ does not name the queue.
   */
  readonly #suspects = new Set<string>()
  #connection: ReconnectingConnection | undefined
  #session: ConnectionSession | undefined
  #publisher: Publisher | undefined
  readonly #readBack: ReadBack
  /** Whether the publishing connection is up. Its outages are logged elsewhere. */
  #publisherUp = false
  /** By exchange. */
  readonly #refusalLoggers = new Map<string, (reason: string) => void>()

  constructor(openConnection: OpenConnection, options: BuffersOptions) {
    this.#openConnection = openConnection
    this.#options = options
    this.#readBack = new ReadBack({
      publish: (publication, attempt) => this.#publisherInUse().publish(publication, attempt),
      renew: () => this.#publisher?.renew(),
      onNotStored: (messages) => options.onNotStored(messages),
      timeoutMs: options.publishTimeoutMs ?? publisherLimits.publishTimeoutMs,
      // The movers limit the messages in flight.
      maxBytes: Number.POSITIVE_INFINITY,
      maxMessages: Number.POSITIVE_INFINITY,
    })
  }

  /** Called with every entry that the journal's tail delivers, except marks. */
  onJournalEntry(entry: JournalMessage): void {
    this.#readBack.onJournalEntry(entry)
  }

  /** See `ReadBack.useFence`. */
  useFence(fence: () => Promise<void>): void {
    this.#readBack.useFence(fence)
  }

  /** See `Publisher.renew`. */
  renew(): void {
    this.#publisher?.renew()
  }

  /** Starts to move the messages in this exchange's buffer queue. Idempotent. */
  add(exchange: string): void {
    if (this.#sources.has(exchange) || this.#closing.signal.aborted) return
    const removed = new AbortController()
    this.#sources.set(exchange, removed)
    this.#publisherInUse()
    this.#connection ??= this.#openConnection({
      purpose: 'buffered sources',
      establish: async (session) => {
        this.#session = session
        session.signal.addEventListener('abort', () => {
          if (!repliedWith(session.signal.reason, replyCodes.internalError)) return
          for (const name of this.#sources.keys()) this.#suspects.add(name)
        })
        for (const [name, { signal }] of this.#sources) void this.#drain(session, name, signal)
      },
    })
    if (this.#session && !this.#session.signal.aborted) void this.#drain(this.#session, exchange, removed.signal)
  }

  /**
   * Called when the last source of this exchange is removed. The remaining messages are moved, then
   * the queue is deleted.
   */
  remove(exchange: string): void {
    this.#sources.get(exchange)?.abort()
    this.#sources.delete(exchange)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all([this.#publisher?.close(), this.#connection?.close()])
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
        // RabbitMQ has already accepted these messages from their publishers, so the limit for
        // clients does not apply.
        maxMessageBytes: Number.POSITIVE_INFINITY,
        // The movers limit the messages in flight.
        bufferBytes: Number.POSITIVE_INFINITY,
        ...(publishTimeoutMs === undefined ? {} : { publishTimeoutMs }),
      },
    }
  }

  #refusalLoggerOf(exchange: string, queue: string): (reason: string) => void {
    const known = this.#refusalLoggers.get(exchange)
    if (known) return known
    const created = refusalLogger(this.#options.log, `messages of exchange "${exchange}" wait in queue "${queue}"`)
    this.#refusalLoggers.set(exchange, created)
    return created
  }

  async #drain(session: ConnectionSession, exchange: string, removed: AbortSignal): Promise<void> {
    const { namespace, log } = this.#options
    const queue = bufferQueueName(namespace, exchange)
    const publish: MovePublication = async (publication, entry) => {
      if (entry) await this.#readBack.publish(publication, entry)
      else await this.#publisherInUse().publish(publication)
    }
    const mover = { namespace, exchange, queue, publish, log, onRefused: () => this.#options.onRefused() }
    const ended = AbortSignal.any([session.signal, this.#closing.signal])
    const logError = this.#refusalLoggerOf(exchange, queue)
    const move = async (signal: AbortSignal): Promise<void> => {
      while (!signal.aborted) {
        try {
          await moveBuffered(session, mover, signal)
        } catch (error) {
          if (signal.aborted) return
          // `SourceBindings` declares the queue before it binds the source, and again if it is
          // deleted.
          if (this.#publisherUp && !repliedWith(error, replyCodes.notFound)) logError(asError(error).message)
          await pause(timings.retry, signal)
        }
      }
    }
    if (this.#suspects.delete(exchange)) {
      const moveDelivery = (delivery: Delivery) => moveOne(delivery, mover)
      const onUnreadable = () => this.#options.onUnreadable(queue)
      await readPastUnreadable({ openConnection: this.#openConnection, queue, move: moveDelivery, onUnreadable }, ended)
    }
    await move(AbortSignal.any([ended, removed]))
    if (removed.aborted && !ended.aborted) await drainAndDelete(session, queue, move, ended)
  }
}

/**
 * Moves the remaining messages of a removed exchange's queue, then deletes the queue. An empty
 * queue may still have unacknowledged messages, which return to it. So it is deleted only when it
 * also has no consumer: every replica cancels its own consumer first.
 */
async function drainAndDelete(
  { connection }: ConnectionSession,
  queue: string,
  move: (signal: AbortSignal) => Promise<void>,
  ended: AbortSignal,
): Promise<void> {
  const queueState = () => onChannel(connection, (channel) => channel.checkQueue(queue))
  try {
    while (!ended.aborted) {
      const enough = new AbortController()
      const moving = move(AbortSignal.any([ended, enough.signal]))
      do await pause(timings.emptyCheck, ended)
      while (!ended.aborted && (await queueState()).messageCount > 0)
      enough.abort()
      await moving
      for (let state = await queueState(); state.messageCount === 0 && !ended.aborted; state = await queueState()) {
        if (state.consumerCount === 0)
          return void (await onChannel(connection, (channel) => channel.deleteQueue(queue)))
        await pause(timings.emptyCheck, ended)
      }
    }
  } catch {
    // Another replica has deleted the queue, or the connection is lost. In the second case the
    // queue remains for the operator.
  }
}
