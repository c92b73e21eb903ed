import type { ChannelModel } from 'amqplib'
import { asError } from '../../../core/model/error-text.ts'
import { within } from '../../../core/timing/deadline.ts'
import { fullJitter } from '../../../core/timing/jitter.ts'
import { pause } from '../../../core/timing/pause.ts'
import { GatewayError } from '../../../errors.ts'
import { DeliveryReader } from '../message/delivery-reader.ts'
import { connect } from './connect.ts'
import { describeFailure } from './describe-failure.ts'
import { Liveness, type livenessTimings } from './liveness.ts'
import { type BrokerNode, Nodes, Unresponsive } from './node-list.ts'
import { replyCodes, replyOf } from './reply-codes.ts'

export { Unresponsive }

/** Another connection to the node of a session. */
export interface Sibling {
  readonly connection: ChannelModel
  /** Resolves when the connection is closed. */
  close(): Promise<void>
}

/** One AMQP connection from its opening to its end. */
export interface ConnectionSession {
  readonly connection: ChannelModel
  /** Lets consumers read their messages without amqplib. */
  readonly deliveries: DeliveryReader
  /**
   * Ends this session with a reason. The connection is then closed, and opened again after a delay.
   * Idempotent. With an `Unresponsive`, all other connections that share the nodes leave this node
   * too.
   */
  fail(error: Error): void
  /** Calls `fail` with an `Unresponsive`. */
  failNode(reason: string): void
  /**
   * Whether another node may serve better: there are other nodes, and no alarm blocks the whole
   * cluster.
   */
  readonly mayMove: boolean
  /**
   * Opens another connection to the same node. Its socket is destroyed when this session ends.
   * Rejects if the session ends before the connection is open.
   */
  openSibling(purpose: string): Promise<Sibling>
  /** Aborted when the session has ended, for any reason. */
  readonly signal: AbortSignal
}

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

interface SessionParts {
  onBlocked(reason: string | undefined): void
  open(purpose: string, cut: AbortController): Promise<ChannelModel>
  readonly closeMs: number
}

class CurrentSession implements ConnectionSession {
  readonly connection: ChannelModel
  readonly deliveries: DeliveryReader
  /** Rejects at the end of the session; never resolves. */
  readonly ended: Promise<never>
  readonly #node: BrokerNode
  readonly #nodes: Nodes
  readonly #parts: SessionParts
  readonly #end = new AbortController()

  constructor(
    node: BrokerNode,
    nodes: Nodes,
    connection: ChannelModel,
    deliveries: DeliveryReader,
    parts: SessionParts,
  ) {
    this.#node = node
    this.#nodes = nodes
    this.#parts = parts
    this.connection = connection
    this.deliveries = deliveries
    const end = (reason: Error): void => this.#end.abort(reason)
    node.sessions.add(end)
    const { serverProperties = {} } = connection.connection as { serverProperties?: object }
    node.serverProperties = { ...serverProperties }
    this.ended = new Promise((_resolve, reject) => {
      this.signal.addEventListener('abort', () => {
        node.sessions.delete(end)
        nodes.blocked.delete(this)
        reject(this.signal.reason as Error)
      })
    })
    this.ended.catch(() => {})
    connection.on('error', (error) => this.fail(error))
    connection.on('close', (error) => this.fail(error ?? new Error('Unexpected close')))
    connection.on('blocked', (reason) => {
      nodes.blocked.add(this)
      parts.onBlocked(`RabbitMQ does not accept publishes for now: it is ${reason}`)
    })
    connection.on('unblocked', () => {
      nodes.blocked.delete(this)
      parts.onBlocked(undefined)
    })
  }

  get signal(): AbortSignal {
    return this.#end.signal
  }

  get mayMove(): boolean {
    return this.#nodes.count > 1 && this.#nodes.blocked.size === 0
  }

  fail(error: Error): void {
    if (this.signal.aborted) return
    this.#end.abort(error)
    if (error instanceof Unresponsive) this.#nodes.unresponsive(this.#node, error)
  }

  failNode(reason: string): void {
    this.fail(new Unresponsive(reason))
  }

  watch(timings: Partial<typeof livenessTimings>): Liveness {
    const isBlocked = (): boolean => this.#nodes.blocked.has(this)
    const onSilent = (): void => this.failNode('it answers nothing')
    return new Liveness(this.connection, this.deliveries, isBlocked, onSilent, timings)
  }

  async openSibling(purpose: string): Promise<Sibling> {
    this.signal.throwIfAborted()
    const cut = new AbortController()
    const cutNow = (): void => cut.abort()
    this.signal.addEventListener('abort', cutNow)
    const connection = await this.#parts.open(purpose, cut).catch((error: unknown) => {
      this.signal.removeEventListener('abort', cutNow)
      throw this.signal.aborted ? this.signal.reason : error
    })
    connection.on('error', () => {})
    connection.on('blocked', () => this.#nodes.blocked.add(cut))
    connection.on('unblocked', () => this.#nodes.blocked.delete(cut))
    connection.on('close', () => this.#nodes.blocked.delete(cut))
    return {
      connection,
      close: async () => {
        await within(this.#parts.closeMs, connection.close())
        cut.abort()
        this.#nodes.blocked.delete(cut)
        this.signal.removeEventListener('abort', cutNow)
      },
    }
  }
}
