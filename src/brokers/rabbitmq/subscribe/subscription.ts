import { createHash, randomUUID } from 'node:crypto'
import type { Message } from '../../../core/model/message.ts'
import { maxShortStringBytes } from '../../../core/model/short-string.ts'
import { within } from '../../../core/timing/deadline.ts'
import { pause } from '../../../core/timing/pause.ts'
import {
  type DistributorExchange,
  type Receive,
  type SubscribeOptions,
  type Subscription,
  Undeliverable,
} from '../../driver.ts'
import { maxRedeliveries, redeliveryDelayMs } from '../../redeliveries.ts'
import type { Channel, ConsumeMessage } from '../connection/amqp.ts'
import type { ConnectionSession } from '../connection/reconnecting-connection.ts'
import type { Delivery } from '../message/delivery-reader.ts'
import { messageOf } from '../message/properties.ts'

/** In milliseconds. */
const timings = {
  /**
   * RabbitMQ deletes a group's queue, with its messages, after this long without consumers: 7 days.
   */
  groupExpires: 7 * 24 * 60 * 60 * 1000,
  /** How long running callbacks may take to end when the subscription is closed. */
  drain: 5_000,
  /** How long RabbitMQ may take to answer while closing. */
  close: 1_000,
}

/**
 * The maximum backlog of a subscriber without a group, in bytes. Beyond it RabbitMQ drops the
 * oldest messages.
 */
const maxBacklogBytes = 256 * 1024 * 1024

export interface SubscriptionNames {
  readonly exchange: DistributorExchange
  readonly deadLetterExchange: string
  readonly namespace: string
}

/** One subscription. It survives the connections that it consumes on. */
export class AmqpSubscription implements Subscription {
  readonly #names: SubscriptionNames
  readonly #topics: readonly string[]
  readonly #receive: Receive
  readonly #options: SubscribeOptions
  readonly #onClosed: () => void
  readonly #running = new Set<Promise<void>>()
  readonly #closing = new AbortController()
  #channel: Channel | undefined
  #consumerTag = ''

  constructor(
    names: SubscriptionNames,
    topics: readonly string[],
    receive: Receive,
    options: SubscribeOptions,
    onClosed: () => void,
  ) {
    this.#names = names
    this.#topics = topics
    this.#receive = receive
    this.#options = options
    this.#onClosed = onClosed
  }

  get closed(): boolean {
    return this.#closing.signal.aborted
  }

