import type { MessageProperties } from '../../../src/core/model/message.ts'
import type { ClientChannel } from './client-channel.ts'
import { type QuorumConsumer, QuorumQueue } from './quorum-queue.ts'
import { Refusal } from './refusal.ts'
import type { ServerConnection } from './server-connection.ts'
import type { StreamReader } from './stream-queue.ts'
import { StreamQueue } from './stream-queue.ts'

export interface PublishedMessage {
  readonly exchange: string
  readonly routingKey: string
  readonly body: Buffer
  readonly properties: MessageProperties
  readonly unreadable: boolean
}

interface ReceivedMessage {
  readonly offset?: number
  readonly exchange: string
  readonly routingKey: string
  readonly body: Buffer
  readonly properties: MessageProperties
  readonly redelivered?: boolean
}

export interface DeclareOptions {
  readonly exclusive?: boolean
  readonly arguments?: Readonly<Record<string, unknown>>
}

const none = { messageCount: 0, consumerCount: 0 }

/** RabbitMQ's side of a channel. Methods that throw a `Refusal` close the channel. */
export class ServerChannel {
  readonly connection: ServerConnection
  readonly #client: ClientChannel
  prefetch = 0
  isOpen = true
  /** Whether it has confirmed a message that did not go to a stream alone. */
  isShared = false
  #deliveryTag = 0
  readonly #unacknowledged: { readonly tag: number; readonly acknowledged: () => void }[] = []
  readonly #readers = new Map<string, { readonly stream: StreamQueue; readonly reader: StreamReader }>()
  readonly #classic = new Map<string, string>()
  readonly #quorum = new Map<string, { readonly queue: QuorumQueue; readonly consumer: QuorumConsumer }>()

  constructor(connection: ServerConnection, client: ClientChannel) {
    this.connection = connection
    this.#client = client
  }

  get #rabbit() {
    return this.connection.rabbit
  }

  assertQueue(name: string, options: DeclareOptions): { queue: string } {
    const rabbit = this.#rabbit
    const known = rabbit.queues.get(name)
    if (known) {
      if (known.owner !== undefined && known.owner !== this.connection)
        throw new Refusal(405, `cannot obtain exclusive access to locked queue '${name}' in vhost '/'`)
      return { queue: name }
    }
    rabbit.checkLeader()
    const type = options.arguments?.['x-queue-type']
    if (type === 'stream') rabbit.checkBooted(name)
    rabbit.addQueue(name, type, options.exclusive === true ? this.connection : undefined)
    return { queue: name }
  }

  checkQueue(name: string): { queue: string; messageCount: number; consumerCount: number } {
    const { content } = this.#rabbit.queueOf(name)
    this.#rabbit.checkBooted(name)
    const { messageCount, consumerCount } = content instanceof QuorumQueue ? content : none
    return { queue: name, messageCount, consumerCount }
  }

  consume(name: string, tag: string, offset: unknown): void {
    const rabbit = this.#rabbit
    const { content } = rabbit.queueOf(name)
    rabbit.checkBooted(name)
    if (content instanceof QuorumQueue) {
      this.#quorum.set(tag, { queue: content, consumer: content.consume(this, tag) })
      return
    }
    if (!(content instanceof StreamQueue)) {
      this.#classic.set(tag, name)
      content.set(tag, (message) => this.#send(tag, 0, message))
      return
    }
    const reader: StreamReader = { channel: this, tag, ...content.startOf(offset), unacknowledged: 0 }
    content.readers.add(reader)
    this.#readers.set(tag, { stream: content, reader })
    // The answer to consume comes first.
    rabbit.clock.at(0, () => content.pump(reader), 0)
  }

  /** `acknowledged` is called if the client acknowledges the message. */
  deliver(tag: string, message: ReceivedMessage, acknowledged: () => void): void {
    this.#deliveryTag += 1
    this.#unacknowledged.push({ tag: this.#deliveryTag, acknowledged })
    this.#send(tag, this.#deliveryTag, message)
  }

  ack(deliveryTag: number, allUpTo: boolean): void {
    const found = this.#unacknowledged.findIndex(({ tag }) => tag === deliveryTag)
    if (found < 0) return
    const [from, count] = allUpTo ? [0, found + 1] : [found, 1]
    for (const { acknowledged } of this.#unacknowledged.splice(from, count)) acknowledged()
    for (const { stream, reader } of this.#readers.values()) stream.pump(reader)
  }

  publish(message: PublishedMessage, mandatory: boolean, isAnswered: boolean, sequence: number): void {
    const rabbit = this.#rabbit
    this.connection.published()
    const queues = rabbit.route(message.exchange, message.routingKey)
    if (!queues) throw new Refusal(404, `no exchange '${message.exchange}' in vhost '/'`)
    const answer = (kind: 'ack' | 'return'): void => {
      if (this.isOpen) this.connection.down.send(() => this.#client.answered(kind, sequence))
    }
    const isOnlyStream = queues.length === 1 && queues[0] instanceof StreamQueue
    if (!isOnlyStream) this.isShared = true
    // While a node boots, messages to its streams are confirmed and not stored.
    const stored = queues.filter((queue): queue is StreamQueue | QuorumQueue =>
      queue instanceof StreamQueue ? !rabbit.isBooting : queue instanceof QuorumQueue,
    )
    for (const queue of queues) if (queue instanceof Map) for (const deliver of queue.values()) deliver(message)
    if (mandatory && stored.length === 0 && !queues.some((queue) => queue instanceof Map)) answer('return')
    if (stored.length === 0) {
      this.isShared = true
      if (isAnswered) answer('ack')
      return
    }
    let left = stored.length
    for (const queue of stored) {
      rabbit.publishInto(
        queue,
        this.connection.node,
        message,
        () => this.isShared,
        () => {
          left -= 1
          if (left === 0 && isAnswered) rabbit.clock.at(rabbit.confirmDelay(), () => answer('ack'), 0)
        },
      )
    }
  }

  /** The queue was deleted, or lost its node. */
  cancelled(tag: string): void {
    this.#readers.delete(tag)
    this.#classic.delete(tag)
    this.#quorum.delete(tag)
    this.connection.down.send(() => this.#client.consumerCancelled(tag))
  }

  close(): void {
    this.isOpen = false
    for (const { stream, reader } of this.#readers.values()) stream.readers.delete(reader)
    this.#readers.clear()
    for (const { queue, consumer } of this.#quorum.values()) queue.cancel(consumer)
    this.#quorum.clear()
    for (const [tag, name] of this.#classic) {
      const content = this.#rabbit.queues.get(name)?.content
      if (content instanceof Map) content.delete(tag)
    }
    this.#classic.clear()
    this.connection.channels.delete(this)
  }

  #send(tag: string, deliveryTag: number, message: ReceivedMessage): void {
    this.connection.down.send(() => this.#client.received(tag, deliveryTag, message))
  }
}
