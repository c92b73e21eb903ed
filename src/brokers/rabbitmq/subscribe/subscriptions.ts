import type { Observer } from '../../../core/ports/observer.ts'
import { pause } from '../../../core/timing/pause.ts'
import { GatewayError } from '../../../errors.ts'
import type { Receive, SubscribeOptions, Subscription } from '../../driver.ts'
import { ensureExchange } from '../channel/exchange.ts'
import type {
  ConnectionSession,
  OpenConnection,
  ReconnectingConnection,
} from '../connection/reconnecting-connection.ts'
import { type BrokerReply, replyOf } from '../connection/reply-codes.ts'
import { declareSetAside } from '../topology/dead-letter-queue.ts'
import { AmqpSubscription, type SubscriptionPlace } from './subscription.ts'

/** In milliseconds. */
const timings = {
  /** How long `subscribe` waits for a broker that is away. */
  answer: 10_000,
  /** Before a subscription that has ended alone is put in force again. */
  again: 500,
}

/** The subscriptions of one Distributor, put in force on each new connection. */
export class Subscriptions {
  readonly #place: SubscriptionPlace
  readonly #log: Observer['log']
  readonly #openConnection: OpenConnection
  readonly #inForce = new Set<AmqpSubscription>()
  /** Asked for, and not in force yet. */
  readonly #asked = new Map<AmqpSubscription, (refusal?: BrokerReply) => void>()
  #link: ReconnectingConnection | undefined
  #session: ConnectionSession | undefined
  #away = 'there is no connection yet'

  constructor(openConnection: OpenConnection, place: SubscriptionPlace, log: Observer['log']) {
    this.#openConnection = openConnection
    this.#place = place
    this.#log = log
  }

  /** As `Driver.subscribe`. */
  async subscribe(topics: readonly string[], receive: Receive, options: SubscribeOptions): Promise<Subscription> {
    const subscription = new AmqpSubscription(this.#place, topics, receive, options, () => {
      this.#inForce.delete(subscription)
    })
    this.#link ??= this.#open()
    const answered = new Promise<BrokerReply | undefined>((resolve) => this.#asked.set(subscription, resolve))
    if (this.#session) void this.#start(this.#session, subscription)
    const late = AbortSignal.timeout(timings.answer)
    const timeUp = new Promise<'late'>((resolve) => late.addEventListener('abort', () => resolve('late')))
    const answer = await Promise.race([answered, timeUp])
    this.#asked.delete(subscription)
    if (answer === undefined) return subscription
    await subscription.close()
    if (answer === 'late')
      throw new GatewayError('BROKER_UNAVAILABLE', `the subscription is not in force: ${this.#away}`)
    throw new GatewayError('SOURCE_CONFLICT', `RabbitMQ refuses the subscription: ${answer.text}`)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#inForce, ...this.#asked.keys()].map((subscription) => subscription.close()))
    await this.#link?.close()
  }

  #open(): ReconnectingConnection {
    return this.#openConnection({
      purpose: 'consuming',
      establish: (session) => this.#establish(session),
      onDown: (reason) => this.#log('warn', `subscriptions are interrupted: ${reason}`),
      onRetry: (reason) => {
        this.#away = reason
      },
    })
  }

  async #establish(session: ConnectionSession): Promise<void> {
    const { name, type, durable } = this.#place.exchange
    await ensureExchange(session.connection, name, type, durable)
    await declareSetAside(session.connection, this.#place.deadLetterExchange)
    session.signal.addEventListener('abort', () => {
      this.#session = undefined
    })
    if (session.signal.aborted) return
    this.#session = session
    await Promise.all(
      [...this.#inForce, ...this.#asked.keys()].map((subscription) => this.#start(session, subscription)),
    )
  }

  /** Never rejects: what stands in the way of one subscription must not interrupt the others. */
  async #start(session: ConnectionSession, subscription: AmqpSubscription): Promise<void> {
    const onLost = () => void this.#startLater(session, subscription)
    try {
      await subscription.start(session, onLost)
      this.#inForce.add(subscription)
      this.#asked.get(subscription)?.()
    } catch (error) {
      if (session.signal.aborted || subscription.closed) return
      const reply = replyOf(error)
      const refuse = this.#asked.get(subscription)
      if (reply && refuse) return refuse(reply)
      this.#log('warn', `a subscription is interrupted: ${reply?.text ?? String(error)}`)
      onLost()
    }
  }

  async #startLater(session: ConnectionSession, subscription: AmqpSubscription): Promise<void> {
    await pause(timings.again, session.signal)
    if (!session.signal.aborted && !subscription.closed) await this.#start(session, subscription)
  }
}
