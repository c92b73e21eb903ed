import { asError } from '../../../core/model/error-text.ts'
import { badInput, GatewayError } from '../../../errors.ts'
import { tooLarge, unknownExchange, unroutable } from '../../refusals.ts'
import { exchangeExists } from '../channel/exchange.ts'
import { type ConfirmChannel, IllegalOperationError } from '../connection/amqp.ts'
import type { ConnectionSession } from '../connection/reconnecting-connection.ts'
import { type BrokerReply, replyCodes, replyOf } from '../connection/reply-codes.ts'
import type { PendingPublish } from './pending-publish.ts'
import { headerTooLarge } from './publishable.ts'

/** In milliseconds. */
const timings = {
  /**
   * After a connection, for so long a return of what was routed before is not believed: RabbitMQ
   * opens AMQP before its streams.
   */
  bootWindow: 5_000,
  /** Before publishing again what was returned or refused; doubled each time up to the cap. */
  firstRetry: 50,
  retryCap: 1_000,
}

/** In milliseconds. */
export const answerTimings = {
  /** The oldest publication may stay unanswered for so long after a later one was confirmed. */
  overtakenMs: 3_000,
  /** The oldest publication may stay unanswered for so long while RabbitMQ answers others. */
  unansweredMs: 5_000,
}

/** What the channels of one publisher share: one connection, its bounds, and its suspects. */
export interface PublishingConnection {
  readonly timings: typeof answerTimings
  readonly session: ConnectionSession | undefined
  /** By the monotonic clock, in milliseconds. */
  readonly upSince: number
  /** What a frame may have, as negotiated; Infinity where there is no limit. */
  readonly frameMax: number
  /** Routes that RabbitMQ has routed to a queue before. */
  readonly routed: { has(route: string): boolean; add(route: string): void }
  /** Exchanges that were there when they were last looked for. */
  readonly existing: { has(exchange: string): boolean; add(exchange: string): void; clear(): void }
  /** Whether this one may be sent now, as far as the connection is concerned. */
  maySend(pending: PendingPublish): boolean
  sent(pending: PendingPublish): void
  /** RabbitMQ has answered this attempt; the connection did not end over it. */
  answered(pending: PendingPublish): void
  /** RabbitMQ has answered, or never will. */
  landed(pending: PendingPublish): void
  /** The connection ended over what was in flight. Returns whether the publication was settled. */
  suspect(pending: PendingPublish): boolean
}

/**
 * One confirm channel and what waits for it: all that goes to one destination, in the order of the
 * calls. RabbitMQ 3.9 to 3.13 lose messages of a stream at a change of its leader where their
 * channel has also confirmed what did not go into that stream (rabbitmq-server #12236). So a
 * destination has a channel of its own, which is replaced after each return; and a publication
 * counts as confirmed only when all earlier ones on its channel are answered: the loss always
 * leaves the oldest one unanswered.
 */
export class PublishingChannel {
  /** Every message on it reaches the journal. */
  readonly reachesJournal: boolean
  readonly #connection: PublishingConnection
  #channel: ConfirmChannel | undefined
  #opening = false
  /** Another channel takes its place as soon as everything on this one is answered. */
  #retiring = false
  /** amqplib's buffer is full, until its channel emits `drain`. */
  #full = false
  #checking = false
  /** What RabbitMQ answered when it ended the channel. */
  #fault: BrokerReply | undefined
  /** In order of their sequence. */
  #waiting: PendingPublish[] = []
  /** Sent on this channel and without a conclusion, in the order of sending. */
  #order: PendingPublish[] = []
  /**
   * By message id, the only name that a return has: of two with the same id, the second waits for
   * the first.
   */
  readonly #unanswered = new Map<string, PendingPublish>()
  /** How many of `#order` are confirmed, and wait for the answer to an earlier one. */
  #early = 0
  /** Since when there are any. */
  #overtakenSince: number | undefined

  constructor(connection: PublishingConnection, reachesJournal: boolean) {
    this.#connection = connection
    this.reachesJournal = reachesJournal
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0 && this.#unanswered.size === 0 && this.#order.length === 0
  }

