import type { Socket } from 'node:net'
import amqp, { type ChannelModel, type ConfirmChannel } from 'amqplib'
import { pause } from './pause.ts'

export interface CarefulMessage {
  readonly exchange: string
  readonly routingKey: string
  readonly body: Buffer
  /**
   * Without an id RabbitMQ's return does not identify the message, and the routing key is compared.
   */
  readonly messageId?: string
  readonly headers?: Readonly<Record<string, string>>
  /** The event type. */
  readonly type?: string
}

export interface CarefulOptions {
  /**
   * How long RabbitMQ may take to answer before the publisher closes the connection and sends the
   * message to the next node. Default: without limit.
   */
  readonly answerMs?: number
  /**
   * If true, the publisher replaces a channel after a return. RabbitMQ 3.9 to 3.13 needs that: at a
   * change of the stream's leader they lose as many messages as the channel has confirmed
   * elsewhere.
   */
  readonly replaceReturned?: boolean
  /** Called once for each channel, to publish other messages on it. */
  readonly onChannel?: (channel: ConfirmChannel) => void
}

const againMs = 50
const connectMs = 5_000
/** How long a node may take to close a connection that the publisher has left. */
const leaveMs = 500

/**
 * A careful back end: confirms, `mandatory`, a message id, and a retry under the same id if the
 * message was returned or refused, or if the connection closed before the answer.
 */
export class CarefulPublisher {
  readonly #urls: readonly string[]
  readonly #options: CarefulOptions
  readonly #closing = new AbortController()
  #opening: Promise<ConfirmChannel> | undefined
  #connection: ChannelModel | undefined
  #using: ConfirmChannel | undefined
  #gate: Promise<void> = Promise.resolve()
  #release = (): void => {}
  #turn = 0
  readonly #inFlight = new Map<string, { returned: boolean }>()
  /** How many publications were repeats. */
  retries = 0

  /**
   * Several URLs are the nodes of one cluster: if one does not answer, the publisher tries the
   * next.
   */
  constructor(urls: string | readonly string[], options: CarefulOptions = {}) {
    this.#urls = [urls].flat()
    this.#options = options
  }

  /**
   * Resolves when RabbitMQ has confirmed the message and has not returned it; rejects only if the
   * publisher is closed first. A function returns the message for each attempt.
   */
  async publish(message: CarefulMessage | ((attempt: number) => CarefulMessage)): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      await this.#gate
      this.#closing.signal.throwIfAborted()
      const one = typeof message === 'function' ? message(attempt) : message
      const stored = await this.#attempt(one).catch(() => false)
      if (stored) return
      this.retries += 1
      await pause(againMs)
    }
  }

  /**
   * Sends nothing until `release`. For a restart of the broker: in the 0.25–0.45 s after a single
   * node boots, AMQP is open before streams are. What is published then is confirmed and not
   * stored; `mandatory` returns it only if no other queue matched. That is RabbitMQ's behaviour and
   * outside Warren's guarantee, so this publisher waits until a probe has been stored
   * (`RabbitNode.start` resolves then).
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

  async #attempt({ exchange, routingKey, body, messageId, headers, type }: CarefulMessage): Promise<boolean> {
    const channel = await this.#channel()
    const state = { returned: false }
    const name = messageId ?? routingKey
    this.#inFlight.set(name, state)
    const { answerMs, replaceReturned } = this.#options
    let timer: NodeJS.Timeout | undefined
    try {
      const options = { messageId, headers, type, mandatory: true, persistent: true, contentType: 'application/json' }
      const answer = await new Promise<'confirmed' | 'refused' | 'none'>((resolve) => {
        channel.publish(exchange, routingKey, body, options, (error: unknown) =>
          resolve(error === null ? 'confirmed' : 'refused'),
        )
        if (answerMs !== undefined) timer = setTimeout(resolve, answerMs, 'none')
      })
      if (answer === 'none' || (state.returned && replaceReturned)) this.#leave(channel)
      return answer === 'confirmed' && !state.returned
    } finally {
      clearTimeout(timer)
      this.#inFlight.delete(name)
    }
  }

  /** Messages in flight on it are answered with an error, and published again on the next node. */
  #leave(channel: ConfirmChannel): void {
    if (this.#using !== channel) return
    const connection = this.#connection
    this.#using = undefined
    this.#connection = undefined
    this.#opening = undefined
    // A frozen or disconnected peer does not answer a close.
    void connection?.close().catch(() => {})
    setTimeout(destroyConnection, leaveMs, connection)
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
    const connection = await amqp.connect(url, { noDelay: true, timeout: connectMs })
    this.#connection = connection
    const gone = (): void => {
      if (this.#connection !== connection) return
      this.#connection = undefined
      this.#using = undefined
      this.#opening = undefined
    }
    connection.on('error', () => {})
    connection.on('close', gone)
    // A node that freezes now would delay it for ever.
    const timer = setTimeout(destroyConnection, connectMs, connection)
    const channel = await connection.createConfirmChannel().finally(() => clearTimeout(timer))
    channel.on('error', () => {})
    channel.on('close', () => {
      gone()
      // A missing exchange closes only the channel.
      void connection.close().catch(() => {})
    })
    channel.on('return', ({ fields, properties }) => {
      const state = this.#inFlight.get(String(properties.messageId ?? fields.routingKey))
      if (state) state.returned = true
    })
    this.#using = channel
    this.#options.onChannel?.(channel)
    return channel
  }
}

/**
 * Destroys the connection without a close handshake, because a frozen or disconnected peer does not
 * answer one.
 */
export function destroyConnection(connection: ChannelModel | undefined): void {
  // The types of amqplib lack the socket.
  const { connection: inner } = (connection ?? {}) as unknown as { connection?: { stream?: Socket } }
  inner?.stream?.destroy()
}
