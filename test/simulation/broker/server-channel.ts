import type { MessageProperties } from '../../../src/core/model/message.ts'
import type { ClientChannel } from './client-channel.ts'
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
}

export interface DeclareOptions {
  readonly exclusive?: boolean
  readonly arguments?: Readonly<Record<string, unknown>>
}

/** RabbitMQ's side of a channel. Methods that throw a `Refusal` close the channel. */
export class ServerChannel {
  readonly connection: ServerConnection
  readonly #client: ClientChannel
  prefetch = 0
  isOpen = true
  /** Whether it has confirmed a message that did not go to a stream alone. */
  isShared = false
  #deliveryTag = 0
  readonly #unacknowledged: { readonly tag: number; readonly reader: StreamReader }[] = []
  readonly #readers = new Map<string, { readonly stream: StreamQueue; readonly reader: StreamReader }>()
  readonly #classic = new Map<string, string>()

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
    const isStream = options.arguments?.['x-queue-type'] === 'stream'
    if (isStream) rabbit.checkBooted(name)
    rabbit.addQueue(name, isStream, options.exclusive === true ? this.connection : undefined)
    return { queue: name }
  }

  checkQueue(name: string): { queue: string } {
    this.#rabbit.queueOf(name)
    this.#rabbit.checkBooted(name)
    return { queue: name }
  }

  consume(name: string, tag: string, offset: unknown): void {
    const rabbit = this.#rabbit
    const { content } = rabbit.queueOf(name)
    rabbit.checkBooted(name)
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

  deliver(tag: string, message: ReceivedMessage, reader: StreamReader): void {
    this.#deliveryTag += 1
    this.#unacknowledged.push({ tag: this.#deliveryTag, reader })
    this.#send(tag, this.#deliveryTag, message)
  }

  /** Acknowledges this delivery and all before it. */
  ack(deliveryTag: number): void {
    const readers = new Set<StreamReader>()
    for (let first = this.#unacknowledged[0]; first && first.tag <= deliveryTag; first = this.#unacknowledged[0]) {
      this.#unacknowledged.shift()
      first.reader.unacknowledged -= 1
      readers.add(first.reader)
    }
    for (const reader of readers) this.#readers.get(reader.tag)?.stream.pump(reader)
  }

  publish(message: PublishedMessage, mandatory: boolean, isAnswered: boolean, sequence: number): void {
    const rabbit = this.#rabbit
    this.connection.published()
    const queues = rabbit.route(message.exchange, message.routingKey)
    if (!queues) throw new Refusal(404, `no exchange '${message.exchange}' in vhost '/'`)
    const answer = (kind: 'ack' | 'return'): void => {
      if (this.isOpen) this.connection.down.send(() => this.#client.answered(kind, sequence))
    }
    const streams = queues.filter((queue) => queue instanceof StreamQueue)
    if (queues.length !== 1 || streams.length !== 1) this.isShared = true
    // While a node boots, messages to its streams are confirmed and not stored.
    const stored = rabbit.isBooting ? [] : streams
    for (const queue of queues)
      if (!(queue instanceof StreamQueue)) for (const deliver of queue.values()) deliver(message)
    if (mandatory && queues.length === streams.length && stored.length === 0) answer('return')
    if (stored.length === 0) {
      this.isShared = true
      if (isAnswered) answer('ack')
      return
    }
    let left = stored.length
    for (const stream of stored) {
      rabbit.publishInto(
        stream,
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
    this.connection.down.send(() => this.#client.consumerCancelled(tag))
  }

  close(): void {
    this.isOpen = false
    for (const { stream, reader } of this.#readers.values()) stream.readers.delete(reader)
    this.#readers.clear()
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
