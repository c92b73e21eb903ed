import type { Channel, ChannelModel } from '../connection/amqp.ts'

/**
 * A channel for work that is repeated and seldom refused: a refusal ends it, and the next piece of
 * work gets another. One piece at a time.
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
    const gone = (): void => {
      if (this.#channel === channel) this.#channel = undefined
    }
    channel.on('error', gone)
    channel.on('close', gone)
    return channel
  }
}
