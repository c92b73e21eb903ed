import type { ChannelModel, ConfirmChannel } from '../connection/amqp.ts'

/**
 * Publishes to one stream, on a confirm channel that carries nothing else and is replaced after a
 * return. Otherwise RabbitMQ 3.9 to 3.13 lose messages of the channel (rabbitmq-server #12236).
 * Callers read back what they write and write it again if it does not arrive, so confirms are
 * ignored here.
 */
export class StreamWriter {
  readonly #connection: ChannelModel
  readonly #exchange: string
  readonly #routingKey: string
  readonly #onFailure: (error: Error) => void
  #opening: Promise<ConfirmChannel> | undefined

  /** `onFailure` is called when RabbitMQ closes the channel. */
  constructor(connection: ChannelModel, exchange: string, routingKey: string, onFailure: (error: Error) => void) {
    this.#connection = connection
    this.#exchange = exchange
    this.#routingKey = routingKey
    this.#onFailure = onFailure
  }

  /** Resolves when the message is sent. Rejects if the connection is lost. */
  async write(messageId: string, body: Buffer): Promise<void> {
    this.#opening ??= this.#open()
    const channel = await this.#opening
    channel.publish(this.#exchange, this.#routingKey, body, { mandatory: true, persistent: true, messageId }, () => {})
  }

  async #open(): Promise<ConfirmChannel> {
    const channel = await this.#connection.createConfirmChannel()
    channel.on('error', this.#onFailure)
    channel.on('return', () => {
      this.#opening = undefined
      channel.close().catch(() => undefined)
    })
    return channel
  }
}
