import { BoundedSet } from '../../../core/limits/bounded-set.ts'
import { frameMaxOf } from '../connection/frame-max.ts'
import type { ConnectionSession } from '../connection/reconnecting-connection.ts'
import { type BrokerReply, connectionFaultOf } from '../connection/reply-codes.ts'
import type { PendingPublish } from './pending-publish.ts'
import { closesConnections } from './refused-publish.ts'

/** A message is given up after this many connections closed while it was sent alone. */
const connectionsBeforeGivenUp = 2

/** In milliseconds. */
export const answerTimings = {
  /** How long the oldest message may stay unanswered after a later one was confirmed. */
  overtakenMs: 3_000,
  /** How long the oldest message may stay unanswered while RabbitMQ answers others. */
  unansweredMs: 5_000,
}

interface PublishingConnectionOptions {
  readonly timings: typeof answerTimings
  /** The maximum size of the messages in flight, in bytes of bodies. */
  readonly maxInFlightBytes: number
  /** Called when a message that `maySend` held back may be sent now. */
  onMaySend(): void
}

/**
 * What the channels of one publisher share: the current session, the messages in flight on it, and
 * the suspects. If RabbitMQ closes the connection because of a message, every message in flight
 * becomes a suspect and is sent alone.
 */
export class PublishingConnection {
  readonly timings: typeof answerTimings
  /** Routes that RabbitMQ has routed to a queue before. */
  readonly routed = new BoundedSet<string>(10_000)
  /** Exchanges that existed at the last check. */
  readonly existing = new BoundedSet<string>(1_000)
  /** Why RabbitMQ blocks publishes; undefined if it accepts them. */
  blocked: string | undefined
  /** When RabbitMQ last answered, by the monotonic clock, in milliseconds. */
  lastAnswer = 0
  readonly #options: PublishingConnectionOptions
  #session: ConnectionSession | undefined
  #upSince = 0
  #frameMax = Number.POSITIVE_INFINITY
  #inFlight = 0
  #inFlightBytes = 0
  /** `maySend` has held a message back since the last `resume`. */
  #heldBack = false
  /** Messages of which one may have closed a connection. */
  readonly #suspects = new Set<PendingPublish>()
  #fault: BrokerReply | undefined

  constructor(options: PublishingConnectionOptions) {
    this.#options = options
    this.timings = options.timings
  }

  /** Undefined while the connection is down. */
  get session(): ConnectionSession | undefined {
    return this.#session
  }

  /** By the monotonic clock, in milliseconds. */
  get upSince(): number {
    return this.#upSince
  }

  /** The negotiated maximum size of a frame; Infinity if there is no limit. */
  get frameMax(): number {
    return this.#frameMax
  }

  get inFlight(): number {
    return this.#inFlight
  }

  /** Includes messages that were given up, because amqplib may still hold them. */
  get inFlightBytes(): number {
    return this.#inFlightBytes
  }

  opened(session: ConnectionSession): void {
    this.#frameMax = frameMaxOf(session.connection)
    this.#fault = undefined
    this.#session = session
    this.#upSince = performance.now()
    this.lastAnswer = this.#upSince
  }

  lost(reason: unknown): void {
    this.#session = undefined
    this.#fault = connectionFaultOf(reason)
  }

  /** Called before the channels send what they can. */
  resume(): void {
    this.#heldBack = false
  }

  /** Whether the connection allows sending this message now. */
  maySend(pending: PendingPublish): boolean {
    const may = this.#allows(pending)
    this.#heldBack ||= !may
    return may
  }

  sent({ bytes }: PendingPublish): void {
    this.#inFlight += 1
    this.#inFlightBytes += bytes
  }

  /**
   * RabbitMQ has confirmed or refused this attempt, so the message did not close the connection.
   */
  answered(pending: PendingPublish): void {
    this.lastAnswer = performance.now()
    if (this.#suspects.delete(pending)) this.#heldBack = true
  }

  /** The attempt has an answer, or will never have one. */
  noLongerInFlight({ bytes }: PendingPublish): void {
    this.#inFlight -= 1
    this.#inFlightBytes -= bytes
    if (this.#heldBack) queueMicrotask(() => this.#options.onMaySend())
  }

  /**
   * Called for each message in flight when the connection is lost. Makes it a suspect if RabbitMQ
   * closed the connection because of a message. Returns true if the message was given up.
   */
  suspect(pending: PendingPublish): boolean {
    const fault = this.#fault
    if (!fault) return false
    if (pending.connectionSuspect) pending.closedConnections += 1
    if (pending.closedConnections >= connectionsBeforeGivenUp) {
      pending.settle(closesConnections(fault))
      return true
    }
    pending.connectionSuspect = true
    this.#suspects.add(pending)
    return false
  }

  /** Called when the message is settled. Returns whether it was a suspect. */
  forget(pending: PendingPublish): boolean {
    return this.#suspects.delete(pending)
  }

  #allows(pending: PendingPublish): boolean {
    if (this.blocked !== undefined || this.#inFlightBytes >= this.#options.maxInFlightBytes) return false
    if (this.#suspects.size === 0) return true
    // Suspects are sent one at a time, the earliest first, and nothing else meanwhile.
    if (this.#inFlight > 0) return false
    for (const suspect of this.#suspects) if (suspect.sequence < pending.sequence) return false
    return this.#suspects.has(pending)
  }
}
