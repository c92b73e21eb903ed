import type { ChannelModel } from 'amqplib'
import { within } from '../../../core/timing/deadline.ts'
import type { DeliveryReader } from '../message/delivery-reader.ts'
import { Liveness, type livenessTimings } from './liveness.ts'
import { type BrokerNode, type Nodes, Unresponsive } from './node-list.ts'

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

/** What a session gets from the connection that it belongs to. */
interface SessionParts {
  onBlocked(reason: string | undefined): void
  /** Opens another connection to the same node; aborting `cut` destroys its socket. */
  open(purpose: string, cut: AbortController): Promise<ChannelModel>
  readonly closeMs: number
}

/**
 * The session of a connection that is open now. Keeps the list of open and of blocked sessions of
 * its nodes.
 */
export class CurrentSession implements ConnectionSession {
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
