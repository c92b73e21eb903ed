import { unknownExchange, unroutable } from '../../refusals.ts'
import { exchangeExists } from '../channel/exchange.ts'
import type { ConnectionSession } from '../connection/reconnecting-connection.ts'
import { replyCodes, replyOf } from '../connection/reply-codes.ts'
import type { PendingPublish } from './pending-publish.ts'
import { headerTooLarge } from './publishable.ts'
import type { PublishingConnection } from './publishing-connection.ts'
import { refusedByBroker, unencodable } from './refused-publish.ts'
import { ReplaceableChannel } from './replaceable-channel.ts'
import { UnconfirmedPublishes } from './unconfirmed-publishes.ts'
import { WaitingPublishes } from './waiting-publishes.ts'

/** In milliseconds. */
const timings = {
  /**
   * How long after a connection a return on a route that worked before is retried, because RabbitMQ
   * opens AMQP before its streams.
   */
  bootWindow: 5_000,
  /** The delay before a returned or refused message is published again; doubled up to the cap. */
  firstRetry: 50,
  retryCap: 1_000,
}

/**
 * One confirm channel and the messages that wait for it: all messages to one destination, in the
 * order of the calls.
 *
 * RabbitMQ 3.9 to 3.13 lose messages of a stream when its leader changes, if their channel has also
 * confirmed messages that did not go to that stream (rabbitmq-server #12236). So each destination
 * has its own channel, which is replaced after each return. And a message counts as confirmed only
 * when all earlier ones on its channel are answered, because that loss always leaves the oldest one
 * unanswered.
 */
export class PublishingChannel {
  /** Every message on it goes to the journal. */
  readonly reachesJournal: boolean
  readonly #connection: PublishingConnection
  readonly #channel: ReplaceableChannel
  /** The channel is replaced as soon as every message on it is answered. */
  #retiring = false
  #checking = false
  readonly #waiting = new WaitingPublishes()
  readonly #unconfirmed = new UnconfirmedPublishes()