  /** When the oldest unanswered publication was sent; undefined where all are answered. */
  get oldestSentAt(): number | undefined {
    return first(this.#unanswered)?.sentAt
  }

  add(pending: PendingPublish): void {
    this.#waiting.push(pending)
    this.pump()
  }

  /** Its caller no longer waits for it. */
  withdraw(pending: PendingPublish): void {
    const place = this.#waiting.indexOf(pending)
    if (place >= 0) this.#waiting.splice(place, 1)
  }

  /** The stream behind it may be another one now, or has lost what the channel confirmed. */
  retire(): void {
    this.#retiring = true
    this.pump()
  }

  close(): void {
    const channel = this.#channel
    this.#channel = undefined
    if (channel) closeQuietly(channel)
  }

  /** Sends what can be sent, in order. Called whenever something may have changed that. */
  pump(): void {
    const { existing } = this.#connection
    for (;;) {
      if (this.#retiring && !this.#retireNow()) return
      const [next] = this.#waiting
      const { session } = this.#connection
      if (!next || !session || this.#full || this.#unanswered.has(next.id)) return
      if (!this.#connection.maySend(next)) return
      if (this.#unanswered.size > 0 && (next.suspect || first(this.#unanswered)?.suspect)) return
      if (next.exchange !== '' && !existing.has(next.exchange)) return void this.#check(session, next.exchange)
      if (!this.#channel) return void this.#open(session)
      this.#waiting.shift()
      this.#send(this.#channel, next)
    }
  }

  /** The connection is gone. */
  reset(): void {
    this.#opening = false
    this.#retiring = false
    this.#channelGone()
  }

  /**
   * Called from time to time. `answersSince`: when RabbitMQ answered last on this connection. Where
   * it answers others and not the oldest here, everything from there on is published again on
   * another channel.
   */
  look(now: number, answersSince: number): void {
    this.#conclude()
    const oldest = first(this.#unanswered)
    if (!oldest) return
    const { overtakenMs, unansweredMs } = this.#connection.timings
    const overtaken = this.#overtakenSince !== undefined && now - this.#overtakenSince >= overtakenMs
    const late = now - oldest.sentAt >= unansweredMs && now - answersSince < unansweredMs
    if (overtaken || (late && (this.reachesJournal || oldest.settled))) this.#replace()
  }

  /** Whether the present channel is out of the way. */
  #retireNow(): boolean {
    if (this.#unanswered.size > 0) return false
    this.#retiring = false
    this.close()
    return true
  }

  #replace(): void {
    this.#retiring = false
    this.close()
    for (const pending of this.#takeBack()) this.#putBack(pending)
    this.pump()
  }

  #channelGone(): void {
    this.#channel = undefined
    this.#full = false
    for (const pending of this.#takeBack()) this.#channelLost(pending)
  }

  /** What is in flight, and what was confirmed behind it: all of that may not be stored. */
  #takeBack(): PendingPublish[] {
    const lost = [...new Set([...this.#unanswered.values(), ...this.#order])]
    for (const pending of this.#unanswered.values()) this.#connection.landed(pending)
    this.#order = []
    this.#unanswered.clear()
    this.#early = 0
    this.#overtakenSince = undefined
    for (const pending of lost) {
      pending.attempts += 1
      pending.repeated = true
    }
    return lost
  }

  async #open(session: ConnectionSession): Promise<void> {
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
    this.pump()
  }

  #listen(channel: ConfirmChannel, session: ConnectionSession): void {
    channel.on('error', (error) => {
      if (channel === this.#channel) this.#fault = replyOf(error)
    })
    channel.on('return', ({ properties }) => {
      if (channel !== this.#channel) return
      const returned = this.#unanswered.get(String(properties.messageId))
      if (returned) returned.returned = true
    })
    channel.on('drain', () => {
      if (channel !== this.#channel) return
      this.#full = false
      this.pump()
    })
    channel.on('close', () => {
      if (channel !== this.#channel || session.signal.aborted) return
      this.#channelGone()
      this.pump()
    })
  }

  #send(channel: ConfirmChannel, pending: PendingPublish): void {
    const { exchange, routingKey, body, headerBytes, id } = pending
    const { frameMax } = this.#connection
    if (pending.isStored) return pending.settle()
    if (headerBytes > frameMax) return pending.settle(headerTooLarge(headerBytes, frameMax))
    pending.returned = false
    pending.confirmed = false
    pending.attempts += 1
    pending.sentAt = performance.now()
    const { attempts } = pending
    this.#unanswered.set(id, pending)
    this.#order.push(pending)
    this.#connection.sent(pending)
    try {
      const room = channel.publish(exchange, routingKey, body, pending.options, (error) => {
        if (pending.attempts === attempts) this.#answered(pending, error as Error | null)
      })
      this.#full = !room
    } catch (error) {
      this.#unanswered.delete(id)
      this.#order.pop()
      this.#connection.landed(pending)
      if (error instanceof IllegalOperationError) {
        // The channel is closing, and its event follows.
        this.#channel = undefined
        this.#putBack(pending)
      } else pending.settle(unencodable(error))
    }
  }

  /**
   * RabbitMQ's answer to one publication; or amqplib's, that there will be none because the
   * channel is gone.
   */
  #answered(pending: PendingPublish, error: Error | null): void {
    if (error !== null && error.message !== 'message nacked') this.#channelGone()
    else {
      this.#unanswered.delete(pending.id)
      this.#connection.answered(pending)
      this.#connection.landed(pending)
      if (error === null) {
        pending.confirmed = true
        this.#early += 1
      } else this.#refusedForNow(pending)
      this.#conclude()
    }
    this.pump()
  }

  #refusedForNow(pending: PendingPublish): void {
    const place = this.#order.indexOf(pending)
    if (place >= 0) this.#order.splice(place, 1)
    if (pending.settled) return
    if (pending.isStored) pending.settle()
    else this.#retryLater(pending)
  }

  /** Answers those whose predecessors are all answered, or are known to be stored. */
  #conclude(): void {
    let done = 0
    for (const pending of this.#order) {
      if (!pending.confirmed && !pending.isStored) break
      done += 1
      if (pending.confirmed) this.#early -= 1
      if (!pending.settled) this.#confirmed(pending)
    }
    if (done > 0) {
      this.#order.splice(0, done)
      this.#overtakenSince = undefined
    }
    if (this.#early > 0) this.#overtakenSince ??= performance.now()
  }

  #confirmed(pending: PendingPublish): void {
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
   * The channel ended under this publication. If RabbitMQ ended it, or the whole connection, over a
   * publication, the guilty one is among those that were in flight: they are sent again one at a
   * time, until it ends a channel alone, or some connections. A connection that is merely lost
   * makes no suspects.
   */
  #channelLost(pending: PendingPublish): void {
    const fault = this.#fault
    if (pending.settled || pending.confirmed) return this.#putBack(pending)
    if (fault?.toPublish && fault.code === replyCodes.notFound) {
      // The exchange was there when it was last looked for. Looking again answers those that named
      // it.
      this.#connection.existing.clear()
    } else if (fault?.toPublish) {
      if (pending.suspect) return pending.settle(refused(pending, fault))
      pending.suspect = true
    } else if (this.#connection.suspect(pending)) return
    this.#putBack(pending)
  }

  #putBack(pending: PendingPublish): void {
    if (pending.settled) return
    if (pending.isStored) return pending.settle()
    this.#waiting.push(pending)
    this.#waiting.sort((one, other) => one.sequence - other.sequence)
  }

  #retryLater(pending: PendingPublish): void {
    const delayMs = Math.min(timings.retryCap, timings.firstRetry * 2 ** pending.retries)
    pending.retries += 1
    // A return was stored nowhere; of what was refused, one of several queues may have a copy.
    pending.repeated ||= !pending.returned
    setTimeout(() => {
      this.#putBack(pending)
      this.pump()
    }, delayMs)
  }

  /** Answers all that name an exchange that isn't there. Publishing to it would end the channel. */
  async #check(session: ConnectionSession, exchange: string): Promise<void> {
    if (this.#checking) return
    this.#checking = true
    const { existing } = this.#connection
    try {
      if (await exchangeExists(session.connection, exchange)) existing.add(exchange)
      else {
        const lost = this.#waiting.filter((pending) => pending.exchange === exchange)
        this.#waiting = this.#waiting.filter((pending) => pending.exchange !== exchange)
        for (const pending of lost) pending.settle(unknownExchange(exchange))
      }
    } catch (error) {
      // Without the right to look, publishing shows whether it is there.
      if (replyOf(error)) existing.add(exchange)
    } finally {
      this.#checking = false
    }
    this.pump()
  }
}

function first(unanswered: ReadonlyMap<string, PendingPublish>): PendingPublish | undefined {
  for (const pending of unanswered.values()) return pending
  return undefined
}

/**
 * amqplib throws at once on a channel that is closing, and never settles where the connection is
 * lost meanwhile.
 */
function closeQuietly(channel: ConfirmChannel): void {
  try {
    channel.close().catch(() => undefined)
  } catch {
    // It is closing already.
  }
}

/** amqplib checks properties as it encodes them, before a byte is sent. */
function unencodable(error: unknown): GatewayError {
  const text = asError(error).message
  const field = /^Field '(\w+)'/.exec(text)?.[1] ?? 'headers'
  return badInput(field, `AMQP cannot carry it: ${text}`)
}

function refused({ exchange, bytes }: PendingPublish, { code, text }: BrokerReply): GatewayError {
  const size = /larger than configured max size (\d+)/.exec(text)?.[1]
  if (size !== undefined) return tooLarge(bytes, Number(size))
  if (code === replyCodes.accessRefused) {
    return badInput('exchange', `RabbitMQ does not let Warren publish to "${exchange}": ${text}`)
  }
  return badInput('properties', `RabbitMQ refuses the message: ${text}`)
}
