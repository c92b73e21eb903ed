import type { Channel, ChannelModel } from '../connection/amqp.ts'

/**
 * A channel for repeated operations that RabbitMQ rarely refuses. A refusal closes the channel, and
 * the next operation opens another. Callers run one operation at a time.
 */
export class ReusableChannel {
  readonly #connection: ChannelModel
  #channel: Channel | undefined

  constructor(connection: ChannelModel) {
    this.#connection = connection
  }

  async do(work: (channel: Channel) => Promise<unknown>): Promise<void> {
    this.#channel ??= await this.#open()
    await work(this.#channel)
  }

  async #open(): Promise<Channel> {
    const channel = await this.#connection.createChannel()
    const forget = (): void => {
      if (this.#channel === channel) this.#channel = undefined
    }
    channel.on('error', forget)
    channel.on('close', forget)
    return channel
  }
}
