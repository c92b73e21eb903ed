import { FairShares } from '../../../core/limits/fair-shares.ts'
import { asError } from '../../../core/model/error-text.ts'
import { within } from '../../../core/timing/deadline.ts'
import { GatewayError } from '../../../errors.ts'
import type { GatewayPublication } from '../../driver.ts'
import { bufferFull, tooLarge } from '../../refusals.ts'
import type { ChannelModel } from '../connection/amqp.ts'
import type {
  ConnectionSession,
  ConnectionWatch,
  OpenConnection,
  ReconnectingConnection,
} from '../connection/reconnecting-connection.ts'
import { type Attempt, PendingPublish } from './pending-publish.ts'
import { headerTooLarge } from './publishable.ts'
import { PublishingChannel } from './publishing-channel.ts'
import { answerTimings, PublishingConnection } from './publishing-connection.ts'

export interface PublisherOptions {
  /** The exchange of messages that do not name one. */
  readonly defaultExchange: string
  /** Called on each new session, before anything is published. */
  declare?(connection: ChannelModel): Promise<void>
  /**
   * Returns a message that a healthy node confirms at once in any case. It distinguishes a node
   * that confirms nothing from a queue that confirms nothing. If omitted, only the heartbeat
   * detects a dead node.
   */
  probe?(): GatewayPublication
  readonly limits?: Partial<typeof publisherLimits>
  readonly timings?: Partial<typeof publisherTimings>
}

export const publisherLimits = {
  /** How long RabbitMQ may take to confirm, including reconnections. */
  publishTimeoutMs: 10_000,
  maxMessageBytes: 16 * 1024 * 1024,
  /** The maximum that may be unanswered; beyond either, publishes are refused. */
  bufferBytes: 16 * 1024 * 1024,
  bufferMessages: 10_000,
}

/** The maximum number of channels for destinations. Beyond it, idle channels are closed. */
const maxChannels = 64

/** How long `close` waits for outstanding confirms, in milliseconds. */
const drainMs = 2_000

/** In milliseconds. */
export const publisherTimings = {
  ...answerTimings,
  /** The interval of the check for unanswered messages. */
  checkMs: 500,
  /** After this long without an answer, a probe is published. */
  probeMs: 2_500,
  /** After this long without an answer, even to the probe, the next node is tried. */
  silentMs: 5_000,
}

/**
 * Publishes with confirms over a connection that recovers. Keeps the order of calls for each
 * exchange, except for messages that RabbitMQ refuses at first (a nack, or a return while it
 * boots).
 */
export class Publisher {
  readonly #options: PublisherOptions
  readonly #limits: typeof publisherLimits
  readonly #timings: typeof publisherTimings
  readonly #reconnecting: ReconnectingConnection
  readonly #connection: PublishingConnection
  #awayReason = 'there is no connection yet'
  #closed = false
  #sequence = 0
  /** Bytes and messages that are unanswered. A payer with many of them leaves room for others. */
  readonly #bytes: FairShares
  readonly #messages: FairShares
  /** Unanswered message → its channel. */
  readonly #unanswered = new Map<PendingPublish, PublishingChannel>()
  /** By destination. */
  readonly #channels = new Map<string, PublishingChannel>()
  #timer: NodeJS.Timeout | undefined
  #probing = false

