import { randomUUID } from 'node:crypto'
import { asError } from '../../../core/model/error-text.ts'
import type { Message } from '../../../core/model/message.ts'
import { within } from '../../../core/timing/deadline.ts'
import { pause } from '../../../core/timing/pause.ts'
import type { FanoutExchanges, FanoutListener } from '../../driver.ts'
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
   * How long the queue outlives its listener: what comes while the connection heals is kept, and
   * what a dead replica leaves behind goes.
   */
  queueExpires: 5 * 60 * 1000,
  /** What RabbitMQ is given to answer on close. */
  close: 1_000,
  /** Acknowledged together this often, and every so many. */
  ack: 100,
  /**
   * How often the bindings are made again: an exchange that is deleted takes them along, and nobody
   * is told.
   */
  again: 2_000,
}
const ackEvery = 100
/** What ended a consumer is among so many messages: its prefetch, and some to spare. */
const messagesInDoubt = prefetch + 100
/**
 * The head of the queue is dropped after it has ended so many connections that asked for it alone.
 */
const endsBeforeDropped = 3
/** What the queue may hold meanwhile, in bytes; then the oldest goes. */
const maxBacklogBytes = 64 * 1024 * 1024

export interface FanoutOptions extends FanoutExchanges {
  readonly watch: ConnectionWatch
  /** A message was dropped that RabbitMQ can hand to nobody. */
  onUnreadable(queue: string): void
}

/**
 * What comes to some fanout exchanges, through one queue of this process's own, over connections
 * that heal. The queues of all replicas hang on one durable exchange, and the exchanges of others
 * feed that one: where RabbitMQ has forgotten those, the first replica that binds them again does
 * it for all.
 */
export class FanoutConsumer {
  readonly #options: FanoutOptions
  readonly #receive: FanoutListener
  readonly #link: ReconnectingConnection
  #queue: string
  /**
   * RabbitMQ ended the last session over a failure of its own: perhaps over a message that it
   * cannot hand out.
   */
  #broken = false
  /** How many connections in a row ended while they asked for the head of the queue. */
  #endsAtHead = 0
  #channel: Channel | undefined
  /**
   * Received and not acknowledged yet, in order; what of it a lost connection returned to the
   * queue, and so comes again.
   */
  #unacknowledged: Message[] = []
  #returning: Message[] = []

  constructor(openConnection: OpenConnection, options: FanoutOptions, receive: FanoutListener) {
    this.#options = options
    this.#receive = receive
    this.#queue = this.#newName()
    this.#link = openConnection({
      ...options.watch,
      purpose: 'fanouts',
      establish: (session) => this.#establish(session),
    })
  }

  /** The queue goes with it. */
  async close(): Promise<void> {
    // Its promise never settles where the connection is lost meanwhile.
    const deleted = this.#channel?.deleteQueue(this.#queue).catch(() => undefined)
    if (deleted) await within(timings.close, deleted)
    await this.#link.close()
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
      // The node that had it is down, for instance.
      if (replyOf(error)) this.#queue = this.#newName()
      throw error
    }
    await this.#bind(channel)
    session.signal.addEventListener('abort', () => {
      this.#returning = [...this.#unacknowledged, ...this.#returning]
      this.#unacknowledged = []
      this.#broken ||= repliedWith(session.signal.reason, replyCodes.internalError)
    })
    if (this.#broken) await this.#readCarefully(session, channel)
    await channel.prefetch(prefetch)
    const acknowledge = this.#acknowledging(session, channel)
    // Read in place: amqplib would round integers, and end with what nests too deep for it.
    const consumerTag = randomUUID()
    const stopTaking = session.deliveries.take(consumerTag, (delivery) => {
      const message = messageOf(delivery)
      this.#unacknowledged.push(message)
      this.#take(message)
      acknowledge()
    })
    session.signal.addEventListener('abort', stopTaking)
    // Only a cancellation comes this way: somebody deleted the queue.
    await channel.consume(this.#queue, () => session.fail(new Error(`the queue "${this.#queue}" is gone`)), {
      consumerTag,
    })
    this.#channel = channel
    session.signal.addEventListener('abort', () => {
      this.#channel = undefined
    })
    void this.#tend(session)
  }

  /**
   * One message at a time, past one that RabbitMQ 4.0 cannot turn into AMQP 0-9-1: asking for it
   * ends the connection, and it comes back to the head of the queue. Asked for without
   * acknowledgement it is gone from the queue before RabbitMQ fails, which is the only way to be
   * rid of it alone.
   */
  async #readCarefully(session: ConnectionSession, channel: Channel): Promise<void> {
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
      this.#take(fromAmqp(delivery))
      if (!drop) channel.ack(delivery)
    }
    this.#broken = false
  }

  /**
   * What was received on a connection that was lost before it was acknowledged comes first, in its
   * order.
   */
  #take(message: Message): void {
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

  async #tend(session: ConnectionSession): Promise<void> {
    const kept = new ReusableChannel(session.connection)
    while (!session.signal.aborted) {
      await pause(timings.again, session.signal)
      if (session.signal.aborted) return
      try {
        await kept.do(async (channel) => {
          for (const name of this.#options.declared) await channel.checkExchange(name)
          await this.#bind(channel)
        })
      } catch (error) {
        // The next session declares what is missing.
        session.fail(asError(error))
      }
    }
  }

  #acknowledging(session: ConnectionSession, channel: Channel): () => void {
    let unacknowledged = 0
    const flush = () => {
      if (unacknowledged === 0 || session.signal.aborted) return
      unacknowledged = 0
      this.#unacknowledged = []
      try {
        channel.ackAll()
      } catch {
        // The channel is ending, and says so in a moment.
      }
    }
    const timer = setInterval(flush, timings.ack)
    session.signal.addEventListener('abort', () => clearInterval(timer))
    return () => {
      unacknowledged += 1
      if (unacknowledged >= ackEvery) flush()
    }
  }

  #newName(): string {
    return `${this.#options.own}.${randomUUID()}`
  }
}