  constructor(connection: PublishingConnection, reachesJournal: boolean) {
    this.#connection = connection
    this.reachesJournal = reachesJournal
    this.#channel = new ReplaceableChannel({
      onReady: () => this.sendWaiting(),
      onReturn: (messageId) => {
        const returned = this.#unconfirmed.get(messageId)
        if (returned) returned.returned = true
      },
      onLost: () => {
        this.#channelLost()
        this.sendWaiting()
      },
    })
  }

  get isIdle(): boolean {
    return this.#waiting.isEmpty && this.#unconfirmed.isEmpty
  }

  /** When the oldest unanswered message was sent; undefined if all are answered. */
  get oldestSentAt(): number | undefined {
    return this.#unconfirmed.oldest?.sentAt
  }

  add(pending: PendingPublish): void {
    this.#waiting.add(pending)
    this.sendWaiting()
  }

  /** Called when the message was given up. It is not sent any more. */
  withdraw(pending: PendingPublish): void {
    this.#waiting.remove(pending)
  }

  /** Called when the stream was declared again, or has lost what the channel confirmed. */
  retire(): void {
    this.#retiring = true
    this.sendWaiting()
  }

  close(): void {
    this.#channel.close()
  }

  /** Sends what may be sent, in order. Called whenever that may have changed. */
  sendWaiting(): void {
    const { existing } = this.#connection
    for (;;) {
      if (this.#retiring && !this.#retireNow()) return
      const next = this.#waiting.first
      const { session } = this.#connection
      if (!next || !session || this.#channel.isFull || this.#unconfirmed.get(next.id)) return
      if (!this.#connection.maySend(next)) return
      if (this.#unconfirmed.unanswered > 0 && (next.suspect || this.#unconfirmed.oldest?.suspect)) return
      if (next.exchange !== '' && !existing.has(next.exchange)) return void this.#checkExchange(session, next.exchange)
      if (!this.#channel.isOpen) return void this.#channel.open(session)
      this.#waiting.removeFirst()
      this.#send(next)
    }
  }

  /** Called when the connection is lost. */
  reset(): void {
    this.#retiring = false
    this.#channel.reset()
    this.#channelLost()
  }

  /**
   * Called periodically. `lastAnswer` is when RabbitMQ last answered on this connection. If it
   * answers other messages but not the oldest one here, that one and all later ones are published
   * again on another channel.
   */
  check(now: number, lastAnswer: number): void {
    this.#conclude()
    const { oldest, overtakenSince } = this.#unconfirmed
    if (!oldest) return
    const { overtakenMs, unansweredMs } = this.#connection.timings
    const overtaken = overtakenSince !== undefined && now - overtakenSince >= overtakenMs
    const late = now - oldest.sentAt >= unansweredMs && now - lastAnswer < unansweredMs
    if (overtaken || (late && (this.reachesJournal || oldest.settled))) this.#replace()
  }

  /** Returns false while a message on the channel is unanswered. */
  #retireNow(): boolean {
    if (this.#unconfirmed.unanswered > 0) return false
    this.#retiring = false
    this.close()
    return true
  }

  #replace(): void {
    this.#retiring = false
    this.close()
    for (const pending of this.#takeBack()) this.#putBack(pending)
    this.sendWaiting()
  }

  /** Called when the channel is lost. */
  #channelLost(): void {
    for (const pending of this.#takeBack()) this.#afterChannelLoss(pending)
  }

  /** Returns the messages that may not be stored. Their next attempt is marked as repeated. */
  #takeBack(): readonly PendingPublish[] {
    const { unanswered, lost } = this.#unconfirmed.clear()
    for (const pending of unanswered) this.#connection.noLongerInFlight(pending)
    for (const pending of lost) {
      pending.attempts += 1
      pending.repeated = true
    }
    return lost
  }

  #send(pending: PendingPublish): void {
    const { headerBytes } = pending
    const { frameMax } = this.#connection
    if (pending.isStored) return pending.settle()
    if (headerBytes > frameMax) return pending.settle(headerTooLarge(headerBytes, frameMax))
    pending.returned = false
    pending.confirmed = false
    pending.attempts += 1
    pending.sentAt = performance.now()
    const { attempts } = pending
    this.#unconfirmed.add(pending)
    this.#connection.sent(pending)
    let isTaken: boolean
    try {
      isTaken = this.#channel.publish(pending, (error) => {
        if (pending.attempts === attempts) this.#onConfirm(pending, error as Error | null)
      })
    } catch (error) {
      this.#undoSend(pending)
      return pending.settle(unencodable(error))
    }
    if (isTaken) return
    this.#undoSend(pending)
    this.#putBack(pending)
  }

  #undoSend(pending: PendingPublish): void {
    this.#unconfirmed.undoAdd(pending)
    this.#connection.noLongerInFlight(pending)
  }

  /**
   * `error` is null on an ack. It is an error of amqplib on a nack, or if the channel closed before
   * RabbitMQ answered.
   */
  #onConfirm(pending: PendingPublish, error: Error | null): void {
    if (error !== null && error.message !== 'message nacked') {
      this.#channel.lost()
      this.#channelLost()
    } else {
      this.#connection.answered(pending)
      this.#connection.noLongerInFlight(pending)
      if (error === null) this.#unconfirmed.acked(pending)
      else {
        this.#unconfirmed.nacked(pending)
        this.#afterNack(pending)
      }
      this.#conclude()
    }
    this.sendWaiting()
  }

  #afterNack(pending: PendingPublish): void {
    if (pending.settled) return
    if (pending.isStored) pending.settle()
    else this.#retryLater(pending)
  }

  #conclude(): void {
    for (const pending of this.#unconfirmed.conclude()) if (!pending.settled) this.#afterConfirm(pending)
  }

  #afterConfirm(pending: PendingPublish): void {
    const { upSince, routed } = this.#connection
    if (!pending.returned) {
      routed.add(pending.route)
      return pending.settle()
    }
    if (pending.mandatory) this.#retiring = true
    if (performance.now() - upSince < timings.bootWindow && routed.has(pending.route)) this.#retryLater(pending)
    else pending.settle(pending.mandatory ? unroutable(pending.exchange, pending.routingKey) : undefined)
  }

  /**
   * If RabbitMQ closed the channel or the connection because of a message, that message was in
   * flight. So all messages in flight are sent again one at a time, until one of them closes a
   * channel alone, or some connections. A connection that is merely lost makes no suspects.
   */
  #afterChannelLoss(pending: PendingPublish): void {
    const fault = this.#channel.fault
    if (pending.settled || pending.confirmed) return this.#putBack(pending)
    if (fault?.toPublish && fault.code === replyCodes.notFound) {
      // The exchange existed at the last check. The next check answers the callers.
      this.#connection.existing.clear()
    } else if (fault?.toPublish) {
      if (pending.suspect) return pending.settle(refusedByBroker(pending, fault))
      pending.suspect = true
    } else if (this.#connection.suspect(pending)) return
    this.#putBack(pending)
  }

  #putBack(pending: PendingPublish): void {
    if (pending.settled) return
    if (pending.isStored) return pending.settle()
    this.#waiting.putBack(pending)
  }

  #retryLater(pending: PendingPublish): void {
    const delayMs = Math.min(timings.retryCap, timings.firstRetry * 2 ** pending.retries)
    pending.retries += 1
    // A returned message was stored nowhere. Of a nacked message, one of several queues may have a
    // copy.
    pending.repeated ||= !pending.returned
    setTimeout(() => {
      this.#putBack(pending)
      this.sendWaiting()
    }, delayMs)
  }

  /**
   * Rejects all waiting messages to an exchange that does not exist. Publishing to it would close
   * the channel.
   */
  async #checkExchange(session: ConnectionSession, exchange: string): Promise<void> {
    if (this.#checking) return
    this.#checking = true
    const { existing } = this.#connection
    try {
      if (await exchangeExists(session.connection, exchange)) existing.add(exchange)
      else {
        for (const pending of this.#waiting.takeAllTo(exchange)) pending.settle(unknownExchange(exchange))
      }
    } catch (error) {
      // Without the permission to check, publishing shows whether the exchange exists.
      if (replyOf(error)) existing.add(exchange)
    } finally {
      this.#checking = false
    }
    this.sendWaiting()
  }
}
