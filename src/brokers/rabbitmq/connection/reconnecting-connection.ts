import type { ChannelModel } from 'amqplib'
import { asError } from '../../../core/model/error-text.ts'
import { within } from '../../../core/timing/deadline.ts'
import { fullJitter } from '../../../core/timing/jitter.ts'
import { pause } from '../../../core/timing/pause.ts'
import { GatewayError } from '../../../errors.ts'
import { DeliveryReader } from '../message/delivery-reader.ts'
import { connect } from './connect.ts'
import { type ConnectionSession, CurrentSession } from './connection-session.ts'
import { describeFailure } from './describe-failure.ts'
import type { livenessTimings } from './liveness.ts'
import { type BrokerNode, Nodes, Unresponsive } from './node-list.ts'
import { replyCodes, replyOf } from './reply-codes.ts'

export type { ConnectionSession, Sibling } from './connection-session.ts'
export { Unresponsive }

/** The user of a connection. The callbacks must not throw. */
export interface ConnectionOptions {
  /** RabbitMQ's list of connections shows "warren <purpose>". */
  readonly purpose: string
  /**
   * Called on each new session: declares the topology on short-lived channels, and opens channels
   * and consumers. The connection is up when it resolves; a rejection ends the session.
   */
  establish(session: ConnectionSession): Promise<void>
  onUp?(): void
  /** Called once at the start of an outage, not at each retry. `reason` is a sentence. */
  onDown?(reason: string): void
  /** Called before each new attempt. */
  onRetry?(reason: string, delayMs: number): void
  /** Called once, after `close`, when the connection is closed. */
  onClosed?(): void
  /** RabbitMQ blocks publishes (`reason` is a sentence), or accepts them again (undefined). */
  onBlocked?(reason: string | undefined): void
}

/** What a connection reports to others than its user. */
export type ConnectionWatch = Pick<ConnectionOptions, 'onUp' | 'onDown' | 'onRetry' | 'onBlocked'>

/** Opens a connection to the nodes that the caller of this function does not need to know. */
export type OpenConnection = (options: ConnectionOptions) => ReconnectingConnection

/** In milliseconds. */
export const defaultTimings = {
  /** For TCP, TLS and the AMQP handshake together, if there is one node. */
  connectMs: 10_000,
  /**
   * The same if there are several nodes. Doubled each time that all of them have failed, up to
   * `connectMs`.
   */
  connectToOneOfManyMs: 3_000,
  /** How long RabbitMQ may take to answer a close; then the socket is destroyed. */
  closeMs: 1_000,
  firstRetryMs: 100,
  /**
   * Delivery must resume within 5 s after the broker is back: this delay plus the time to establish
   * a session.
   */
  retryCapMs: 2_000,
}
export type ReconnectTimings = typeof defaultTimings

/** The reason of a session that `close` ended. It is not a failure. */
class Closed extends Error {
  override readonly name = 'Closed'
}

/**
 * A connection to RabbitMQ that recovers: one session after another, each on the node with the
 * oldest last failure, until it is closed.
 *
 *     connecting ──► establishing ──► up
 *         ▲   │            │           │  any error, or `fail`
 *         │   ▼            ▼           ▼
 *         └── waiting (full jitter) ◄──┘
 */
export class ReconnectingConnection {
  readonly #nodes: Nodes
  readonly #options: ConnectionOptions
  readonly #timings: ReconnectTimings
  readonly #livenessTimings: Partial<typeof livenessTimings>
  readonly #closing = new AbortController()
  /** When this connection last failed on each node, for any reason. */
  readonly #failedAt = new Map<BrokerNode, number>()
  #running: Promise<void> | undefined
  #up = false
  #upSince: number | undefined
  #outage = false

  /**
   * `nodes` are those of one cluster. Connections that share the object learn from each other's
   * failures.
   */
  constructor(
    nodes: Nodes | readonly string[],
    options: ConnectionOptions & { timings?: Partial<ReconnectTimings>; liveness?: Partial<typeof livenessTimings> },
  ) {
    this.#nodes = nodes instanceof Nodes ? nodes : new Nodes(nodes)
    this.#options = options
    this.#timings = { ...defaultTimings, ...options.timings }
    this.#livenessTimings = options.liveness ?? {}
  }

  /** Starts to connect and returns at once. */
  open(): void {
    this.#running ??= this.#run().finally(() => this.#options.onClosed?.())
  }

