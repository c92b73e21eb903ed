import amqp, { type ChannelModel, type ConfirmChannel } from 'amqplib'
import { pause } from './pause.ts'

export interface CarefulMessage {
  readonly exchange: string
  readonly routingKey: string
  readonly body: Buffer
  readonly messageId: string
}

const againMs = 50

/**
 * What a careful back end does: confirms, `mandatory`, a message id, and the same message again under the same id when it was
 * returned or refused, or when the connection went before the answer came.
 */
export class CarefulPublisher {
  readonly #urls: readonly string[]
  readonly #closing = new AbortController()
  #opening: Promise<ConfirmChannel> | undefined
  #connection: ChannelModel | undefined
  #gate: Promise<void> = Promise.resolve()
  #release = (): void => {}
  #turn = 0
  readonly #inFlight = new Map<string, { returned: boolean }>()
  /** How often something was published again. */
  retries = 0

  /** Several URLs are the nodes of one cluster: the next is tried when one doesn't answer. */
  constructor(...urls: readonly string[]) {
    this.#urls = urls
  }

  /** Resolves when RabbitMQ has confirmed it and has not returned it; rejects only when the publisher is closed first. */
  async publish(message: CarefulMessage): Promise<void> {
    for (;;) {
      await this.#gate
      this.#closing.signal.throwIfAborted()
      const stored = await this.#attempt(message).catch(() => false)
      if (stored) return
      this.retries += 1
      await pause(againMs)
    }
  }

  /**
   * Nothing is sent until `release`. For a broker that restarts: in the 0.25–0.45 s after a single node boots, AMQP is open before streams are,
   * and what anybody publishes is confirmed and not stored; `mandatory` returns it only where no other queue matched. That is RabbitMQ's and outside
   * Warren's guarantee, so this publisher waits until a probe has been stored (`RabbitNode.start` resolves then).
   */
  hold(): void {
    this.#gate = new Promise((resolve) => {
      this.#release = resolve
    })
  }

  release(): void {
    this.#release()
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the publisher was closed'))
    this.#release()
    await this.#connection?.close().catch(() => {})
  }

  async #attempt({ exchange, routingKey, body, messageId }: CarefulMessage): Promise<boolean> {
    const channel = await this.#channel()
    const state = { returned: false }
    this.#inFlight.set(messageId, state)
    try {
      const options = { messageId, mandatory: true, persistent: true, contentType: 'application/json' }
      const confirmed = await new Promise<boolean>((resolve) => {
        channel.publish(exchange, routingKey, body, options, (error: unknown) => resolve(error === null))
      })
      return confirmed && !state.returned
    } finally {
      this.#inFlight.delete(messageId)
    }
  }

  #channel(): Promise<ConfirmChannel> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async #open(): Promise<ConfirmChannel> {
    this.#turn += 1
    const url = this.#urls[this.#turn % this.#urls.length] as string
    const connection = await amqp.connect(url, { noDelay: true, timeout: 5_000 })
    this.#connection = connection
    const gone = (): void => {
      if (this.#connection !== connection) return
      this.#connection = undefined
      this.#opening = undefined
    }
    connection.on('error', () => {})
    connection.on('close', gone)
    const channel = await connection.createConfirmChannel()
    channel.on('error', () => {})
    channel.on('close', () => {
      gone()
      // A missing exchange ends only the channel.
      void connection.close().catch(() => {})
    })
    channel.on('return', ({ properties }) => {
      const state = this.#inFlight.get(String(properties.messageId))
      if (state) state.returned = true
    })
    return channel
  }
}
