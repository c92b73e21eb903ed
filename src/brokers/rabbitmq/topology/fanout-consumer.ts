import { randomUUID } from 'node:crypto'
import { asError } from '../../../core/model/error-text.ts'
import type { Message } from '../../../core/model/message.ts'
import { within } from '../../../core/timing/deadline.ts'
import { pause } from '../../../core/timing/pause.ts'
import type { FanoutConsumption, FanoutExchanges, FanoutListener } from '../../driver.ts'
import { ensureExchange } from '../channel/exchange.ts'
import { ReusableChannel } from '../channel/reusable-channel.ts'
import type { Channel } from '../connection/amqp.ts'
import type {
  ConnectionSession,
  ConnectionWatch,
  OpenConnection,
  ReconnectingConnection,
} from '../connection/reconnecting-connection.ts'
import { repliedWith, replyCodes, replyOf } from '../connection/reply-codes.ts'
import { fromAmqp, messageOf } from '../message/properties.ts'

const prefetch = 500
/** In milliseconds. */
const timings = {
  /**
   * How long the queue outlives its consumer. Messages are kept while the connection recovers, and
   * the queue of a dead replica is deleted.
   */
  queueExpires: 5 * 60 * 1000,
  /** How long RabbitMQ may take to answer on close. */
  close: 1_000,
  /** Messages are acknowledged together, at this interval and after `ackEvery` messages. */
  ack: 100,
  /**
   * How often the bindings are declared again. A deleted exchange takes its bindings along, and
   * RabbitMQ does not announce it.
   */
  rebind: 2_000,
}
const ackEvery = 100
/** The message that ended a consumer is among this many: its prefetch and some margin. */
const messagesInDoubt = prefetch + 100
/**
 * The head of the queue is dropped after this many connections ended when they asked for it alone.
 */
const endsBeforeDropped = 3
/** The maximum size of the queue in bytes. Beyond it RabbitMQ drops the oldest messages. */
const maxBacklogBytes = 64 * 1024 * 1024

export interface FanoutOptions extends FanoutExchanges {
  readonly watch: ConnectionWatch
  /** Called when a message was dropped that RabbitMQ cannot deliver to any consumer. */
  onUnreadable(queue: string): void
}

/**
 * Consumes fanout exchanges through one queue of this process, over connections that recover. The
 * queues of all replicas are bound to one durable exchange, and the exchanges of other programs are
 * bound to it. If RabbitMQ has lost those, the first replica that binds them again does it for all.
 */
export class FanoutConsumer implements FanoutConsumption {
  readonly #options: FanoutOptions
  readonly #receive: FanoutListener
  readonly #connection: ReconnectingConnection
  #queue: string
  #bound = false
  /**
   * RabbitMQ ended the last session because of its own failure, perhaps on a message that it cannot
   * deliver.
   */
  #failedOnMessage = false
  /** How many connections in a row ended when they asked for the head of the queue. */
  #endsAtHead = 0
  #channel: Channel | undefined
  /**
   * Messages that were received and not acknowledged yet, in order. `#returning` are those that a
   * lost connection returned to the queue, so RabbitMQ delivers them again.
   */
  #unacknowledged: Message[] = []
  #returning: Message[] = []

