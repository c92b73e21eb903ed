import { asError } from '../../../core/model/error-text.ts'
import type { Message, MessageProperties } from '../../../core/model/message.ts'
import type { QuarantineDecision, QuarantineVisit } from '../../../core/quarantine/quarantine-store.ts'
import { quarantineId } from '../../../core/quarantine/quarantined-message.ts'
import { jitterAround } from '../../../core/timing/jitter.ts'
import { pause } from '../../../core/timing/pause.ts'
import { GatewayError } from '../../../errors.ts'
import type { DriverOptions, GatewayPublication } from '../../driver.ts'
import { onChannel } from '../channel/with-channel.ts'
import type { ChannelModel } from '../connection/amqp.ts'
import {
  type ConnectionOptions,
  type ConnectionSession,
  ReconnectingConnection,
} from '../connection/reconnecting-connection.ts'
import { repliedWith, replyCodes, replyOf } from '../connection/reply-codes.ts'
import { fromAmqp } from '../message/properties.ts'
import { Publisher } from '../publish/publisher.ts'

/** In milliseconds. */
const timings = {
  /** How long a visit waits for those of other replicas and commands. */
  turn: 10_000,
  /** Between two attempts to begin. */
  retry: 150,
  /** How long kept messages may take to be in the queue again. */
  settle: 2_000,
  settleCheck: 20,
  /** The same after RabbitMQ has ended the connection of a visit. */
  settleAfterEnd: 10_000,
}

/** Another program takes messages out of the quarantine at the same time. */
export class QuarantineChanged extends GatewayError {
  constructor() {
    super('BROKER_UNAVAILABLE', 'the messages of the quarantine have changed meanwhile: try again')
  }
}

/**
 * Reads `<namespace>.quarantine`, so that an operator can inspect its messages and decide about
 * them.
 */
export class QuarantineQueue {
  readonly name: string
  readonly #openConnection: (options: ConnectionOptions) => ReconnectingConnection
  readonly #publisherOptions: { defaultExchange: string }
  #connection: ReconnectingConnection | undefined
  #publisher: Publisher | undefined

