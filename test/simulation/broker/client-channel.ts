import { EventEmitter } from 'node:events'
import { IllegalOperationError } from 'amqplib'
import type { MessageProperties } from '../../../src/core/model/message.ts'
import type { ClientConnection } from './client-connection.ts'
import { Refusal } from './refusal.ts'
import { type DeclareOptions, type PublishedMessage, ServerChannel } from './server-channel.ts'

interface PublishOptions extends MessageProperties {
  readonly mandatory?: boolean
  /** A message that RabbitMQ 4 cannot deliver over AMQP 0-9-1. */
  readonly unreadable?: boolean
}

type Confirmed = (error: Error | null) => void

interface Received {
  readonly offset?: number
  readonly exchange: string
  readonly routingKey: string
  readonly body: Buffer
  readonly properties: MessageProperties
  readonly redelivered?: boolean
}

/**
 * amqplib's side of a channel: its methods, its events and its errors, as far as Warren uses them.
 */
export class ClientChannel extends EventEmitter {
  readonly connection: ClientConnection
  readonly #server: ServerChannel
  readonly #confirms: boolean
  #isOpen = true
  #sequence = 0
  #tags = 0
  readonly #pending = new Set<(error: Error) => void>()
  readonly #unconfirmed = new Map<number, { readonly done: Confirmed; readonly message: PublishedMessage }>()
  readonly #consumers = new Map<string, (message: unknown) => void>()

  constructor(connection: ClientConnection, confirms: boolean) {
    super()
    this.connection = connection
    this.#confirms = confirms
    this.#server = new ServerChannel(connection.server, this)
  }

