import { EventEmitter } from 'node:events'
import { IllegalOperationError } from 'amqplib'
import { ClientChannel } from './client-channel.ts'
import type { DeliveryReader } from './delivery-reader.ts'
import type { ServerConnection } from './server-connection.ts'

/** amqplib's side of a connection. */
export class ClientConnection extends EventEmitter {
  readonly connection = { frameMax: 131_072 }
  readonly server: ServerConnection
  readonly channels = new Set<ClientChannel>()
  readonly deliveries: DeliveryReader | undefined
  /** Rejects the attempt to connect. Undefined: it is connected. */
  connecting: ((error: Error) => void) | undefined
  #isOpen = true
  #isEnded = false

  constructor(server: ServerConnection, deliveries: DeliveryReader | undefined) {
    super()
    this.server = server
    this.deliveries = deliveries
  }

  createChannel(): Promise<ClientChannel> {
    return this.#open(false)
  }

  createConfirmChannel(): Promise<ClientChannel> {
    return this.#open(true)
  }

  /** Never settles if the connection is lost meanwhile, as amqplib's. */
  async close(): Promise<void> {
    if (!this.#isOpen) throw new IllegalOperationError('Connection closed', '')
    this.#isOpen = false
    return new Promise((resolve) => {
      this.server.up.send(() => {
        this.server.down.send(() => {
          this.#end(undefined)
          resolve()
        })
        this.server.rabbit.clientClosed(this.server)
      })
    })
  }

  noteRead(): void {
    if (this.deliveries) this.deliveries.reads += 1
  }

  /** The socket is gone, or RabbitMQ closed the connection. */
  lost(error: Error): void {
    if (this.connecting) return this.connecting(error)
    if (this.#isEnded) return
    this.#isOpen = false
    if ((error as { code?: unknown }).code !== 320) this.emit('error', error)
    this.#end(error)
  }

  #end(error: Error | undefined): void {
    this.#isOpen = false
    this.#isEnded = true
    for (const channel of this.channels) channel.closed()
    this.emit('close', error)
  }

  async #open(confirms: boolean): Promise<ClientChannel> {
    if (!this.#isOpen) throw new IllegalOperationError('Connection closed', '')
    const channel = new ClientChannel(this, confirms)
    return new Promise((resolve, reject) => {
      const failed = (error?: Error): void => reject(error ?? new IllegalOperationError('Connection closed', ''))
      this.once('close', failed)
      this.server.up.send(() => {
        channel.opened()
        this.server.down.send(() => {
          this.noteRead()
          this.off('close', failed)
          this.channels.add(channel)
          resolve(channel)
        })
      })
    })
  }
}
