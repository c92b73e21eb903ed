import type { ChannelModel, ConfirmChannel } from '../connection/amqp.ts'

/**
 * Publishes to one stream, on a confirm channel that has nothing else, and that is replaced after a
 * return: RabbitMQ 3.9 to 3.13 lose messages of channels that also confirmed others
 * (rabbitmq-server #12236). What was written is known when it is read back, so that nobody waits
 * for a confirmation here, and the writer publishes again what does not come.
 */
export class StreamWriter {
  readonly #connection: ChannelModel
  readonly #exchange: string
  readonly #routingKey: string
  readonly #onFailure: (error: Error) => void
  #opening: Promise<ConfirmChannel> | undefined

  /** `onFailure`: RabbitMQ has ended the channel. */
  constructor(connection: ChannelModel, exchange: string, routingKey: string, onFailure: (error: Error) => void) {
    this.#connection = connection
    this.#exchange = exchange
    this.#routingKey = routingKey
    this.#onFailure = onFailure
  }

  /** Resolves when it is sent. Rejects where the connection is lost. */
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