  /** Called by the connection when RabbitMQ has opened the channel. */
  opened(): void {
    this.connection.server.channels.add(this.#server)
  }

  prefetch(count: number): Promise<unknown> {
    return this.#call('BasicQos', 60, 10, (server) => {
      server.prefetch = count
    })
  }

  assertExchange(name: string, type: string, _options?: unknown): Promise<unknown> {
    return this.#call('ExchangeDeclare', 40, 10, ({ connection }) => connection.rabbit.declareExchange(name, type))
  }

  checkExchange(name: string): Promise<unknown> {
    return this.#call('ExchangeDeclare', 40, 10, ({ connection }) => connection.rabbit.checkExchange(name))
  }

  assertQueue(name: string, options: DeclareOptions): Promise<unknown> {
    return this.#call('QueueDeclare', 50, 10, (server) => server.assertQueue(name, options))
  }

  checkQueue(name: string): Promise<unknown> {
    return this.#call('QueueDeclare', 50, 10, (server) => server.checkQueue(name))
  }

  bindQueue(queue: string, exchange: string, key: string, args: object = {}): Promise<unknown> {
    const label = JSON.stringify(args)
    return this.#call('QueueBind', 50, 20, ({ connection }) => connection.rabbit.bind(queue, exchange, key, label))
  }

  unbindQueue(queue: string, exchange: string, key: string, args: object = {}): Promise<unknown> {
    const label = JSON.stringify(args)
    return this.#call('QueueUnbind', 50, 50, ({ connection }) => connection.rabbit.unbind(queue, exchange, key, label))
  }

  unbindExchange(): Promise<unknown> {
    return this.#call('ExchangeUnbind', 40, 40, () => undefined)
  }

  deleteQueue(name: string): Promise<unknown> {
    return this.#call('QueueDelete', 50, 40, ({ connection }) => connection.rabbit.deleteQueue(name))
  }

  async consume(
    queue: string,
    onMessage: (message: unknown) => void,
    options: { readonly consumerTag?: string; readonly arguments?: Readonly<Record<string, unknown>> } = {},
  ): Promise<{ consumerTag: string }> {
    this.#tags += 1
    const tag = options.consumerTag ?? `tag-${this.#tags}`
    this.#consumers.set(tag, onMessage)
    await this.#call('BasicConsume', 60, 20, (server) =>
      server.consume(queue, tag, options.arguments?.['x-stream-offset']),
    )
    return { consumerTag: tag }
  }

  ack({ fields }: { readonly fields: { readonly deliveryTag: number } }, allUpTo = false): void {
    this.#checkOpen()
    const { deliveryTag } = fields
    this.connection.server.up.send(() => {
      if (this.#server.isOpen) this.#server.ack(deliveryTag, allUpTo)
    })
  }

  publish(exchange: string, routingKey: string, body: Buffer, options: PublishOptions = {}, done?: Confirmed): boolean {
    this.#checkOpen()
    this.#sequence += 1
    const sequence = this.#sequence
    const { mandatory = false, unreadable = false, ...given } = options
    const message = { exchange, routingKey, body, properties: asReceived(given), unreadable }
    if (this.#confirms && done) this.#unconfirmed.set(sequence, { done, message })
    this.connection.server.up.send(() => {
      if (!this.#server.isOpen) return
      try {
        this.#server.publish(message, mandatory, this.#confirms, sequence)
      } catch (error) {
        this.#refuse(error, 60, 40)
      }
    })
    return true
  }

  async close(): Promise<void> {
    this.#checkOpen()
    this.#isOpen = false
    await new Promise<void>((resolve) => {
      this.connection.server.up.send(() => {
        if (this.#server.isOpen) this.#server.close()
        this.connection.server.down.send(() => {
          this.closed()
          resolve()
        })
      })
    })
  }

  received(tag: string, deliveryTag: number, message: Received): void {
    const { connection } = this
    connection.noteRead()
    const onMessage = this.#consumers.get(tag)
    if (!onMessage || !this.#isOpen) return
    const { exchange, routingKey, body, properties, offset, redelivered = false } = message
    const delivery = { deliveryTag, redelivered, streamOffset: offset, exchange, routingKey, properties, body }
    if (connection.deliveries?.receive(tag, delivery)) return
    onMessage({
      content: body,
      fields: { deliveryTag, redelivered, exchange, routingKey, consumerTag: tag },
      properties,
    })
  }

  consumerCancelled(tag: string): void {
    this.connection.noteRead()
    const onMessage = this.#consumers.get(tag)
    this.#consumers.delete(tag)
    if (this.#isOpen) onMessage?.(null)
  }

  answered(kind: 'ack' | 'return', sequence: number): void {
    this.connection.noteRead()
    // amqplib ignores what comes after it has asked to close the channel.
    if (!this.#isOpen) return
    const found = this.#unconfirmed.get(sequence)
    if (kind === 'return') {
      if (found) this.emit('return', { properties: found.message.properties, fields: {} })
      return
    }
    this.#unconfirmed.delete(sequence)
    found?.done(null)
  }

  /** Nothing will be answered any more. */
  closed(): void {
    this.#isOpen = false
    this.connection.channels.delete(this)
    const unconfirmed = [...this.#unconfirmed.values()]
    this.#unconfirmed.clear()
    for (const reject of this.#pending)
      reject(new IllegalOperationError('Channel ended, no reply will be forthcoming', ''))
    this.#pending.clear()
    for (const { done } of unconfirmed) done(new Error('channel closed'))
    this.emit('close')
  }

  /** One request and its answer. */
  async #call<Result>(
    method: string,
    classId: number,
    methodId: number,
    work: (server: ServerChannel) => Result,
  ): Promise<Result> {
    this.#checkOpen()
    const { server } = this.connection
    return new Promise<Result>((resolve, reject) => {
      this.#pending.add(reject)
      server.up.send(() => {
        if (!this.#server.isOpen) return
        try {
          const result = work(this.#server)
          server.down.send(() => {
            this.connection.noteRead()
            this.#pending.delete(reject)
            resolve(result)
          })
        } catch (error) {
          this.#refuse(error, classId, methodId, (refusal) => {
            this.#pending.delete(reject)
            reject(refusal.toError(`Operation failed: ${method}`, classId, methodId))
          })
        }
      })
    })
  }

  /** RabbitMQ closes the channel. */
  #refuse(error: unknown, classId: number, methodId: number, answer?: (refusal: Refusal) => void): void {
    if (!(error instanceof Refusal)) throw error
    this.#server.close()
    this.connection.server.down.send(() => {
      this.connection.noteRead()
      answer?.(error)
      this.emit('error', error.toError('Channel closed by server', classId, methodId))
      this.closed()
    })
  }

  #checkOpen(): void {
    if (!this.#isOpen) throw new IllegalOperationError('Channel closed', '')
  }
}

/** What a consumer of AMQP 0-9-1 receives of these properties: a timestamp has whole seconds. */
function asReceived({ timestamp, headers, ...same }: MessageProperties & { persistent?: boolean }): MessageProperties {
  const { persistent: _, ...properties } = same
  return {
    ...properties,
    headers: headers ?? {},
    ...(timestamp === undefined ? {} : { timestamp: timestamp * 1000 }),
  }
}
