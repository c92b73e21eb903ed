import { randomUUID } from 'node:crypto'
import type { Message } from '../../../core/model/message.ts'
import type { Request, Requester } from '../../../core/ports/requester.ts'
import { GatewayError } from '../../../errors.ts'
import { tooLarge } from '../../refusals.ts'
import { exchangeExists } from '../channel/exchange.ts'
import type { Channel } from '../connection/amqp.ts'
import { frameMaxOf } from '../connection/frame-max.ts'
import type {
  ConnectionSession,
  OpenConnection,
  ReconnectingConnection,
} from '../connection/reconnecting-connection.ts'
import { replyOf } from '../connection/reply-codes.ts'
import { messageOf } from '../message/properties.ts'
import { headerTooLarge } from '../publish/publishable.ts'
import { PendingRequest } from './pending-request.ts'

/** https://www.rabbitmq.com/docs/direct-reply-to */
const replyQueue = 'amq.rabbitmq.reply-to'

export interface RequesterLimits {
  /** The largest body of a request, in bytes. */
  readonly maxMessageBytes: number
  /** What the bodies of requests that are not sent yet may take together, in bytes. */
  readonly maxWaitingBytes: number
}

/**
 * Requests over direct reply-to: the consumer of replies and the publisher share one channel, on a
 * connection of its own that opens at the first request. A request that no queue takes is returned
 * at once, because it is mandatory. No queue is declared, so nothing is left behind.
 */
export class RabbitRequester implements Requester {
  readonly #openConnection: OpenConnection
  readonly #limits: RequesterLimits
  #connection: ReconnectingConnection | undefined
  #channel: Channel | undefined
  #session: ConnectionSession | undefined
  #downReason = 'it is not connected yet'
  /** Why RabbitMQ accepts no publishes; undefined if it does. */
  #blockedReason: string | undefined
  /** amqplib's buffer is full, until the channel emits `drain`. */
  #full = false
  #closed = false
  /** Exchanges that exist. */
  readonly #existing = new Set<string>()
  /** Exchanges that are being checked. */
  readonly #checking = new Set<string>()
  /** In the order of the calls. */
  readonly #waiting = new Set<PendingRequest>()
  #waitingBytes = 0
  /** Sent requests by correlation id. */
  readonly #sent = new Map<string, PendingRequest>()

  constructor(openConnection: OpenConnection, limits: RequesterLimits) {
    this.#openConnection = openConnection
    this.#limits = limits
  }

  get inFlight(): number {
    return this.#waiting.size + this.#sent.size
  }