  get up(): boolean {
    return this.#up
  }

  /** Resolves when the connection is closed, within `closeMs` even if RabbitMQ is frozen. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    let failures = 0
    while (!this.#closing.signal.aborted) {
      const node = this.#nodes.pick(this.#failedAt)
      this.#upSince = undefined
      // The next node is tried at once. The delay grows only after all nodes have failed.
      const rounds = Math.floor(failures / this.#nodes.count)
      const reason = await this.#session(node, this.#connectMs(rounds))
      if (reason instanceof Closed) return
      this.#failedAt.set(node, performance.now())
      // A short time up does not count as success. Otherwise a session that fails right after it is
      // established would be retried ever faster.
      const upMs = this.#upSince === undefined ? 0 : performance.now() - this.#upSince
      if (upMs > this.#timings.retryCapMs) failures = 0
      const delayMs = fullJitter(Math.floor(failures / this.#nodes.count), this.#timings)
      failures += 1
      this.#options.onRetry?.(describeFailure(reason, node.address), delayMs)
      await pause(delayMs, this.#closing.signal)
    }
  }

  #connectMs(rounds: number): number {
    const { connectMs, connectToOneOfManyMs } = this.#timings
    return this.#nodes.count === 1 ? connectMs : Math.min(connectMs, connectToOneOfManyMs * 2 ** rounds)
  }

  /**
   * Runs one session from connecting to its end. Resolves with the reason when its connection is
   * closed.
   */
  async #session(node: BrokerNode, connectMs: number): Promise<unknown> {
    const { address } = node
    const cut = new AbortController()
    const { signal: closing } = this.#closing
    const cutNow = () => cut.abort()
    closing.addEventListener('abort', cutNow)
    const deliveries = new DeliveryReader(address.readInPlace)
    const name = `warren ${this.#options.purpose}`
    let connection: ChannelModel
    try {
      connection = await connect(address, name, connectMs, cut, deliveries)
    } catch (error) {
      if (closing.aborted) return new Closed()
      this.#nodes.failed(node)
      this.#markDown(describeFailure(error, address))
      return error
    } finally {
      closing.removeEventListener('abort', cutNow)
    }

    const session = new CurrentSession(node, this.#nodes, connection, deliveries, {
      onBlocked: (reason) => this.#options.onBlocked?.(reason),
      open: (purpose, sibling) => connect(address, `${name}: ${purpose}`, connectMs, sibling),
      closeMs: this.#timings.closeMs,
    })
    // With a single node, heartbeats are enough, because there is no other node to move to.
    const liveness = this.#nodes.count > 1 ? session.watch(this.#livenessTimings) : undefined
    const endSession = () => session.fail(new Closed())
    closing.addEventListener('abort', endSession)
    if (closing.aborted) endSession()
    let reason: unknown
    try {
      await Promise.race([session.ended, this.#options.establish(session)])
      this.#markUp()
      await session.ended
    } catch (error) {
      // If `establish` failed because the session ended, the session has the reason.
      reason = session.signal.aborted ? session.signal.reason : error
    }
    liveness?.stop()
    closing.removeEventListener('abort', endSession)
    if (closing.aborted) reason = new Closed()
    session.fail(asError(reason))
    if (reason instanceof Closed) this.#up = false
    else {
      if (isNodeFailure(reason)) this.#nodes.failed(node)
      this.#markDown(describeFailure(reason, address))
    }
    const closed = connection.close()
    closed.catch(() => {})
    // An unresponsive peer does not answer a close, so it is not awaited.
    if (!(reason instanceof Unresponsive)) await within(this.#timings.closeMs, closed)
    cut.abort()
    return reason
  }

  #markUp(): void {
    this.#up = true
    this.#upSince = performance.now()
    this.#outage = false
    this.#options.onUp?.()
  }

  #markDown(reason: string): void {
    this.#up = false
    if (this.#outage) return
    this.#outage = true
    this.#options.onDown?.(reason)
  }
}

/**
 * Whether a session ended because its connection did, which counts as a failure of the node. A
 * refusal on a channel does not.
 */
function isNodeFailure(reason: unknown): boolean {
  const error = asError(reason)
  if (error instanceof Unresponsive) return true
  if (error instanceof GatewayError) return false
  const reply = replyOf(error)
  if (reply) return reply.code === replyCodes.connectionForced
  return 'code' in error || ['Heartbeat timeout', 'Unexpected close'].includes(error.message)
}
