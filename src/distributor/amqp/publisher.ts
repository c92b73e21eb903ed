import { type ChannelModel, type ConfirmChannel, IllegalOperationError } from 'amqplib'
import { BoundedSet } from '../../core/bounded-set.ts'
import { Shares } from '../../core/shares.ts'
import { badInput, GatewayError } from '../../errors.ts'
import type { GatewayPublication } from '../driver.ts'
import { bufferFull, tooLarge, unknownExchange, unroutable } from '../refusals.ts'
import { asError } from './as-error.ts'
import { exchangeExists } from './exchange.ts'
import type { Link, LinkSession, LinkWatch, OpenLink } from './link.ts'
import { Outgoing } from './outgoing.ts'
import { headerTooLarge } from './publishable.ts'
import { type BrokerReply, connectionFaultOf, replyCodes, replyOf } from './reply.ts'
import { within } from './within.ts'

export interface PublisherOptions {
  /** Where publications go that name no exchange. */
  readonly defaultExchange: string
  /** Called on each new connection, before anything is published. */
  declare?(connection: ChannelModel): Promise<void>
  readonly limits?: Partial<typeof publisherLimits>
}

export const publisherLimits = {
  /** How long RabbitMQ may take to confirm, reconnections included. */
  publishTimeoutMs: 10_000,
  maxMessageBytes: 16 * 1024 * 1024,
  /** What may be unanswered at a time; beyond either, publications are refused. */
  bufferBytes: 16 * 1024 * 1024,
  bufferMessages: 10_000,
}

/** A publication is given up when it has ended so many connections alone. */
const connectionsBeforeGivenUp = 2

/** In milliseconds. */
const timings = {
  /** For so long after a connection, what was routed before is not believed to be bound to nothing (facts of the boot window). */
  bootWindow: 5_000,
  /** Before publishing again what was returned or refused; doubled each time up to the cap. */
  firstRetry: 50,
  retryCap: 1_000,
  /** What RabbitMQ is given to confirm the rest on close. */
  drain: 2_000,
}

/**
 * Publishes with confirms over a connection that heals. The order of calls is kept on the wire, except for what RabbitMQ
 * refuses to take at once (a nack, a return while it boots).
 */
export class Publisher {
  readonly #options: PublisherOptions
  readonly #limits: typeof publisherLimits
  readonly #link: Link
  #session: LinkSession | undefined
  #channel: ConfirmChannel | undefined
  #upSince = 0
  #away = 'there is no connection yet'
  /** Why RabbitMQ takes no publications for now. */
  #blocked: string | undefined
  /** amqplib's buffer is full; it says when it no longer is. */
  #full = false
  #closed = false
  #sequence = 0
  /** Of what is unanswered, bytes and messages: who publishes much leaves room for others. */
  readonly #bytes: Shares
  readonly #messages: Shares
  readonly #unanswered = new Set<Outgoing>()
  /** In order of their sequence. */
  #waiting: Outgoing[] = []
  /** By message id, which is all that a return can be told by: of two with the same id, the second waits for the first. */
  readonly #inFlight = new Map<string, Outgoing>()
  /** Counts also what its caller no longer waits for: amqplib may still hold it. */
  #inFlightBytes = 0
  readonly #existing = new BoundedSet<string>(1_000)
  readonly #routed = new BoundedSet<string>(10_000)
  #checking = false
  /** What RabbitMQ said when it ended the channel. */
  #fault: BrokerReply | undefined
  /** The same of the connection, where it ended it over what was sent. */
  #connectionFault: BrokerReply | undefined
  /** What a frame may have, as negotiated for the last connection. */
  #frameMax = Number.POSITIVE_INFINITY