  /**
   * Starts to consume on this session. `onLost` is called if the channel closes and the
   * subscription is not closed; the connection may still be up.
   */
  async start({ connection, deliveries }: ConnectionSession, onLost: () => void): Promise<void> {
    const channel = await connection.createChannel()
    // The rejected call or the `close` event reports it.
    channel.on('error', () => {})
    try {
      const queue = await this.#declareQueue(channel)
      for (const topic of this.#topics) await channel.bindQueue(queue, this.#names.exchange.name, topic)
      await channel.prefetch(this.#options.prefetch)
      const consumerTag = randomUUID()
      // Decoded by Warren, because amqplib would round integers.
      const stopIntercepting = deliveries.intercept(consumerTag, (delivery) => this.#onDelivery(channel, delivery))
      channel.on('close', stopIntercepting)
      // RabbitMQ cancels the consumer if the queue is deleted or its node is down.
      await channel.consume(
        queue,
        deliveries.callback(consumerTag, () => void channel.close().catch(() => {})),
        { consumerTag },
      )
      this.#consumerTag = consumerTag
    } catch (error) {
      await within(
        timings.close,
        channel.close().catch(() => {}),
      )
      throw error
    }
    this.#channel = channel
    channel.on('close', () => {
      this.#channel = undefined
      if (!this.closed) onLost()
    })
  }

  async close(): Promise<void> {
    if (this.closed) return
    const channel = this.#channel
    this.#closing.abort()
    this.#onClosed()
    if (channel)
      await within(
        timings.close,
        ignoreEnd(() => channel.cancel(this.#consumerTag)),
      )
    await within(timings.drain, Promise.all(this.#running))
    // Closing the channel returns messages to the group's queue that RabbitMQ delivered and no
    // callback received.
    if (channel)
      await within(
        timings.close,
        ignoreEnd(() => channel.close()),
      )
  }

  async #declareQueue(channel: Channel): Promise<string> {
    const { namespace, deadLetterExchange } = this.#names
    const { group } = this.#options
    const deadLetters = { 'x-dead-letter-exchange': deadLetterExchange }
    if (group === undefined) {
      // A new name each time: after a lost connection RabbitMQ may still hold the old queue for its
      // former owner.
      const name = `${namespace}.subscriber.${randomUUID()}`
      const args = { ...deadLetters, 'x-queue-type': 'classic', 'x-max-length-bytes': maxBacklogBytes }
      await channel.assertQueue(name, { exclusive: true, autoDelete: true, durable: false, arguments: args })
      return name
    }
    const name = groupQueueName(namespace, group, this.#topics, this.#names.exchange.name)
    const args = {
      ...deadLetters,
      'x-queue-type': 'quorum',
      'x-delivery-limit': maxRedeliveries,
      'x-expires': timings.groupExpires,
    }
    await channel.assertQueue(name, { durable: true, arguments: args })
    return name
  }

  #onDelivery(channel: Channel, delivery: Delivery): void {
    if (this.closed) return
    const received = messageOf(delivery)
    // `ack` and `nack` of amqplib read nothing else of a message.
    const message = { fields: { deliveryTag: delivery.deliveryTag } } as ConsumeMessage
    const handled = this.#options.group === undefined ? this.#deliverLocally(received) : this.#deliverInGroup(received)
    const running = handled.then((outcome) => {
      this.#running.delete(running)
      // If the channel has closed, RabbitMQ returns the message to its queue, if that still exists.
      return ignoreEnd(() => {
        if (outcome === 'acknowledged') channel.ack(message)
        else channel.nack(message, false, outcome === 'requeue')
      })
    })
    this.#running.add(running)
  }

  /**
   * RabbitMQ counts the redeliveries, because another member of the group may process the message.
   */
  async #deliverInGroup(message: Message): Promise<Outcome> {
    try {
      await this.#receive(message)
      return 'acknowledged'
    } catch (error) {
      const count: unknown = message.properties.headers?.['x-delivery-count']
      const redeliveries = typeof count === 'number' ? count : 0
      if (error instanceof Undeliverable || redeliveries >= maxRedeliveries) return this.#deadLetter(message, error)
      await pause(redeliveryDelayMs(redeliveries), this.#closing.signal)
      return 'requeue'
    }
  }

  /**
   * No other consumer has the message, and RabbitMQ does not count on a classic queue. So it is
   * delivered again within this process.
   */
  async #deliverLocally(message: Message): Promise<Outcome> {
    for (let redeliveries = 0; ; redeliveries += 1) {
      try {
        await this.#receive(redeliveries === 0 ? message : { ...message, redelivered: true })
        return 'acknowledged'
      } catch (error) {
        if (error instanceof Undeliverable || redeliveries >= maxRedeliveries) return this.#deadLetter(message, error)
        await pause(redeliveryDelayMs(redeliveries), this.#closing.signal)
        if (this.closed) return 'requeue'
      }
    }
  }

  #deadLetter(message: Message, error: unknown): Outcome {
    this.#options.onPoison(message, error)
    return 'dead-lettered'
  }
}

type Outcome = 'acknowledged' | 'requeue' | 'dead-lettered'

/**
 * A group consists of its name, its topics, and the exchange if that is not the namespace's own. If
 * the name is too long (255 bytes, AMQP 0-9-1 §4.2.5.3), topics and exchange are hashed.
 */
export function groupQueueName(
  namespace: string,
  group: string,
  topics: readonly string[],
  exchange = `${namespace}.events`,
): string {
  const exchangePrefix = exchange === `${namespace}.events` ? '' : `${exchange}|`
  const qualifiedTopics = `${exchangePrefix}${[...topics].sort().join('|')}`
  const name = `${namespace}.group.${group}:${qualifiedTopics}`
  if (Buffer.byteLength(name) <= maxShortStringBytes) return name
  return `${namespace}.group.${group}:${createHash('sha256').update(qualifiedTopics).digest('hex').slice(0, 32)}`
}

/**
 * amqplib throws or rejects when a closing channel is used. There is nothing left to do in that
 * case.
 */
async function ignoreEnd(use: () => unknown): Promise<void> {
  try {
    await use()
  } catch {}
}
