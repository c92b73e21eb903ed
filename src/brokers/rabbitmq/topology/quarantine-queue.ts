import { asError } from '../../../core/model/error-text.ts'
import type { Message, MessageProperties } from '../../../core/model/message.ts'
import type { QuarantineDecision } from '../../../core/quarantine/quarantine-store.ts'
import { GatewayError } from '../../../errors.ts'
import type { DriverOptions, GatewayPublication } from '../../driver.ts'
import { onChannel } from '../channel/with-channel.ts'
import type { Channel, GetMessage } from '../connection/amqp.ts'
import {
  type ConnectionOptions,
  type ConnectionSession,
  ReconnectingConnection,
} from '../connection/reconnecting-connection.ts'
import { repliedWith, replyCodes, replyOf } from '../connection/reply-codes.ts'
import { fromAmqp } from '../message/properties.ts'
import { Publisher } from '../publish/publisher.ts'

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
   * Resolves with the number of messages before the visit. Kept messages return to the queue when
   * this ends, behind those that were not shown (a quorum queue appends returned messages). Until
   * then no other consumer receives them. Rejects with `BROKER_UNAVAILABLE`, or with the error of
   * `decide`; undecided messages are kept.
   */
  async visit(limit: number, decide: (message: Message) => Promise<QuarantineDecision>): Promise<number> {
    const { connection, deliveries, signal } = await this.#session()
    // One message arrives at a time, and nothing else arrives on this connection.
    let exact: MessageProperties | undefined
    deliveries.watchProperties((properties) => {
      exact = properties
    })
    try {
      return await onChannel(connection, async (channel) => {
        const { messageCount } = await channel.checkQueue(this.name)
        for (let left = Math.min(limit, messageCount); left > 0; left -= 1) {
          if (!(await this.#next(channel, (delivery) => decide(fromAmqp(delivery, exact))))) break
        }
        return messageCount
      })
    } catch (error) {
      if (repliedWith(error, replyCodes.notFound)) return 0
      if (!signal.aborted && replyOf(error) === undefined) throw error
      throw new GatewayError('BROKER_UNAVAILABLE', asError(signal.reason ?? error).message, { cause: error })
    }
  }

  async #next(channel: Channel, decide: (delivery: GetMessage) => Promise<QuarantineDecision>): Promise<boolean> {
    const delivery = await channel.get(this.name)
    if (!delivery) return false
    // AMQP keeps the order: RabbitMQ processes the acknowledgement before the close of the channel.
    if ((await decide(delivery)) === 'remove') channel.ack(delivery)
    return true
  }

  /** Like `Broker.publish`: resolves when RabbitMQ has confirmed that the message was routed. */
  publish(publication: GatewayPublication): Promise<void> {
    this.#publisher ??= new Publisher(this.#openConnection, {}, this.#publisherOptions)
    return this.#publisher.publish(publication)
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
