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
   * A group's queue that nobody has consumed from for so long is deleted, with what is in it: 7
   * days.
   */
  groupExpires: 7 * 24 * 60 * 60 * 1000,
  /** What callbacks that run are given to end when the subscription is closed. */
  drain: 5_000,
  /** What RabbitMQ is given to answer while closing. */
  close: 1_000,
}

/** What a subscriber without a group may be behind, in bytes; then the oldest goes. */
const maxBacklogBytes = 256 * 1024 * 1024

export interface SubscriptionPlace {
  readonly exchange: DistributorExchange
  readonly deadLetterExchange: string
  readonly namespace: string
}

/** One subscription, which outlives the connections that it is in force on. */
export class AmqpSubscription implements Subscription {
  readonly #place: SubscriptionPlace
  readonly #topics: readonly string[]
  readonly #receive: Receive
  readonly #options: SubscribeOptions
  readonly #onClosed: () => void
  readonly #running = new Set<Promise<void>>()
  readonly #closing = new AbortController()
  #channel: Channel | undefined
  #consumerTag = ''

  constructor(
    place: SubscriptionPlace,
    topics: readonly string[],
    receive: Receive,
    options: SubscribeOptions,
    onClosed: () => void,
  ) {
    this.#place = place
    this.#topics = topics
    this.#receive = receive
    this.#options = options
    this.#onClosed = onClosed
  }

  get closed(): boolean {
    return this.#closing.signal.aborted
  }

  /**
   * Puts it in force on this connection. `onLost`: it is no longer, though the connection may be.
   */
  async start({ connection, deliveries }: ConnectionSession, onLost: () => void): Promise<void> {
    const channel = await connection.createChannel()
    // The rejected call or the end of the channel tells.
    channel.on('error', () => {})
    try {
      const queue = await this.#declareQueue(channel)
      for (const topic of this.#topics) await channel.bindQueue(queue, this.#place.exchange.name, topic)
      await channel.prefetch(this.#options.prefetch)
      const consumerTag = randomUUID()
      // Read in place: amqplib would round integers.
      const stopTaking = deliveries.take(consumerTag, (delivery) => this.#take(channel, delivery))
      channel.on('close', stopTaking)
      // Only a cancellation comes this way: the queue was deleted, or its node is gone.
      await channel.consume(queue, () => void channel.close().catch(() => {}), { consumerTag })
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
    // What was handed over by RabbitMQ but not to the callback goes back to the group with the
    // channel.
    if (channel)
      await within(
        timings.close,
        ignoreEnd(() => channel.close()),
      )
  }

  async #declareQueue(channel: Channel): Promise<string> {
    const { namespace, deadLetterExchange } = this.#place
    const { group } = this.#options
    const deadLetters = { 'x-dead-letter-exchange': deadLetterExchange }
    if (group === undefined) {
      // Another name each time: after a lost connection RabbitMQ may still hold the old one for its
      // dead owner.
      const name = `${namespace}.subscriber.${randomUUID()}`
      const args = { ...deadLetters, 'x-queue-type': 'classic', 'x-max-length-bytes': maxBacklogBytes }
      await channel.assertQueue(name, { exclusive: true, autoDelete: true, durable: false, arguments: args })
      return name
    }
    const name = groupQueueName(namespace, group, this.#topics, this.#place.exchange.name)
    const args = {
      ...deadLetters,
      'x-queue-type': 'quorum',
      'x-delivery-limit': maxRedeliveries,
      'x-expires': timings.groupExpires,
    }
    await channel.assertQueue(name, { durable: true, arguments: args })
    return name
  }

  #take(channel: Channel, delivery: Delivery): void {
    if (this.closed) return
    const message = messageOf(delivery)
    // amqplib reads nothing else of a message.
    const taken = { fields: { deliveryTag: delivery.deliveryTag } } as ConsumeMessage
    const handled = this.#options.group === undefined ? this.#deliverHere(message) : this.#deliverInGroup(message)
    const running = handled.then((verdict) => {
      this.#running.delete(running)
      // On a channel that has ended it goes back to the queue by itself, if that is still there.
      return ignoreEnd(() => {
        if (verdict === 'taken') channel.ack(taken)
        else channel.nack(taken, false, verdict === 'again')
      })
    })
    this.#running.add(running)
  }

  /** RabbitMQ counts: whoever of the group has it next may do better. */
  async #deliverInGroup(message: Message): Promise<Verdict> {
    try {
      await this.#receive(message)
      return 'taken'
    } catch (error) {
      const count: unknown = message.properties.headers?.['x-delivery-count']
      const redeliveries = typeof count === 'number' ? count : 0
      if (error instanceof Undeliverable || redeliveries >= maxRedeliveries) return this.#setAside(message, error)
      await pause(redeliveryDelayMs(redeliveries), this.#closing.signal)
      return 'again'
    }
  }

  /**
   * Nobody else has the message, and a queue of its own doesn't count: it is handed over again from
   * here.
   */
  async #deliverHere(message: Message): Promise<Verdict> {
    for (let redeliveries = 0; ; redeliveries += 1) {
      try {
        await this.#receive(redeliveries === 0 ? message : { ...message, redelivered: true })
        return 'taken'
      } catch (error) {
        if (error instanceof Undeliverable || redeliveries >= maxRedeliveries) return this.#setAside(message, error)
        await pause(redeliveryDelayMs(redeliveries), this.#closing.signal)
        if (this.closed) return 'again'
      }
    }
  }

  #setAside(message: Message, error: unknown): Verdict {
    this.#options.onPoison(message, error)
    return 'set aside'
  }
}

type Verdict = 'taken' | 'again' | 'set aside'

/**
 * The exchange, where it is another than the namespace's own, the group and its topics, which make
 * a group; hashed where they are too long for a name (`maxShortStringBytes`).
 */
export function groupQueueName(
  namespace: string,
  group: string,
  topics: readonly string[],
  exchange = `${namespace}.events`,
): string {
  const where = exchange === `${namespace}.events` ? '' : `${exchange}|`
  const what = `${where}${[...topics].sort().join('|')}`
  const name = `${namespace}.group.${group}:${what}`
  if (Buffer.byteLength(name) <= maxShortStringBytes) return name
  return `${namespace}.group.${group}:${createHash('sha256').update(what).digest('hex').slice(0, 32)}`
}

/**
 * amqplib throws, at once or later, when a channel that is ending is used; there is nothing left to
 * do then.
 */
async function ignoreEnd(use: () => unknown): Promise<void> {
  try {
    await use()
  } catch {}
}