  /** `urls` are the nodes of one cluster. Opens nothing. */
  constructor(urls: readonly string[], { namespace }: Pick<DriverOptions, 'namespace'>) {
    this.name = `${namespace}.quarantine`
    this.#publisherOptions = { defaultExchange: `${namespace}.events` }
    let attempts = 0
    this.#openConnection = (options) => {
      const connection = new ReconnectingConnection(urls, {
        ...options,
        onRetry: (reason, delayMs) => {
          attempts += 1
          // A command waits for the answer, so each node is tried once.
          options.onRetry?.(reason, attempts < urls.length ? delayMs : Number.POSITIVE_INFINITY)
        },
      })
      connection.open()
      return connection
    }
  }

  /**
   * Passes the messages that are in the queue now to `decide`, one after another, at most `limit`.
   * Kept messages return to the queue when this ends, behind those that were not shown (a quorum
   * queue appends returned messages). Until then no other consumer receives them, so only one visit
   * runs at a time. Rejects with `BROKER_UNAVAILABLE`, or with the error of `decide`; undecided
   * messages are kept. Call `close` afterwards, which lets the next visit begin.
   */
  async visit(limit: number, decide: (message: Message) => Promise<QuarantineDecision>): Promise<QuarantineVisit> {
    const { connection, deliveries, signal } = await this.#session()
    // One message arrives at a time, and nothing else arrives on this connection.
    let exact: MessageProperties | undefined
    deliveries.watchProperties((properties) => {
      exact = properties
    })
    let count = 0
    let visited = 0
    let removed = 0
    try {
      await this.#takeTurn(connection, signal)
      await onChannel(connection, async (channel) => {
        count = (await channel.checkQueue(this.name)).messageCount
        while (visited < Math.min(limit, count)) {
          const delivery = await channel.get(this.name)
          if (!delivery) break
          visited += 1
          if ((await decide(fromAmqp(delivery, exact))) !== 'remove') continue
          // AMQP keeps the order: RabbitMQ processes it before the close of the channel.
          channel.ack(delivery)
          removed += 1
        }
      })
      if (visited > 0) await this.#settle(connection, count - removed)
      return { count, unread: 0 }
    } catch (error) {
      if (repliedWith(error, replyCodes.notFound)) return { count: 0, unread: 0 }
      // RabbitMQ failed to deliver the next message. Those before it are in the queue again.
      if (repliedWith(signal.reason ?? error, replyCodes.internalError) && visited < count)
        return { count, unread: count - visited }
      throw failureOf(error, signal)
    }
  }

  /**
   * Deletes the message behind these ones without reading it. With `noAck` it leaves the queue
   * before RabbitMQ fails to deliver it and ends the connection; the messages before it return.
   * Resolves with false if it can be delivered: then it is in the queue again. Rejects with
   * `BROKER_UNAVAILABLE` if other messages come first. As for `visit`, call `close` afterwards.
   */
  async deleteAfter(ids: readonly string[]): Promise<boolean> {
    const { connection, deliveries, signal } = await this.#session()
    let exact: MessageProperties | undefined
    deliveries.watchProperties((properties) => {
      exact = properties
    })
    let reached = false
    try {
      await this.#takeTurn(connection, signal)
      await onChannel(connection, async (channel) => {
        for (const id of ids) {
          const delivery = await channel.get(this.name)
          if (!delivery || quarantineId(fromAmqp(delivery, exact)) !== id) throw new QuarantineChanged()
        }
        reached = true
        const delivery = await channel.get(this.name, { noAck: true })
        if (!delivery) return
        await this.append(fromAmqp(delivery, exact))
      })
      return false
    } catch (error) {
      if (repliedWith(signal.reason ?? error, replyCodes.internalError)) {
        if (reached) return true
        throw new QuarantineChanged()
      }
      throw failureOf(error, signal)
    }
  }

  /**
   * Waits until no other connection visits. The turn is an exclusive queue, which RabbitMQ deletes
   * with its connection, however that ends.
   */
  async #takeTurn(connection: ChannelModel, signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + timings.turn
    for (;;) {
      try {
        await onChannel(connection, (channel) => channel.assertQueue(`${this.name}.visit`, { exclusive: true }))
        return
      } catch (error) {
        if (signal.aborted) throw error
        // Without the right to declare it, or beyond a limit of queues, a visit takes no turn.
        if (!repliedWith(error, replyCodes.resourceLocked)) return
      }
      if (performance.now() > deadline)
        throw new GatewayError(
          'BROKER_UNAVAILABLE',
          'the quarantine is being read by another replica, or by the command quarantine: try again',
        )
      await pause(jitterAround(timings.retry), signal)
    }
  }

  /**
   * Waits until this many messages are in the queue again, after a visit that RabbitMQ has ended.
   * As for `visit`, call `close` afterwards.
   */
  async settle(expected: number): Promise<void> {
    const { connection } = await this.#session()
    await this.#settle(connection, expected, timings.settleAfterEnd)
  }

  /** A quorum queue takes returned messages back after the channel has closed. */
  async #settle(connection: ChannelModel, expected: number, withinMs = timings.settle): Promise<void> {
    const deadline = performance.now() + withinMs
    while (performance.now() < deadline) {
      const { messageCount } = await onChannel(connection, (channel) => channel.checkQueue(this.name))
      if (messageCount >= expected) return
      await pause(timings.settleCheck)
    }
  }

  /** Like `Broker.publish`: resolves when RabbitMQ has confirmed that the message was routed. */
  publish(publication: GatewayPublication): Promise<void> {
    this.#publisher ??= new Publisher(this.#openConnection, {}, this.#publisherOptions)
    return this.#publisher.publish(publication)
  }

  /** Puts a message behind the others. Resolves as `publish` does. */
  append({ body, properties }: Pick<Message, 'body' | 'properties'>): Promise<void> {
    return this.publish({ exchange: '', routingKey: this.name, body, properties })
  }

  async close(): Promise<void> {
    await Promise.all([this.#publisher?.close(), this.#connection?.close()])
  }

  #session(): Promise<ConnectionSession> {
    return new Promise((resolve, reject) => {
      this.#connection = this.#openConnection({
        purpose: 'quarantine',
        establish: (session) => {
          resolve(session)
          return Promise.resolve()
        },
        onRetry: (reason, delayMs) => {
          if (delayMs === Number.POSITIVE_INFINITY) reject(new GatewayError('BROKER_UNAVAILABLE', reason))
        },
      })
    })
  }
}

function failureOf(error: unknown, signal: AbortSignal): unknown {
  if (error instanceof GatewayError || (!signal.aborted && replyOf(error) === undefined)) return error
  return new GatewayError('BROKER_UNAVAILABLE', asError(signal.reason ?? error).message, { cause: error })
}
