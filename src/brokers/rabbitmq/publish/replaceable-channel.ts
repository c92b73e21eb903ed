import { asError } from '../../../core/model/error-text.ts'
import { type ConfirmChannel, IllegalOperationError } from '../connection/amqp.ts'
import type { ConnectionSession } from '../connection/reconnecting-connection.ts'
import { type BrokerReply, replyOf } from '../connection/reply-codes.ts'
import type { PendingPublish } from './pending-publish.ts'

/** What the user of a channel is notified of. */
interface ChannelUser {
  /** Called when a channel was opened, or amqplib's buffer has room again. */
  onReady(): void
  /** RabbitMQ has returned the message with this id as unroutable. */
  onReturn(messageId: string): void
  /** The channel was closed, and the connection was not. */
  onLost(): void
}

/**
 * The confirm channel that is in use now, at most one. Events of a channel that is no longer in use
 * are ignored.
 */
export class ReplaceableChannel {
  readonly #user: ChannelUser
  #channel: ConfirmChannel | undefined
  #opening = false
  #full = false
  #fault: BrokerReply | undefined

  constructor(user: ChannelUser) {
    this.#user = user
  }

  get isOpen(): boolean {
    return this.#channel !== undefined
  }

  /** amqplib's buffer is full, until the channel emits `drain`. */
  get isFull(): boolean {
    return this.#full
  }

  /** RabbitMQ's reply when it closed the channel, until another one is open. */
  get fault(): BrokerReply | undefined {
    return this.#fault
  }

  /** Opens a channel, unless one is being opened. If that fails, the session fails. */
  async open(session: ConnectionSession): Promise<void> {
    if (this.#opening) return
    this.#opening = true
    try {
      const channel = await session.connection.createConfirmChannel()
      if (session.signal.aborted) return
      this.#listen(channel, session)
      this.#fault = undefined
      this.#full = false
      this.#channel = channel
    } catch (error) {
      session.fail(asError(error))
    } finally {
      if (!session.signal.aborted) this.#opening = false
    }
    this.#user.onReady()
  }

  /**
   * `onAnswer` gets null on an ack. It gets an error of amqplib on a nack, or if the channel closed
   * before RabbitMQ answered. Returns false if the channel is closing and has not taken the
   * message. Throws if amqplib cannot encode its properties.
   */
  publish({ exchange, routingKey, body, options }: PendingPublish, onAnswer: (error: unknown) => void): boolean {
    const channel = this.#channel
    if (!channel) return false
    try {
      this.#full = !channel.publish(exchange, routingKey, body, options, onAnswer)
      return true
    } catch (error) {
      if (!(error instanceof IllegalOperationError)) throw error
      // The channel is closing and will emit its event.
      this.#channel = undefined
      return false
    }
  }

  close(): void {
    const channel = this.#channel
    this.#channel = undefined
    if (channel) closeQuietly(channel)
  }

  /** Called when an answer shows that the channel is closed. */
  lost(): void {
    this.#channel = undefined
    this.#full = false
  }

  /** Called when the connection is lost. A channel that is being opened does not count any more. */
  reset(): void {
    this.#opening = false
    this.lost()
  }

  #listen(channel: ConfirmChannel, session: ConnectionSession): void {
    channel.on('error', (error) => {
      if (channel === this.#channel) this.#fault = replyOf(error)
    })
    channel.on('return', ({ properties }) => {
      if (channel === this.#channel) this.#user.onReturn(String(properties.messageId))
    })
    channel.on('drain', () => {
      if (channel !== this.#channel) return
      this.#full = false
      this.#user.onReady()
    })
    channel.on('close', () => {
      if (channel !== this.#channel || session.signal.aborted) return
      this.lost()
      this.#user.onLost()
    })
  }
}

/**
 * amqplib throws if the channel is closing, and its promise never settles if the connection is lost
 * meanwhile.
 */
function closeQuietly(channel: ConfirmChannel): void {
  try {
    channel.close().catch(() => undefined)
  } catch {
    // It is closing already.
  }
}
