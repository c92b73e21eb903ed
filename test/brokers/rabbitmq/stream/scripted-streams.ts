import { EventEmitter } from 'node:events'
import type { OpenConnection } from '../../../../src/brokers/rabbitmq/connection/reconnecting-connection.ts'
import type { DeliveryListener } from '../../../../src/brokers/rabbitmq/message/delivery-reader.ts'
import { fromReadBuffer } from '../../../simulation/broker/delivery-reader.ts'

interface Stored {
  readonly exchange: string
  readonly routingKey: string
  readonly body: Buffer
  readonly messageId: string | undefined
}

interface Consumer {
  readonly tag: string
  readonly take: (message: unknown) => void
  next: number
}

class Stream {
  /** The oldest offset that retention has kept. */
  oldest = 0
  readonly entries: Stored[] = []
  readonly consumers = new Set<Consumer>()
}

/**
 * RabbitMQ with streams, direct exchanges and one connection at a time, and no faults but those of
 * the test. A routing key is the name of a stream.
 */
export class ScriptedStreams {
  readonly #streams = new Map<string, Stream>()
  readonly #listeners = new Map<string, DeliveryListener>()
  /** Called before a consumer of a stream starts. */
  onConsume: (stream: string) => void = () => {}
  /** How long a consumer takes to learn that its stream was deleted. */
  cancelMs = 0
  sessions = 0
  /** The connection ends. */
  loseConnection = (): void => undefined

  readonly openConnection = ((options) => {
    let closed = false
    const session = (): void => {
      if (closed) return
      this.sessions += 1
      const ended = new AbortController()
      const fail = (error: Error): void => {
        if (ended.signal.aborted) return
        ended.abort(error)
        options.onDown?.(error.message)
        setImmediate(session)
      }
      this.loseConnection = () => fail(new Error('the connection was lost'))
      const connection = this.#connection(ended.signal)
      options
        .establish({
          connection,
          deliveries: {
            intercept: (tag: string, listener: DeliveryListener, { inReadBuffer = false } = {}) => {
              this.#listeners.set(tag, inReadBuffer ? fromReadBuffer(listener) : listener)
              return () => void this.#listeners.delete(tag)
            },
            callback: (_tag: string, onCancel: () => void) => (message: unknown) => {
              if (message === null) onCancel()
            },
          },
          fail,
          failNode: (reason: string) => fail(new Error(reason)),
          mayMove: false,
          openSibling: async () => ({ connection, close: async () => {} }),
          signal: ended.signal,
        } as never)
        .then(() => ended.signal.aborted || options.onUp?.(), fail)
    }
    setImmediate(session)
    return {
      async close() {
        closed = true
      },
    }
  }) as OpenConnection

  publish(stream: string, body: string, messageId?: string): void {
    this.#store(stream, { exchange: 'events', routingKey: 'client.a', body: Buffer.from(body), messageId })
  }

  /** A gateway writes to its own stream. */
  publishMark(stream: string, body: Buffer, messageId: string | undefined): void {
    this.#store(stream, { exchange: stream, routingKey: stream, body, messageId })
  }

  /** What a stream holds. */
  bodiesOf(stream: string): string[] {
    return this.#streams.get(stream)?.entries.map(({ body }) => body.toString()) ?? []
  }

  /** An operator deletes the stream. */
  delete(stream: string): void {
    const deleted = this.#streams.get(stream)
    this.#streams.delete(stream)
    for (const { take } of deleted?.consumers ?? []) setTimeout(() => take(null), this.cancelMs)
  }

  /** Retention removes what is before this offset. */
  trim(name: string, oldest: number): void {
    const stream = this.#streams.get(name)
    if (stream) stream.oldest = oldest
  }

  declare(stream: string): void {
    if (!this.#streams.has(stream)) this.#streams.set(stream, new Stream())
  }

  #store(name: string, entry: Stored): void {
    const stream = this.#streams.get(name)
    stream?.entries.push(entry)
    for (const consumer of stream?.consumers ?? []) this.#deliver(name, consumer)
  }

  #deliver(name: string, consumer: Consumer): void {
    setImmediate(() => {
      const stream = this.#streams.get(name)
      if (!stream?.consumers.has(consumer)) return
      for (let entry = stream.entries[consumer.next]; entry; entry = stream.entries[consumer.next]) {
        const offset = consumer.next
        consumer.next += 1
        const { exchange, routingKey, body, messageId } = entry
        const listener = this.#listeners.get(consumer.tag)
        const deliveryTag = offset + 1
        const properties = { messageId }
        listener?.({ deliveryTag, redelivered: false, streamOffset: offset, exchange, routingKey, properties, body })
        if (!listener) consumer.take({ content: body, fields: { deliveryTag }, properties })
      }
    })
  }

  #connection(lost: AbortSignal) {
    return {
      createChannel: async () => this.#channel(lost),
      createConfirmChannel: async () =>
        Object.assign(this.#channel(lost), {
          publish: (exchange: string, routingKey: string, body: Buffer, { messageId }: { messageId: string }) =>
            this.#store(routingKey, { exchange, routingKey, body, messageId }),
        }),
    }
  }

  #channel(lost: AbortSignal) {
    return Object.assign(new EventEmitter(), {
      close: async () => {},
      prefetch: async () => {},
      ack: () => {},
      assertExchange: async () => {},
      bindQueue: async () => {},
      deleteQueue: async () => {},
      assertQueue: async (name: string, { exclusive }: { exclusive?: boolean }) => {
        if (!exclusive) this.declare(name)
      },
      checkQueue: async (name: string) => {
        if (this.#streams.has(name)) return
        throw Object.assign(new Error(`no queue '${name}'`), { code: 404 })
      },
      consume: async (
        name: string,
        take: Consumer['take'],
        options: { consumerTag?: string; arguments: Record<string, unknown> },
      ) => {
        this.onConsume(name)
        lost.throwIfAborted()
        const stream = this.#streams.get(name)
        if (!stream) throw Object.assign(new Error(`no queue '${name}'`), { code: 404 })
        const offset = options.arguments['x-stream-offset']
        const from = typeof offset === 'number' ? offset : offset === 'next' ? stream.entries.length : 0
        const next = Math.max(from, stream.oldest)
        const consumer = { tag: options.consumerTag ?? '', take, next }
        stream.consumers.add(consumer)
        lost.addEventListener('abort', () => stream.consumers.delete(consumer))
        this.#deliver(name, consumer)
      },
    })
  }
}