  constructor(openLink: OpenLink, watch: LinkWatch, options: PublisherOptions) {
    this.#options = options
    this.#limits = { ...publisherLimits, ...options.limits }
    this.#bytes = new Shares(this.#limits.bufferBytes)
    this.#messages = new Shares(this.#limits.bufferMessages)
    this.#link = openLink({
      purpose: 'publishing',
      establish: (session) => this.#establish(session),
      onUp: () => watch.onUp?.(),
      onDown: (reason) => watch.onDown?.(reason),
      onRetry: (reason, delayMs) => {
        this.#away = reason
        watch.onRetry?.(reason, delayMs)
      },
      onBlocked: (reason) => {
        this.#blocked = reason
        watch.onBlocked?.(reason)
        this.#pump()
      },
    })
  }

  /** As `Broker.unansweredBytes`; also what its caller no longer waits for, while it may be on the way. */
  get unansweredBytes(): number {
    return Math.max(this.#bytes.used, this.#inFlightBytes)
  }

  /** As `Broker.publish`. */
  publish(publication: GatewayPublication): Promise<void> {
    const { publishTimeoutMs, maxMessageBytes, bufferBytes, bufferMessages } = this.#limits
    const bytes = publication.body.length
    if (bytes > maxMessageBytes) return Promise.reject(tooLarge(bytes, maxMessageBytes))
    if (this.#closed) return Promise.reject(new GatewayError('BROKER_UNAVAILABLE', 'the gateway is closing'))
    const { payer } = publication
    if (!this.#messages.hasRoom(payer, 1) || (this.#unanswered.size > 0 && !this.#bytes.hasRoom(payer, bytes))) {
      return Promise.reject(bufferFull(bufferBytes, bufferMessages, this.#delay))
    }
    this.#sequence += 1
    let outgoing: Outgoing
    try {
      outgoing = new Outgoing(this.#sequence, publication, this.#options.defaultExchange)
    } catch (error) {
      return Promise.reject(asError(error))
    }
    if (outgoing.headerBytes > this.#frameMax) {
      return Promise.reject(headerTooLarge(outgoing.headerBytes, this.#frameMax))
    }
    this.#unanswered.add(outgoing)
    this.#bytes.add(payer, bytes)
    this.#messages.add(payer, 1)
    const timer = setTimeout(() => this.#giveUp(outgoing), publishTimeoutMs)
    this.#waiting.push(outgoing)
    this.#pump()
    return outgoing.answered.finally(() => {
      clearTimeout(timer)
      this.#unanswered.delete(outgoing)
      this.#bytes.add(payer, -bytes)
      this.#messages.add(payer, -1)
    })
  }

  /** Gives RabbitMQ a moment to confirm what it has, then answers the rest with `BROKER_UNAVAILABLE`. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#channel && this.#blocked === undefined) {
      await within(timings.drain, Promise.allSettled([...this.#unanswered].map(({ answered }) => answered)))
    }
    for (const outgoing of this.#unanswered) this.#giveUp(outgoing)
    await this.#link.close()
  }

  async #establish(session: LinkSession): Promise<void> {
    this.#blocked = undefined
    this.#existing.clear()
    await this.#options.declare?.(session.connection)
    session.signal.addEventListener('abort', () => {
      this.#session = undefined
      this.#channel = undefined
      this.#connectionFault = connectionFaultOf(session.signal.reason)
    })
    this.#frameMax = frameMaxOf(session.connection)
    await this.#openChannel(session)
    this.#session = session
    this.#upSince = performance.now()
    this.#pump()
  }

  async #openChannel(session: LinkSession): Promise<void> {
    const channel = await session.connection.createConfirmChannel()
    channel.on('error', (error) => {
      this.#fault = replyOf(error)
    })
    channel.on('return', ({ properties }) => {
      const returned = this.#inFlight.get(String(properties.messageId))
      if (returned) returned.returned = true
    })
    channel.on('drain', () => {
      this.#full = false
      this.#pump()
    })
    // By now amqplib has told each publication in flight that it will have no answer.
    channel.on('close', () => {
      this.#channel = undefined
      if (session.signal.aborted) return
      this.#openChannel(session).then(
        () => this.#pump(),
        (error: Error) => session.fail(error),
      )
    })
    this.#fault = undefined
    this.#connectionFault = undefined
    this.#full = false
    if (!session.signal.aborted) this.#channel = channel
  }

  /** Sends what can be sent, in order. Called whenever something may have changed that. */
  #pump(): void {
    while (this.#channel && this.#blocked === undefined && !this.#full) {
      const [next] = this.#waiting
      if (!next || this.#inFlight.has(next.id) || this.#inFlightBytes >= this.#limits.bufferBytes) return
      if (this.#inFlight.size > 0 && (next.suspect || [...this.#inFlight.values()][0]?.suspect)) return
      if (next.exchange !== '' && !this.#existing.has(next.exchange)) return void this.#checkExchange(next.exchange)
      this.#waiting.shift()
      this.#send(this.#channel, next)
    }
  }

  #send(channel: ConfirmChannel, outgoing: Outgoing): void {
    const { exchange, routingKey, body, options, id, headerBytes } = outgoing
    if (headerBytes > this.#frameMax) return outgoing.settle(headerTooLarge(headerBytes, this.#frameMax))
    outgoing.returned = false
    this.#inFlight.set(id, outgoing)
    this.#inFlightBytes += outgoing.bytes
    try {
      const room = channel.publish(exchange, routingKey, body, options, (error) =>
        this.#answered(outgoing, error as Error | null),
      )
      this.#full = !room
    } catch (error) {
      this.#landed(outgoing)
      if (error instanceof IllegalOperationError) {
        // The channel is closing, and says so in a moment.
        this.#channel = undefined
        this.#putBack(outgoing)
      } else outgoing.settle(unencodable(error))
    }
  }

  #landed(outgoing: Outgoing): void {
    this.#inFlight.delete(outgoing.id)
    this.#inFlightBytes -= outgoing.bytes
  }

  /** RabbitMQ's answer to one publication; or amqplib's, that there will be none, for the channel is gone. */
  #answered(outgoing: Outgoing, error: Error | null): void {
    this.#landed(outgoing)
    if (outgoing.settled) return this.#pump()
    if (error === null) this.#confirmed(outgoing)
    else if (error.message === 'message nacked') this.#retryLater(outgoing)
    else this.#channelLost(outgoing)
    this.#pump()
  }

  #confirmed(outgoing: Outgoing): void {
    if (!outgoing.returned) {
      this.#routed.add(outgoing.route)
      outgoing.settle()
    } else if (performance.now() - this.#upSince < timings.bootWindow && this.#routed.has(outgoing.route)) {
      this.#retryLater(outgoing)
    } else if (outgoing.mandatory) {
      outgoing.settle(unroutable(outgoing.exchange, outgoing.routingKey))
    } else outgoing.settle()
  }

  /**
   * The channel ended under this publication. If RabbitMQ ended it, or the whole connection, over a
   * publication, the guilty one is among those that were in flight: they are sent again one at a
   * time, until it ends a channel alone, or some connections. A connection that is merely lost
   * makes no suspects.
   */
  #channelLost(outgoing: Outgoing): void {
    const fault = this.#fault
    if (fault?.toPublish && fault.code === replyCodes.notFound) {
      // The exchange was there when it was last looked for. Looking again answers those that named it.
      this.#existing.clear()
    } else if (fault?.toPublish) {
      if (outgoing.suspect) return outgoing.settle(refused(outgoing, fault))
      outgoing.suspect = true
    } else if (this.#connectionFault) {
      if (outgoing.suspect) outgoing.connectionsEnded += 1
      if (outgoing.connectionsEnded >= connectionsBeforeGivenUp) {
        return outgoing.settle(endsConnections(this.#connectionFault))
      }
      outgoing.suspect = true
    }
    this.#putBack(outgoing)
  }

  #putBack(outgoing: Outgoing): void {
    if (outgoing.settled) return
    this.#waiting.push(outgoing)
    this.#waiting.sort((one, other) => one.sequence - other.sequence)
  }

  #retryLater(outgoing: Outgoing): void {
    const delayMs = Math.min(timings.retryCap, timings.firstRetry * 2 ** outgoing.retries)
    outgoing.retries += 1
    setTimeout(() => {
      this.#putBack(outgoing)
      this.#pump()
    }, delayMs)
  }

  /** Answers all that name an exchange that isn't there. Publishing to it would end the channel for everybody. */
  async #checkExchange(exchange: string): Promise<void> {
    const session = this.#session
    if (this.#checking || !session) return
    this.#checking = true
    try {
      if (await exchangeExists(session.connection, exchange)) this.#existing.add(exchange)
      else {
        const lost = this.#waiting.filter((outgoing) => outgoing.exchange === exchange)
        this.#waiting = this.#waiting.filter((outgoing) => outgoing.exchange !== exchange)
        for (const outgoing of lost) outgoing.settle(unknownExchange(exchange))
      }
    } catch (error) {
      // Who may not look finds out by publishing.
      if (replyOf(error)) this.#existing.add(exchange)
    } finally {
      this.#checking = false
    }
    this.#pump()
  }

  #giveUp(outgoing: Outgoing): void {
    if (outgoing.settled) return
    const place = this.#waiting.indexOf(outgoing)
    if (place >= 0) this.#waiting.splice(place, 1)
    const reason = outgoing.retries > 0 ? 'it keeps refusing it; a queue that is bound there may be full' : this.#delay
    const doubt =
      this.#inFlight.get(outgoing.id) === outgoing
        ? ' (it may be there all the same: publish again under the same message id)'
        : ''
    outgoing.settle(
      new GatewayError('BROKER_UNAVAILABLE', `RabbitMQ has not confirmed the message in time: ${reason}${doubt}`),
    )
  }

  /** What publications wait for. */
  get #delay(): string {
    if (this.#blocked !== undefined) return this.#blocked
    return this.#session ? 'it does not answer' : this.#away
  }
}

/** amqplib checks properties as it encodes them, before a byte is sent. */
function unencodable(error: unknown): GatewayError {
  const text = asError(error).message
  const field = /^Field '(\w+)'/.exec(text)?.[1] ?? 'headers'
  return badInput(field, `AMQP cannot carry it: ${text}`)
}

function endsConnections({ code, text }: BrokerReply): GatewayError {
  return badInput('properties', `RabbitMQ ends the connection over this message, each time it is sent: ${code} ${text}`)
}

/** amqplib negotiates it and does not say so in its types; 0 is no limit. */
function frameMaxOf({ connection }: ChannelModel): number {
  const { frameMax } = connection as unknown as { readonly frameMax?: unknown }
  return typeof frameMax === 'number' && frameMax > 0 ? frameMax : Number.POSITIVE_INFINITY
}

function refused({ exchange, bytes }: Outgoing, { code, text }: BrokerReply): GatewayError {
  const size = /larger than configured max size (\d+)/.exec(text)?.[1]
  if (size !== undefined) return tooLarge(bytes, Number(size))
  if (code === replyCodes.accessRefused) {
    return badInput('exchange', `RabbitMQ does not let Warren publish to "${exchange}": ${text}`)
  }
  return badInput('properties', `RabbitMQ refuses the message: ${text}`)
}