  constructor(openConnection: OpenConnection, watch: ConnectionWatch, options: PublisherOptions) {
    this.#options = options
    this.#limits = { ...publisherLimits, ...options.limits }
    this.#timings = { ...publisherTimings, ...options.timings }
    this.#bytes = new FairShares(this.#limits.bufferBytes)
    this.#messages = new FairShares(this.#limits.bufferMessages)
    this.#connection = new PublishingConnection({
      timings: this.#timings,
      maxInFlightBytes: this.#limits.bufferBytes,
      onMaySend: () => this.#sendWaiting(),
    })
    this.#reconnecting = openConnection({
      purpose: 'publishing',
      establish: (session) => this.#establish(session),
      onUp: () => watch.onUp?.(),
      onDown: (reason) => watch.onDown?.(reason),
      onRetry: (reason, delayMs) => {
        this.#awayReason = reason
        watch.onRetry?.(reason, delayMs)
      },
      onBlocked: (reason) => {
        this.#connection.blocked = reason
        this.#connection.lastAnswer = performance.now()
        watch.onBlocked?.(reason)
        this.#sendWaiting()
      },
    })
  }

  /**
   * See `Broker.unansweredBytes`. Includes messages that were given up while they may be in flight.
   */
  get unansweredBytes(): number {
    return Math.max(this.#bytes.used, this.#connection.inFlightBytes)
  }

  /**
   * Resolves when RabbitMQ has confirmed this message and answered all earlier ones to the same
   * destination. Rejects like `Broker.publish`.
   */
  publish(publication: GatewayPublication, attempt?: Attempt): Promise<void> {
    const { publishTimeoutMs, maxMessageBytes, bufferBytes, bufferMessages } = this.#limits
    const bytes = publication.body.length
    if (bytes > maxMessageBytes) return Promise.reject(tooLarge(bytes, maxMessageBytes))
    if (this.#closed) return Promise.reject(new GatewayError('BROKER_UNAVAILABLE', 'the gateway is closing'))
    const { payer } = publication
    if (!this.#messages.hasRoom(payer, 1) || (this.#unanswered.size > 0 && !this.#bytes.hasRoom(payer, bytes))) {
      return Promise.reject(bufferFull(bufferBytes, bufferMessages, this.#delayReason))
    }
    this.#sequence += 1
    let pending: PendingPublish
    try {
      pending = new PendingPublish(this.#sequence, publication, this.#options.defaultExchange, attempt)
    } catch (error) {
      return Promise.reject(asError(error))
    }
    const { frameMax } = this.#connection
    if (pending.headerBytes > frameMax) return Promise.reject(headerTooLarge(pending.headerBytes, frameMax))
    this.#bytes.add(payer, bytes)
    this.#messages.add(payer, 1)
    const channel = this.#channelFor(pending.exchange, publication.into === 'journal')
    this.#unanswered.set(pending, channel)
    const timer = setTimeout(() => this.#giveUp(pending, channel), publishTimeoutMs)
    this.#timer ??= setInterval(() => this.#check(), this.#timings.checkMs)
    channel.add(pending)
    return pending.answered.finally(() => {
      clearTimeout(timer)
      this.#unanswered.delete(pending)
      this.#bytes.add(payer, -bytes)
      this.#messages.add(payer, -1)
      if (this.#connection.forget(pending)) this.#sendWaiting()
    })
  }

  /**
   * Replaces the channels that reach the journal. Called when the journal may have been declared
   * again, or has lost what was confirmed.
   */
  renew(): void {
    for (const channel of this.#channels.values()) if (channel.reachesJournal) channel.retire()
  }

  /** Waits briefly for outstanding confirms, then rejects the rest with `BROKER_UNAVAILABLE`. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#connection.session && this.#connection.blocked === undefined) {
      await within(drainMs, Promise.allSettled([...this.#unanswered.keys()].map(({ answered }) => answered)))
    }
    for (const [pending, channel] of this.#unanswered) this.#giveUp(pending, channel)
    clearInterval(this.#timer)
    await this.#reconnecting.close()
  }

  async #establish(session: ConnectionSession): Promise<void> {
    this.#connection.blocked = undefined
    this.#connection.existing.clear()
    await this.#options.declare?.(session.connection)
    session.signal.addEventListener('abort', () => {
      this.#connection.lost(session.signal.reason)
      for (const channel of this.#channels.values()) channel.reset()
    })
    if (session.signal.aborted) return
    this.#connection.opened(session)
    this.#sendWaiting()
  }

  #channelFor(exchange: string, reachesJournal: boolean): PublishingChannel {
    const into = reachesJournal ? 'journal' : 'elsewhere'
    const known = this.#channels.get(`${into} ${exchange}`)
    if (known) return known
    const key = this.#channels.size < maxChannels || this.#closeIdleChannel() ? `${into} ${exchange}` : into
    const channel = this.#channels.get(key) ?? new PublishingChannel(this.#connection, reachesJournal)
    this.#channels.set(key, channel)
    return channel
  }

  /** Returns false if no channel is idle. */
  #closeIdleChannel(): boolean {
    for (const [key, channel] of this.#channels) {
      if (!channel.isIdle) continue
      channel.close()
      this.#channels.delete(key)
      return true
    }
    return false
  }

  #sendWaiting(): void {
    this.#connection.resume()
    for (const channel of this.#channels.values()) channel.sendWaiting()
  }

  #check(): void {
    if (this.#unanswered.size === 0 && this.#connection.inFlight === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
      return
    }
    const { session, blocked, lastAnswer } = this.#connection
    if (!session || blocked !== undefined) return
    const now = performance.now()
    for (const channel of this.#channels.values()) channel.check(now, lastAnswer)
    this.#checkNode(session, now)
  }

  /**
   * Detects a node that is cut off from its cluster: it keeps the connection, but confirms nothing.
   */
  #checkNode(session: ConnectionSession, now: number): void {
    if (!this.#options.probe) return
    let oldest = now
    for (const { oldestSentAt } of this.#channels.values()) {
      if (oldestSentAt !== undefined) oldest = Math.min(oldest, oldestSentAt)
    }
    const silentMs = now - Math.max(oldest, this.#connection.lastAnswer)
    // With one URL there may still be several nodes behind it. A busy single node gets more time.
    if (!session.mayMove && silentMs >= 3 * this.#timings.silentMs) session.fail(new Error('it confirms nothing'))
    else if (session.mayMove && silentMs >= this.#timings.silentMs) session.failNode('it confirms nothing')
    else if (silentMs >= this.#timings.probeMs && !this.#probing) this.#probe(this.#options.probe())
  }

  #probe(publication: GatewayPublication): void {
    this.#probing = true
    const answered = (): void => {
      this.#probing = false
      this.#connection.lastAnswer = performance.now()
    }
    this.publish(publication).then(answered, (error: unknown) => {
      if (error instanceof GatewayError && error.code === 'BROKER_UNAVAILABLE') this.#probing = false
      else answered()
    })
  }

  #giveUp(pending: PendingPublish, channel: PublishingChannel): void {
    if (pending.settled) return
    channel.withdraw(pending)
    const reason =
      pending.retries > 0 ? 'it keeps refusing it; a queue that is bound there may be full' : this.#delayReason
    const doubt =
      pending.attempts > 0 && !pending.returned
        ? ' (it may be stored all the same: publish again with the same message id)'
        : ''
    pending.settle(
      new GatewayError('BROKER_UNAVAILABLE', `RabbitMQ has not confirmed the message in time: ${reason}${doubt}`),
    )
  }

  /** Why messages wait. */
  get #delayReason(): string {
    const { blocked, session } = this.#connection
    if (blocked !== undefined) return blocked
    return session ? 'it does not answer' : this.#awayReason
  }
}
