import { BoundedSet } from '../../../core/limits/bounded-set.ts'
import { FairShares } from '../../../core/limits/fair-shares.ts'
import { asError } from '../../../core/model/error-text.ts'
import { within } from '../../../core/timing/deadline.ts'
import { badInput, GatewayError } from '../../../errors.ts'
import type { GatewayPublication } from '../../driver.ts'
import { bufferFull, tooLarge } from '../../refusals.ts'
import type { ChannelModel } from '../connection/amqp.ts'
import type {
  ConnectionSession,
  ConnectionWatch,
  OpenConnection,
  ReconnectingConnection,
} from '../connection/reconnecting-connection.ts'
import { type BrokerReply, connectionFaultOf } from '../connection/reply-codes.ts'
import { type Attempt, PendingPublish } from './pending-publish.ts'
import { headerTooLarge } from './publishable.ts'
import { answerTimings, PublishingChannel, type PublishingConnection } from './publishing-channel.ts'

export interface PublisherOptions {
  /** Where publications go that name no exchange. */
  readonly defaultExchange: string
  /** Called on each new connection, before anything is published. */
  declare?(connection: ChannelModel): Promise<void>
  /**
   * A publication that a healthy node confirms at once, whatever else is wrong: it tells a node
   * that confirms nothing from a queue that confirms nothing. Left out: only the heartbeat finds a
   * dead node.
   */
  probe?(): GatewayPublication
  readonly limits?: Partial<typeof publisherLimits>
  readonly timings?: Partial<typeof publisherTimings>
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
/** Channels that are kept for destinations; beyond, those without work make room. */
const maxChannels = 64

/** What RabbitMQ is given to confirm the rest on close, in milliseconds. */
const drainMs = 2_000

/** In milliseconds. */
export const publisherTimings = {
  ...answerTimings,
  /** How often unanswered publications are looked at. */
  lookMs: 500,
  /** Nothing was answered for so long: a probe is published. */
  probeMs: 2_500,
  /** Nothing was answered for so long, the probe included: the next node is tried. */
  silentMs: 5_000,
}

/**
 * Publishes with confirms over a connection that heals. The order of calls is kept for each
 * exchange, except for what RabbitMQ refuses to take at once (a nack, a return while it boots).
 */
export class Publisher {
  readonly #options: PublisherOptions
  readonly #limits: typeof publisherLimits
  readonly #timings: typeof publisherTimings
  readonly #link: ReconnectingConnection
  #session: ConnectionSession | undefined
  #upSince = 0
  #away = 'there is no connection yet'
  /** Why RabbitMQ takes no publications for now. */
  #blocked: string | undefined
  #closed = false
  #sequence = 0
  /** Of what is unanswered, bytes and messages: who publishes much leaves room for others. */
  readonly #bytes: FairShares
  readonly #messages: FairShares
  /** With the channel that each waits for. */
  readonly #unanswered = new Map<PendingPublish, PublishingChannel>()
  /** By destination. */
  readonly #channels = new Map<string, PublishingChannel>()
  #inFlight = 0
  /** Counts also what its caller no longer waits for: amqplib may still hold it. */
  #inFlightBytes = 0
  /** A channel was told to wait for the others. */
  #held = false
  /** Those of which one may have ended a connection. */
  readonly #suspects = new Set<PendingPublish>()
  readonly #existing = new BoundedSet<string>(1_000)
  readonly #routed = new BoundedSet<string>(10_000)
  #connectionFault: BrokerReply | undefined
  #frameMax = Number.POSITIVE_INFINITY
  #lastAnswer = 0
  #looking: NodeJS.Timeout | undefined
  #probing = false
  readonly #connection: PublishingConnection

