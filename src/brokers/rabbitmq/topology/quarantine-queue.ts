import { asError } from '../../../core/model/error-text.ts'
import type { Message, MessageProperties } from '../../../core/model/message.ts'
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

/** What becomes of a message that was looked at. */
export type Fate = 'keep' | 'remove'

/** What lies in `<namespace>.quarantine`, for somebody to look at and decide about. */
export class QuarantineQueue {
  readonly name: string
  readonly #openConnection: (options: ConnectionOptions) => ReconnectingConnection
  readonly #publisherOptions: { defaultExchange: string }
  #link: ReconnectingConnection | undefined
  #publisher: Publisher | undefined

  /** The nodes of one cluster, by their URLs. Nothing is opened yet. */
  constructor(urls: readonly string[], { namespace }: Pick<DriverOptions, 'namespace'>) {
    this.name = `${namespace}.quarantine`
    this.#publisherOptions = { defaultExchange: `${namespace}.events` }
    let attempts = 0
    this.#openConnection = (options) => {
      const link = new ReconnectingConnection(urls, {
        ...options,
        onRetry: (reason, delayMs) => {
          attempts += 1
          // Somebody waits for an answer: each node is tried once.
          options.onRetry?.(reason, attempts < urls.length ? delayMs : Number.POSITIVE_INFINITY)
        },
      })
      link.open()
      return link
    }
  }

  /**
   * Shows the messages that are there now to `decide`, one after another, at most `limit` of them;
   * resolves with how many there were before. Those that are kept lie in the queue again as soon as
   * this ends, behind those that were not shown (a quorum queue keeps what came back in a queue of
   * its own); until then nobody else sees them. Rejects with `BROKER_UNAVAILABLE`, or as `decide`
   * does: what was not decided is kept.
   */
  async visit(limit: number, decide: (message: Message) => Promise<Fate>): Promise<number> {
    const { connection, deliveries, signal } = await this.#session()
    // One message comes at a time, and nothing else does on this connection.
    let exact: MessageProperties | undefined
    deliveries.watch((properties) => {
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

  async #next(channel: Channel, decide: (delivery: GetMessage) => Promise<Fate>): Promise<boolean> {
    const delivery = await channel.get(this.name)
    if (!delivery) return false
    // In the order of AMQP, the acknowledgement is there before the channel's end is.
    if ((await decide(delivery)) === 'remove') channel.ack(delivery)
    return true
  }

  /**
   * As `Broker.publish`: resolves once RabbitMQ has confirmed that the message is where it belongs.
   */
  publish(publication: GatewayPublication): Promise<void> {
    this.#publisher ??= new Publisher(this.#openConnection, {}, this.#publisherOptions)
    return this.#publisher.publish(publication)
  }

  async close(): Promise<void> {
    await Promise.all([this.#publisher?.close(), this.#link?.close()])
  }

  #session(): Promise<ConnectionSession> {
    return new Promise((resolve, reject) => {
      this.#link = this.#openConnection({
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
