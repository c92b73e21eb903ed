import type { ChannelModel } from 'amqplib'
import { type BrokerAddress, parseAddress } from './address.ts'
import { asError } from './as-error.ts'
import { fullJitter, pause } from './backoff.ts'
import { connect } from './connect.ts'
import { Deliveries } from './deliveries.ts'
import { describeFailure } from './failure.ts'
import { within } from './within.ts'

/** One connection from its opening to its end. */
export interface LinkSession {
  readonly connection: ChannelModel
  /** Where a consumer can have its messages read in place. */
  readonly deliveries: Deliveries
  /** Ends this session with a reason; the link closes the connection, backs off, and comes again. Idempotent. */
  fail(error: Error): void
  /** Aborted when the session has ended, whatever the cause. */
  readonly signal: AbortSignal
}

/** Who uses a link. None of the callbacks may throw. */
export interface LinkOptions {
  /** Shown in RabbitMQ's list of connections as "warren <purpose>". */
  readonly purpose: string
  /** Called on each new connection: topology on a short-lived channel, channels, consumers. Up is said after it resolves; a rejection ends the session. */
  establish(session: LinkSession): Promise<void>
  onUp?(): void
  /** Once at the start of an outage, not at each retry. `reason` is a sentence. */
  onDown?(reason: string): void
  /** Before each new attempt. */
  onRetry?(reason: string, delayMs: number): void
  /** Once, when the link was told to close and its connection is gone. */
  onClosed?(): void
  /** RabbitMQ takes no publications (`reason` is a sentence), or takes them again (undefined). */
  onBlocked?(reason: string | undefined): void
}

/** What somebody who doesn't use the link himself may hear of it. */
export type LinkWatch = Pick<LinkOptions, 'onUp' | 'onDown' | 'onRetry' | 'onBlocked'>

/** Opens a link to the nodes that the opener knows. */
export type OpenLink = (options: LinkOptions) => Link

/** In milliseconds. */
export const defaultTimings = {
  /** For TCP, TLS and the AMQP handshake together. */
  connectMs: 10_000,
  /** What RabbitMQ is given to answer a close; then the socket is destroyed. */
  closeMs: 1_000,
  firstRetryMs: 100,
  /** Delivery is to be back within 5 s after the broker is: this and what it takes to establish a session. */
  retryCapMs: 2_000,
}
export type LinkTimings = typeof defaultTimings

/** The link was told to close; no failure. */
class Closed extends Error {
  override readonly name = 'Closed'
}

/**
 * A connection to RabbitMQ that heals: sessions one after another on the nodes in turn, until it is closed.
 *
 *     connecting ──► establishing ──► up
 *         ▲   │            │           │  any error, or `fail`
 *         │   ▼            ▼           ▼
 *         └── waiting (full jitter) ◄──┘
 */
export class Link {
  readonly #addresses: readonly BrokerAddress[]
  readonly #options: LinkOptions
  readonly #timings: LinkTimings
  readonly #closing = new AbortController()
  #running: Promise<void> | undefined
  #up = false
  #upSince: number | undefined
  #outage = false

  constructor(urls: readonly string[], options: LinkOptions & { timings?: Partial<LinkTimings> }) {
    if (urls.length === 0) throw new Error('a link needs the URL of at least one RabbitMQ node')
    this.#addresses = urls.map(parseAddress)
    this.#options = options
    this.#timings = { ...defaultTimings, ...options.timings }
  }

  /** Begins and returns at once. */
  open(): void {
    this.#running ??= this.#run().finally(() => this.#options.onClosed?.())
  }

  get up(): boolean {
    return this.#up
  }

  /** Resolves when the connection is gone, within `closeMs` also where RabbitMQ has frozen. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    let failures = 0
    for (let turn = 0; !this.#closing.signal.aborted; turn += 1) {
      const address = this.#addresses[turn % this.#addresses.length] as BrokerAddress
      this.#upSince = undefined
      const reason = await this.#session(address)
      if (reason instanceof Closed) return
      // Being up for a moment is no success: what breaks as soon as it stands must not come back faster and faster.
      const upMs = this.#upSince === undefined ? 0 : performance.now() - this.#upSince
      if (upMs > this.#timings.retryCapMs) failures = 0
      const delayMs = fullJitter(failures, this.#timings)
      failures += 1
      this.#options.onRetry?.(describeFailure(reason, address), delayMs)
      await pause(delayMs, this.#closing.signal)
    }
  }

  /** One session from connecting to its end; resolves with why it ended, when its connection is gone. */
  async #session(address: BrokerAddress): Promise<unknown> {
    const cut = new AbortController()
    const { signal: closing } = this.#closing
    const cutNow = () => cut.abort()
    closing.addEventListener('abort', cutNow)
    const deliveries = new Deliveries()
    let connection: ChannelModel
    try {
      connection = await connect(address, `warren ${this.#options.purpose}`, this.#timings.connectMs, cut, deliveries)
    } catch (error) {
      if (closing.aborted) return new Closed()
      this.#fall(describeFailure(error, address))
      return error
    } finally {
      closing.removeEventListener('abort', cutNow)
    }

    const session = new Session(connection, deliveries, (reason) => this.#options.onBlocked?.(reason))
    const leave = () => session.fail(new Closed())
    closing.addEventListener('abort', leave)
    if (closing.aborted) leave()
    let reason: unknown
    try {
      await Promise.race([session.ended, this.#options.establish(session)])
      this.#rise()
      await session.ended
    } catch (error) {
      // Where `establish` failed because the session ended, the session knows why.
      reason = session.signal.aborted ? session.signal.reason : error
    }
    closing.removeEventListener('abort', leave)
    if (closing.aborted) reason = new Closed()
    session.fail(asError(reason))
    if (reason instanceof Closed) this.#up = false
    else this.#fall(describeFailure(reason, address))
    await within(this.#timings.closeMs, connection.close())
    cut.abort()
    return reason
  }

  #rise(): void {
    this.#up = true
    this.#upSince = performance.now()
    this.#outage = false
    this.#options.onUp?.()
  }

  #fall(reason: string): void {
    this.#up = false
    if (this.#outage) return
    this.#outage = true
    this.#options.onDown?.(reason)
  }
}

class Session implements LinkSession {
  readonly connection: ChannelModel
  readonly deliveries: Deliveries
  /** Rejects at the end of the session; never resolves. */
  readonly ended: Promise<never>
  readonly #end = new AbortController()

  constructor(connection: ChannelModel, deliveries: Deliveries, onBlocked: (reason: string | undefined) => void) {
    this.connection = connection
    this.deliveries = deliveries
    this.ended = new Promise((_resolve, reject) => {
      this.signal.addEventListener('abort', () => reject(this.signal.reason as Error))
    })
    this.ended.catch(() => {})
    connection.on('error', (error) => this.fail(error))
    connection.on('close', (error) => this.fail(error ?? new Error('Unexpected close')))
    connection.on('blocked', (reason) => onBlocked(`RabbitMQ takes no publications for now: it is ${reason}`))
    connection.on('unblocked', () => onBlocked(undefined))
  }

  get signal(): AbortSignal {
    return this.#end.signal
  }

  fail(error: Error): void {
    this.#end.abort(error)
  }
}