  constructor(openConnection: OpenConnection, watch: ConnectionWatch, options: PublisherOptions) {
    this.#options = options
    this.#limits = { ...publisherLimits, ...options.limits }
    this.#timings = { ...publisherTimings, ...options.timings }
    this.#bytes = new FairShares(this.#limits.bufferBytes)
    this.#messages = new FairShares(this.#limits.bufferMessages)
    this.#connection = this.#sharedByChannels()
    this.#link = openConnection({
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
        this.#lastAnswer = performance.now()
        watch.onBlocked?.(reason)
        this.#pump()
      },
    })
  }

  /**
   * As `Broker.unansweredBytes`; also what its caller no longer waits for, while it may be on the
   * way.
   */
  get unansweredBytes(): number {
    return Math.max(this.#bytes.used, this.#inFlightBytes)
  }

  /**
   * Resolves once RabbitMQ has confirmed this publication and answered all earlier ones to the same
   * destination. Rejects as `Broker.publish` does.
   */
  publish(publication: GatewayPublication, attempt?: Attempt): Promise<void> {
    const { publishTimeoutMs, maxMessageBytes, bufferBytes, bufferMessages } = this.#limits
    const bytes = publication.body.length
    if (bytes > maxMessageBytes) return Promise.reject(tooLarge(bytes, maxMessageBytes))
    if (this.#closed) return Promise.reject(new GatewayError('BROKER_UNAVAILABLE', 'the gateway is closing'))
    const { payer } = publication
    if (!this.#messages.hasRoom(payer, 1) || (this.#unanswered.size > 0 && !this.#bytes.hasRoom(payer, bytes))) {
      return Promise.reject(bufferFull(bufferBytes, bufferMessages, this.#delay))
    }
    this.#sequence += 1
    let pending: PendingPublish
    try {
      pending = new PendingPublish(this.#sequence, publication, this.#options.defaultExchange, attempt)
    } catch (error) {
      return Promise.reject(asError(error))
    }
    if (pending.headerBytes > this.#frameMax) {
      return Promise.reject(headerTooLarge(pending.headerBytes, this.#frameMax))
    }
    this.#bytes.add(payer, bytes)
    this.#messages.add(payer, 1)
    const channel = this.#channelFor(pending.exchange, publication.into === 'journal')
    this.#unanswered.set(pending, channel)
    const timer = setTimeout(() => this.#giveUp(pending, channel), publishTimeoutMs)
    this.#looking ??= setInterval(() => this.#look(), this.#timings.lookMs)
    channel.add(pending)
    return pending.answered.finally(() => {
      clearTimeout(timer)
      this.#unanswered.delete(pending)
      this.#bytes.add(payer, -bytes)
      this.#messages.add(payer, -1)
      if (this.#suspects.delete(pending)) this.#pump()
    })
  }

  /**
   * The journal may have been declared again, or has lost what was confirmed: channels that reach
   * it are replaced.
   */
  renew(): void {
    for (const channel of this.#channels.values()) if (channel.reachesJournal) channel.retire()
  }

  /**
   * Gives RabbitMQ a moment to confirm what it has, then answers the rest with
   * `BROKER_UNAVAILABLE`.
   */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#session && this.#blocked === undefined) {
      await within(drainMs, Promise.allSettled([...this.#unanswered.keys()].map(({ answered }) => answered)))
    }
    for (const [pending, channel] of this.#unanswered) this.#giveUp(pending, channel)
    clearInterval(this.#looking)
    await this.#link.close()
  }

  async #establish(session: ConnectionSession): Promise<void> {
    this.#blocked = undefined
    this.#existing.clear()
    await this.#options.declare?.(session.connection)
    session.signal.addEventListener('abort', () => {
      this.#session = undefined
      this.#connectionFault = connectionFaultOf(session.signal.reason)
      for (const channel of this.#channels.values()) channel.reset()
    })
    if (session.signal.aborted) return
    this.#frameMax = frameMaxOf(session.connection)
    this.#connectionFault = undefined
    this.#session = session
    this.#upSince = performance.now()
    this.#lastAnswer = this.#upSince
    this.#pump()
  }

  #sharedByChannels(): PublishingConnection {
    const session = () => this.#session
    const upSince = () => this.#upSince
    const frameMax = () => this.#frameMax
    return {
      timings: this.#timings,
      get session() {
        return session()
      },
      get upSince() {
        return upSince()
      },
      get frameMax() {
        return frameMax()
      },
      routed: this.#routed,
      existing: this.#existing,
      maySend: (pending) => {
        const may = this.#maySend(pending)
        this.#held ||= !may
        return may
      },
      sent: ({ bytes }) => {
        this.#inFlight += 1
        this.#inFlightBytes += bytes
      },
      answered: (pending) => {
        this.#lastAnswer = performance.now()
        if (this.#suspects.delete(pending)) this.#held = true
      },
      landed: ({ bytes }) => {
        this.#inFlight -= 1
        this.#inFlightBytes -= bytes
        if (this.#held) queueMicrotask(() => this.#pump())
      },
      suspect: (pending) => this.#suspect(pending),
    }
  }

  #maySend(pending: PendingPublish): boolean {
    if (this.#blocked !== undefined || this.#inFlightBytes >= this.#limits.bufferBytes) return false
    if (this.#suspects.size === 0) return true
    // One at a time, the earliest first, and nothing else meanwhile.
    if (this.#inFlight > 0) return false
    for (const suspect of this.#suspects) if (suspect.sequence < pending.sequence) return false
    return this.#suspects.has(pending)
  }

  /** The connection ended over what was in flight. Whether this publication is given up. */
  #suspect(pending: PendingPublish): boolean {
    const fault = this.#connectionFault
    if (!fault) return false
    if (pending.connectionSuspect) pending.connectionsEnded += 1
    if (pending.connectionsEnded >= connectionsBeforeGivenUp) {
      pending.settle(endsConnections(fault))
      return true
    }
    pending.connectionSuspect = true
    this.#suspects.add(pending)
    return false
  }

  #channelFor(exchange: string, reachesJournal: boolean): PublishingChannel {
    const into = reachesJournal ? 'journal' : 'elsewhere'
    const known = this.#channels.get(`${into} ${exchange}`)
    if (known) return known
    const key = this.#channels.size < maxChannels || this.#makeRoom() ? `${into} ${exchange}` : into
    const channel = this.#channels.get(key) ?? new PublishingChannel(this.#connection, reachesJournal)
    this.#channels.set(key, channel)
    return channel
  }

  /** Whether there was a channel without work. */
  #makeRoom(): boolean {
    for (const [key, channel] of this.#channels) {
      if (!channel.isIdle) continue
      channel.close()
      this.#channels.delete(key)
      return true
    }
    return false
  }

  #pump(): void {
    this.#held = false
    for (const channel of this.#channels.values()) channel.pump()
  }

  #look(): void {
    if (this.#unanswered.size === 0 && this.#inFlight === 0) {
      clearInterval(this.#looking)
      this.#looking = undefined
      return
    }
    const session = this.#session
    if (!session || this.#blocked !== undefined) return
    const now = performance.now()
    for (const channel of this.#channels.values()) channel.look(now, this.#lastAnswer)
    this.#lookAtNode(session, now)
  }

  /** A node that is cut off from its cluster keeps the connection, and confirms nothing. */
  #lookAtNode(session: ConnectionSession, now: number): void {
    if (!this.#options.probe) return
    let oldest = now
    for (const { oldestSentAt } of this.#channels.values()) {
      if (oldestSentAt !== undefined) oldest = Math.min(oldest, oldestSentAt)
    }
    const silentMs = now - Math.max(oldest, this.#lastAnswer)
    // Where there is one URL, another node may be behind it; a busy one is given more time.
    if (!session.mayMove && silentMs >= 3 * this.#timings.silentMs) session.fail(new Error('it confirms nothing'))
    else if (session.mayMove && silentMs >= this.#timings.silentMs) session.failNode('it confirms nothing')
    else if (silentMs >= this.#timings.probeMs && !this.#probing) this.#probe(this.#options.probe())
  }

  #probe(publication: GatewayPublication): void {
    this.#probing = true
    const answered = (): void => {
      this.#probing = false
      this.#lastAnswer = performance.now()
    }
    this.publish(publication).then(answered, (error: unknown) => {
      if (error instanceof GatewayError && error.code === 'BROKER_UNAVAILABLE') this.#probing = false
      else answered()
    })
  }

  #giveUp(pending: PendingPublish, channel: PublishingChannel): void {
    if (pending.settled) return
    channel.withdraw(pending)
    const reason = pending.retries > 0 ? 'it keeps refusing it; a queue that is bound there may be full' : this.#delay
    const doubt =
      pending.attempts > 0 && !pending.returned
        ? ' (it may be there all the same: publish again under the same message id)'
        : ''
    pending.settle(
      new GatewayError('BROKER_UNAVAILABLE', `RabbitMQ has not confirmed the message in time: ${reason}${doubt}`),
    )
  }

  /** What publications wait for. */
  get #delay(): string {
    if (this.#blocked !== undefined) return this.#blocked
    return this.#session ? 'it does not answer' : this.#away
  }
}

function endsConnections({ code, text }: BrokerReply): GatewayError {
  return badInput('properties', `RabbitMQ ends the connection over this message, each time it is sent: ${code} ${text}`)
}

/** amqplib negotiates it and does not export it in its types; 0 is no limit. */
function frameMaxOf({ connection }: ChannelModel): number {
  const { frameMax } = connection as unknown as { readonly frameMax?: unknown }
  return typeof frameMax === 'number' && frameMax > 0 ? frameMax : Number.POSITIVE_INFINITY
}
