import type { MessageProperties } from '../../core/model/message.ts'
import { withDeadline } from '../../core/timing/deadline.ts'
import { GatewayError } from '../../errors.ts'
import type {
  DistributorExchange,
  Driver,
  DriverOptions,
  GatewayOptions,
  Receive,
  SubscribeOptions,
  Subscription,
} from '../driver.ts'
import { ensureExchange } from './channel/exchange.ts'
import { Nodes } from './connection/node-list.ts'
import { type ConnectionOptions, ReconnectingConnection } from './connection/reconnecting-connection.ts'
import { RabbitGateway } from './gateway-broker.ts'
import { Publisher } from './publish/publisher.ts'
import { Subscriptions } from './subscribe/subscriptions.ts'

/** How long `connect` waits for an unreachable broker, in milliseconds. */
const connectMs = 10_000

/**
 * RabbitMQ over AMQP 0-9-1. Topics are routing keys on the topic exchange `<namespace>.events`, or
 * on another exchange if one is configured.
 */
export class RabbitDriver implements Driver {
  readonly #urls: readonly string[]
  readonly #options: DriverOptions
  readonly #exchange: DistributorExchange
  readonly #subscriptions: Subscriptions
  #nodes: Nodes | undefined
  #publisher: Publisher | undefined

  constructor(urls: readonly string[], options: DriverOptions) {
    this.#urls = urls
    this.#options = options
    const { namespace, log } = options
    this.#exchange = options.exchange ?? { name: `${namespace}.events`, type: 'topic' }
    const names = { exchange: this.#exchange, deadLetterExchange: `${namespace}.dead`, namespace }
    this.#subscriptions = new Subscriptions(this.#openConnection, names, log)
  }

  async connect(): Promise<void> {
    const { log } = this.#options
    const { name, type, durable } = this.#exchange
    let reason = `RabbitMQ did not answer within ${connectMs / 1000} s`
    const connected = new Promise<void>((resolve) => {
      const watch = {
        onUp: resolve,
        onDown: (why: string) => log('warn', `publishing is interrupted: ${why}`),
        onRetry: (why: string) => {
          reason = why
        },
        onBlocked: (why: string | undefined) => log('warn', why ?? 'RabbitMQ accepts publishes again'),
      }
      this.#publisher = new Publisher(this.#openConnection, watch, {
        defaultExchange: name,
        declare: (connection) => ensureExchange(connection, name, type, durable),
      })
    })
    await withDeadline(connectMs, connected, () => new GatewayError('BROKER_UNAVAILABLE', reason))
  }

  async close(): Promise<void> {
    await Promise.all([this.#publisher?.close(), this.#subscriptions.close()])
  }

  async publish(topic: string, body: Buffer, properties: MessageProperties): Promise<void> {
    if (!this.#publisher) throw new Error('connect first')
    await this.#publisher.publish({ routingKey: topic, body, properties, mandatory: false })
  }

  subscribe(topics: readonly string[], receive: Receive, options: SubscribeOptions): Promise<Subscription> {
    return this.#subscriptions.subscribe(topics, receive, options)
  }

  gateway(options: GatewayOptions): RabbitGateway {
    return new RabbitGateway(this.#urls, this.#options, options)
  }

  readonly #openConnection = (options: ConnectionOptions): ReconnectingConnection => {
    this.#nodes ??= new Nodes(this.#urls)
    const connection = new ReconnectingConnection(this.#nodes, options)
    connection.open()
    return connection
  }
}