  constructor(openConnection: OpenConnection, options: FanoutOptions, receive: FanoutListener) {
    this.#options = options
    this.#receive = receive
    this.#queue = this.#newName()
    this.#connection = openConnection({
      ...options.watch,
      purpose: 'fanouts',
      establish: (session) => this.#establish(session),
    })
  }

  get bound(): boolean {
    return this.#bound
  }

  /** Deletes the queue. */
  async close(): Promise<void> {
    // The promise never settles if the connection is lost meanwhile.
    const deleted = this.#channel?.deleteQueue(this.#queue).catch(() => undefined)
    if (deleted) await within(timings.close, deleted)
    await this.#connection.close()
  }

  async #establish(session: ConnectionSession): Promise<void> {
    const { connection } = session
    const { own, fedBy, declared } = this.#options
    await ensureExchange(connection, own, 'fanout')
    for (const name of [...fedBy, ...declared]) await ensureExchange(connection, name, 'fanout', false)
    const channel = await connection.createChannel()
    channel.on('error', (error) => session.fail(error))
    channel.on('close', () => session.fail(new Error('the channel of fanout exchanges was closed')))
    try {
      await channel.assertQueue(this.#queue, {
        durable: true,
        arguments: {
          'x-queue-type': 'classic',
          'x-expires': timings.queueExpires,
          'x-max-length-bytes': maxBacklogBytes,
        },
      })
    } catch (error) {
      // For example, the node that holds the queue is down.
      if (replyOf(error)) {
        this.#queue = this.#newName()
        this.#bound = false
      }
      throw error
    }
    await this.#bind(channel)
    this.#bound = true
    // A session that has ended calls no listener any more, here and below.
    session.signal.throwIfAborted()
    session.signal.addEventListener('abort', () => {
      this.#returning = [...this.#unacknowledged, ...this.#returning]
      this.#unacknowledged = []
      this.#failedOnMessage ||= repliedWith(session.signal.reason, replyCodes.internalError)
    })
    if (this.#failedOnMessage) await this.#readOneByOne(session, channel)
    await channel.prefetch(prefetch)
    session.signal.throwIfAborted()
    const acknowledge = this.#startAcknowledging(session, channel)
    // Read without amqplib, which would round integers and fails on deeply nested tables.
    const consumerTag = randomUUID()
    const stopIntercepting = session.deliveries.intercept(consumerTag, (delivery) => {
      const message = messageOf(delivery)
      this.#unacknowledged.push(message)
      this.#onMessage(message)
      acknowledge()
    })
    session.signal.addEventListener('abort', stopIntercepting)
    // RabbitMQ cancels the consumer if the queue is deleted.
    await channel.consume(
      this.#queue,
      session.deliveries.callback(consumerTag, () => session.fail(new Error(`the queue "${this.#queue}" was deleted`))),
      { consumerTag },
    )
    session.signal.throwIfAborted()
    this.#channel = channel
    session.signal.addEventListener('abort', () => {
      this.#channel = undefined
    })
    void this.#maintainBindings(session)
  }

  /**
   * Reads one message at a time, past a message that RabbitMQ 4.0 cannot convert to AMQP 0-9-1.
   * Asking for such a message ends the connection and returns it to the head of the queue. With
   * `noAck` it leaves the queue before RabbitMQ fails, which is the only way to drop it alone.
   */
  async #readOneByOne(session: ConnectionSession, channel: Channel): Promise<void> {
    for (let left = messagesInDoubt; left > 0 && !session.signal.aborted; left -= 1) {
      const drop = this.#endsAtHead >= endsBeforeDropped
      const onEnd = (): void => {
        if (!repliedWith(session.signal.reason, replyCodes.internalError)) return
        this.#endsAtHead = drop ? 0 : this.#endsAtHead + 1
        if (drop) this.#options.onUnreadable(this.#queue)
      }
      session.signal.addEventListener('abort', onEnd)
      const delivery = await channel.get(this.#queue, { noAck: drop })
      session.signal.removeEventListener('abort', onEnd)
      this.#endsAtHead = 0
      if (!delivery) break
      this.#onMessage(fromAmqp(delivery))
      if (!drop) channel.ack(delivery)
    }
    this.#failedOnMessage = false
  }

  /**
   * Messages that were not acknowledged on a lost connection are delivered again first, in order.
   * They are skipped.
   */
  #onMessage(message: Message): void {
    const [returning] = this.#returning
    if (returning === undefined) return this.#receive(message)
    if (!message.redelivered) this.#returning = []
    else if (returning.body.equals(message.body) && returning.properties.messageId === message.properties.messageId) {
      this.#returning.shift()
      return
    }
    this.#receive(message)
  }

  async #bind(channel: Channel): Promise<void> {
    const { own, fedBy } = this.#options
    await channel.bindQueue(this.#queue, own, '')
    for (const name of fedBy) await channel.bindExchange(own, name, '')
  }

  async #maintainBindings(session: ConnectionSession): Promise<void> {
    const reusable = new ReusableChannel(session.connection)
    while (!session.signal.aborted) {
      await pause(timings.rebind, session.signal)
      if (session.signal.aborted) return
      try {
        await reusable.do(async (channel) => {
          for (const name of this.#options.declared) await channel.checkExchange(name)
          await this.#bind(channel)
        })
      } catch (error) {
        // The next session declares what is missing.
        session.fail(asError(error))
      }
    }
  }

  #startAcknowledging(session: ConnectionSession, channel: Channel): () => void {
    let unacknowledged = 0
    const ackPending = () => {
      if (unacknowledged === 0 || session.signal.aborted) return
      unacknowledged = 0
      this.#unacknowledged = []
      try {
        channel.ackAll()
      } catch {
        // The channel is closing and will emit its event.
      }
    }
    const timer = setInterval(ackPending, timings.ack)
    session.signal.addEventListener('abort', () => clearInterval(timer))
    return () => {
      unacknowledged += 1
      if (unacknowledged >= ackEvery) ackPending()
    }
  }

  #newName(): string {
    return `${this.#options.own}.${randomUUID()}`
  }
}