  async request(request: Request): Promise<Message> {
    const { maxMessageBytes, maxWaitingBytes } = this.#limits
    const bytes = request.body.length
    if (bytes > maxMessageBytes) throw tooLarge(bytes, maxMessageBytes)
    const pending = new PendingRequest(request, randomUUID(), replyQueue, () => this.#timeOut(pending))
    const unavailable = this.#closed ? 'the gateway is closing' : this.#blockedReason
    if (unavailable !== undefined) pending.reject(this.#unavailable(unavailable))
    else if (this.#waitingBytes + bytes > maxWaitingBytes) {
      pending.reject(this.#unavailable(`requests of ${maxWaitingBytes} bytes wait for it already`))
    } else {
      this.#waiting.add(pending)
      this.#waitingBytes += bytes
      this.#open()
      this.#sendWaiting()
    }
    return pending.reply
  }

  async close(): Promise<void> {
    this.#closed = true
    const error = this.#unavailable('the gateway is closing')
    for (const pending of this.#waiting) this.#withdraw(pending).reject(error)
    this.#rejectSent('the gateway is closing')
    await this.#connection?.close()
  }

  #open(): void {
    this.#connection ??= this.#openConnection({
      purpose: 'requests',
      establish: (session) => this.#establish(session),
      onDown: (reason) => {
        this.#downReason = reason
        this.#blockedReason = undefined
      },
      onBlocked: (reason) => {
        this.#blockedReason = reason
      },
    })
  }

  async #establish(session: ConnectionSession): Promise<void> {
    const channel = await session.connection.createChannel()
    channel.on('error', (error) => session.fail(error))
    channel.on('close', () => session.fail(new Error('the channel of requests was closed')))
    channel.on('return', ({ properties }) => {
      const pending = this.#take(properties.correlationId)
      pending?.reject(noResponder(`no queue takes "${pending.routingKey}" on exchange "${pending.exchange}"`))
    })
    channel.on('drain', () => {
      this.#full = false
      this.#sendWaiting()
    })
    const consumerTag = randomUUID()
    const stopIntercepting = session.deliveries.intercept(consumerTag, (delivery) => {
      this.#take(delivery.properties.correlationId)?.resolve(messageOf(delivery))
    })
    session.signal.addEventListener('abort', () => {
      stopIntercepting()
      if (this.#session === session) this.#session = undefined
      this.#channel = undefined
      this.#rejectSent('the connection was lost')
    })
    await channel.consume(
      replyQueue,
      session.deliveries.callback(consumerTag, () => session.fail(new Error('RabbitMQ cancelled the reply consumer'))),
      { consumerTag, noAck: true },
    )
    this.#full = false
    this.#session = session
    this.#channel = channel
    this.#sendWaiting()
  }

  #sendWaiting(): void {
    for (const pending of this.#waiting) {
      const { exchange } = pending
      if (!this.#channel || !this.#session || this.#full) return
      if (exchange !== '' && !this.#existing.has(exchange)) void this.#check(this.#session, exchange)
      else this.#send(this.#channel, this.#session, pending)
    }
  }

  #send(channel: Channel, session: ConnectionSession, pending: PendingRequest): void {
    const frameMax = frameMaxOf(session.connection)
    this.#withdraw(pending)
    if (pending.headerBytes > frameMax) return pending.reject(headerTooLarge(pending.headerBytes, frameMax))
    this.#sent.set(pending.id, pending)
    try {
      this.#full = !channel.publish(pending.exchange, pending.routingKey, pending.body, pending.options)
    } catch (error) {
      this.#take(pending.id)
      pending.reject(this.#unavailable(String(error)))
    }
  }

  /** Publishing to an exchange that does not exist would close the channel of all requests. */
  async #check(session: ConnectionSession, exchange: string): Promise<void> {
    if (this.#checking.has(exchange)) return
    this.#checking.add(exchange)
    let exists: boolean
    try {
      exists = await exchangeExists(session.connection, exchange)
    } catch (error) {
      // Without the permission to check, publishing shows whether the exchange exists.
      if (!replyOf(error)) return
      exists = true
    } finally {
      this.#checking.delete(exchange)
    }
    if (exists) this.#existing.add(exchange)
    else {
      for (const pending of this.#waiting) {
        if (pending.exchange !== exchange) continue
        this.#withdraw(pending).reject(noResponder(`exchange "${exchange}" does not exist`))
      }
    }
    this.#sendWaiting()
  }

  #timeOut(pending: PendingRequest): void {
    if (this.#take(pending.id)) {
      pending.reject(
        new GatewayError(
          'REQUEST_TIMEOUT',
          `no reply within ${pending.timeoutMs} ms; the request may have been handled`,
        ),
      )
    } else if (this.#waiting.has(pending)) {
      this.#withdraw(pending).reject(this.#unavailable(this.#channel ? 'it takes no more requests' : this.#downReason))
    }
  }

  #rejectSent(reason: string): void {
    // The exchange may be what closed the channel.
    this.#existing.clear()
    const sent = [...this.#sent.values()]
    this.#sent.clear()
    for (const pending of sent) {
      pending.reject(
        new GatewayError('BROKER_UNAVAILABLE', `${reason} before the reply came; the request may have been handled`, {
          mayHaveRun: true,
        }),
      )
    }
  }

  #take(id: unknown): PendingRequest | undefined {
    const pending = this.#sent.get(String(id))
    if (pending) this.#sent.delete(pending.id)
    return pending
  }

  #withdraw(pending: PendingRequest): PendingRequest {
    if (this.#waiting.delete(pending)) this.#waitingBytes -= pending.body.length
    return pending
  }

  #unavailable(reason: string): GatewayError {
    return new GatewayError('BROKER_UNAVAILABLE', `RabbitMQ takes no request: ${reason}`)
  }
}

function noResponder(reason: string): GatewayError {
  return new GatewayError('NO_RESPONDER', `${reason}: is the program that answers it running?`)
}
