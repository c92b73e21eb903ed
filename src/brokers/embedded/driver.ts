import type { MessageProperties } from '../../core/model/message.ts'
import type { Driver, DriverOptions, GatewayOptions, Receive, SubscribeOptions, Subscription } from '../driver.ts'
import { EmbeddedGateway } from './gateway-broker.ts'
import { publishTo } from './publish.ts'
import { EmbeddedQueue } from './queue.ts'
import { type BrokerLease, leaseBroker } from './shared-brokers.ts'

/**
 * A broker in this process. Topics are routing keys on the topic exchange `<namespace>.events`, or
 * on another exchange if one is configured, as on RabbitMQ.
 */
export class EmbeddedDriver implements Driver {
  readonly #url: string
  readonly #options: DriverOptions
  readonly #events: string
  readonly #type: 'topic' | 'fanout'
  readonly #open = new Set<Subscription>()
  #lease: BrokerLease | undefined

  constructor([url = 'memory:']: readonly string[], options: DriverOptions) {
    this.#url = url
    this.#options = options
    const { name, type } = options.exchange ?? { name: `${options.namespace}.events`, type: 'topic' }
    this.#events = name
    this.#type = type
  }

  async connect(): Promise<void> {
    this.#lease = leaseBroker(this.#url)
    this.#lease.broker.declare(this.#events, this.#type === 'topic' ? 'TOPIC' : 'FANOUT')
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((subscription) => subscription.close()))
    this.#lease?.release()
  }

  async publish(topic: string, body: Buffer, properties: MessageProperties): Promise<void> {
    publishTo(this.#broker, this.#events, { routingKey: topic, body, properties, mandatory: false })
  }

  async subscribe(topics: readonly string[], receive: Receive, options: SubscribeOptions): Promise<Subscription> {
    const broker = this.#broker
    const { group } = options
    const name = group === undefined ? undefined : `${this.#events}:${group}:${[...topics].sort().join('|')}`
    const queue = (name !== undefined && broker.queues.get(name)) || new EmbeddedQueue(name ?? topics.join('|'))
    // A group's queue outlives its consumers, as on RabbitMQ.
    if (name !== undefined) broker.queues.set(name, queue)
    for (const topic of topics) broker.bind({ exchange: this.#events, key: topic }, queue)
    const cancel = queue.consume(receive, options)
    let closed: Promise<void> | undefined
    const subscription: Subscription = {
      close: () => {
        this.#open.delete(subscription)
        if (name === undefined) for (const topic of topics) broker.unbind({ exchange: this.#events, key: topic }, queue)
        closed ??= cancel()
        return closed
      },
    }
    this.#open.add(subscription)
    return subscription
  }

  gateway(options: GatewayOptions): EmbeddedGateway {
    return new EmbeddedGateway(leaseBroker(this.#url), this.#options, options)
  }

  get #broker() {
    if (!this.#lease) throw new Error('connect first')
    return this.#lease.broker
  }
}
