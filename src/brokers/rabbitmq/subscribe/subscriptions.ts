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
import { declareDeadLetterQueue } from '../topology/dead-letter-queue.ts'
import { AmqpSubscription, type SubscriptionNames } from './subscription.ts'

/** In milliseconds. */
const timings = {
  /** How long `subscribe` waits for an unreachable broker. */
  answer: 10_000,
  /** The delay before a subscription that ended alone is started again. */
  restart: 500,
}

/** The subscriptions of one Distributor. They are started again on each new session. */
export class Subscriptions {
  readonly #names: SubscriptionNames
  readonly #log: Observer['log']
  readonly #openConnection: OpenConnection
  readonly #active = new Set<AmqpSubscription>()
  /** Subscriptions that `subscribe` still waits for → the function that answers the caller. */
  readonly #pending = new Map<AmqpSubscription, (refusal?: BrokerReply) => void>()
  #connection: ReconnectingConnection | undefined
  #session: ConnectionSession | undefined
  #awayReason = 'there is no connection yet'

  constructor(openConnection: OpenConnection, names: SubscriptionNames, log: Observer['log']) {
    this.#openConnection = openConnection
    this.#names = names
    this.#log = log
  }

  /** See `Driver.subscribe`. */
  async subscribe(topics: readonly string[], receive: Receive, options: SubscribeOptions): Promise<Subscription> {
    const subscription = new AmqpSubscription(this.#names, topics, receive, options, () => {
      this.#active.delete(subscription)
    })
    this.#connection ??= this.#open()
    const answered = new Promise<BrokerReply | undefined>((resolve) => this.#pending.set(subscription, resolve))
    if (this.#session) void this.#start(this.#session, subscription)
    const late = AbortSignal.timeout(timings.answer)
    const timeUp = new Promise<'late'>((resolve) => late.addEventListener('abort', () => resolve('late')))
    const answer = await Promise.race([answered, timeUp])
    this.#pending.delete(subscription)
    if (answer === undefined) return subscription
    await subscription.close()
    if (answer === 'late')
      throw new GatewayError('BROKER_UNAVAILABLE', `the subscription could not be started: ${this.#awayReason}`)
    throw new GatewayError('SOURCE_CONFLICT', `RabbitMQ refuses the subscription: ${answer.text}`)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#active, ...this.#pending.keys()].map((subscription) => subscription.close()))
    await this.#connection?.close()
  }

  #open(): ReconnectingConnection {
    return this.#openConnection({
      purpose: 'consuming',
      establish: (session) => this.#establish(session),
      onDown: (reason) => this.#log('warn', `subscriptions are interrupted: ${reason}`),
      onRetry: (reason) => {
        this.#awayReason = reason
      },
    })
  }

  async #establish(session: ConnectionSession): Promise<void> {
    const { name, type, durable } = this.#names.exchange
    await ensureExchange(session.connection, name, type, durable)
    await declareDeadLetterQueue(session.connection, this.#names.deadLetterExchange)
    session.signal.addEventListener('abort', () => {
      this.#session = undefined
    })
    if (session.signal.aborted) return
    this.#session = session
    await Promise.all(
      [...this.#active, ...this.#pending.keys()].map((subscription) => this.#start(session, subscription)),
    )
  }

  /** Never rejects, because a problem with one subscription must not interrupt the others. */
  async #start(session: ConnectionSession, subscription: AmqpSubscription): Promise<void> {
    const onLost = () => void this.#startLater(session, subscription)
    try {
      await subscription.start(session, onLost)
      this.#active.add(subscription)
      this.#pending.get(subscription)?.()
    } catch (error) {
      if (session.signal.aborted || subscription.closed) return
      const reply = replyOf(error)
      const refuse = this.#pending.get(subscription)
      if (reply && refuse) return refuse(reply)
      this.#log('warn', `a subscription is interrupted: ${reply?.text ?? String(error)}`)
      onLost()
    }
  }

  async #startLater(session: ConnectionSession, subscription: AmqpSubscription): Promise<void> {
    await pause(timings.restart, session.signal)
    if (!session.signal.aborted && !subscription.closed) await this.#start(session, subscription)
  }
}
