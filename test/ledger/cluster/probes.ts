import amqp, { type Channel, type ChannelModel } from 'amqplib'
import { testToken } from '../../support/gateway/gateway-process.ts'
import { destroyConnection } from '../careful-publisher.ts'
import { ResumingListener } from '../clients/resuming-listener.ts'
import { overWebSocket } from '../clients/transports.ts'
import { pause } from '../pause.ts'
import type { Seeded } from '../seeded.ts'
import type { ClusterNode } from './cluster-nodes.ts'
import type { GatewayReplica } from './replicas.ts'

export const probeChannel = 'probe'
const everyMs = 100
const againMs = 250
const connectMs = 1_000
const patienceMs = 3_000
/** Delivery is steady if probes of every node arrive within this time after their publication. */
const steadyMs = 2_000

/** Publishes to one node, ten times a second, without waiting for answers. */
class ProbePublisher {
  readonly #node: ClusterNode
  #stopped = false
  #connection: ChannelModel | undefined
  #running: Promise<void> = Promise.resolve()

  constructor(node: ClusterNode) {
    this.#node = node
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    destroyConnection(this.#connection)
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await this.#session().catch(() => {})
      await pause(againMs)
    }
  }

  async #session(): Promise<void> {
    const connection = await amqp.connect(`${this.#node.url}?heartbeat=3`, { noDelay: true, timeout: connectMs })
    this.#connection = connection
    connection.on('error', () => {})
    const ended = new Promise<void>((resolve) => connection.once('close', () => resolve()))
    const late = setTimeout(destroyConnection, connectMs, connection)
    const channel: Channel = await connection.createChannel().finally(() => clearTimeout(late))
    channel.on('error', () => {})
    const publish = (): void => {
      try {
        const probe = { node: this.#node.name, at: Date.now(), number: 0 }
        const options = { contentType: 'application/json', persistent: true }
        channel.publish('warren.events', `client.${probeChannel}`, Buffer.from(JSON.stringify(probe)), options)
      } catch {
        clearInterval(timer)
      }
    }
    const timer = setInterval(publish, everyMs)
    if (this.#stopped) destroyConnection(connection)
    await ended
    clearInterval(timer)
  }
}

/** The probes that one gateway delivers. */
class Delivery {
  readonly listener: ResumingListener
  readonly #arrivals: number[] = []
  /** By node: when the newest arrived probe was published. */
  readonly #newest = new Map<string, number>()

  constructor(replica: GatewayReplica, token: string, cursor: string, random: Seeded) {
    this.listener = new ResumingListener({
      client: probeChannel,
      token,
      cursor,
      replicas: [replica],
      random,
      transports: [overWebSocket],
      patienceMs,
      onEvent: (event) => {
        if (event.kind !== 'message') return
        const { node, at } = event.data as unknown as { node: string; at: number }
        this.#arrivals.push(Date.now())
        this.#newest.set(node, Math.max(at, this.#newest.get(node) ?? 0))
      },
    })
  }

  arrivedWithin(ms: number): boolean {
    return (this.#arrivals.at(-1) ?? 0) > Date.now() - ms
  }

  steady(nodes: readonly ClusterNode[]): boolean {
    const since = Date.now() - steadyMs
    return nodes.every(({ name }) => (this.#newest.get(name) ?? 0) > since)
  }

  /**
   * The longest time between two arrivals in this span. A silence that began earlier counts from
   * the span's start.
   */
  longestSilence(from: number, to: number): number {
    let longest = 0
    let last = from
    for (const arrival of this.#arrivals) {
      if (arrival < from) continue
      // A silence belongs to the span in which it began.
      if (last <= to) longest = Math.max(longest, arrival - last)
      last = arrival
    }
    return last <= to ? Math.max(longest, Date.now() - last) : longest
  }

  forget(before: number): void {
    const keep = this.#arrivals.findIndex((arrival) => arrival >= before)
    this.#arrivals.splice(0, keep < 0 ? this.#arrivals.length : keep)
  }
}

/**
 * Measures delivery: it publishes to each node, and has a client of each gateway that is never cut.
 */
export class Probes {
  readonly #nodes: readonly ClusterNode[]
  readonly #publishers: readonly ProbePublisher[]
  readonly #deliveries: ReadonlyMap<GatewayReplica, Delivery>

  private constructor(nodes: readonly ClusterNode[], deliveries: ReadonlyMap<GatewayReplica, Delivery>) {
    this.#nodes = nodes
    this.#publishers = nodes.map((node) => new ProbePublisher(node))
    this.#deliveries = deliveries
  }

  static async start(
    nodes: readonly ClusterNode[],
    replicas: readonly GatewayReplica[],
    cursor: string,
    random: Seeded,
  ): Promise<Probes> {
    const token = await testToken({ sub: probeChannel }, { ttl: '7d' })
    const deliveries = replicas.map(
      (replica) => [replica, new Delivery(replica, token, cursor, random.fork())] as const,
    )
    const probes = new Probes(nodes, new Map(deliveries))
    for (const publisher of probes.#publishers) publisher.start()
    for (const [, { listener }] of deliveries) listener.start()
    return probes
  }

  get listeners(): ResumingListener[] {
    return [...this.#deliveries.values()].map(({ listener }) => listener)
  }

  /** Whether each gateway delivers what is published to each node. */
  get steady(): boolean {
    return [...this.#deliveries.values()].every((delivery) => delivery.steady(this.#nodes))
  }

  /** The gateways that currently do not deliver everything, for a message. */
  get unsteady(): string {
    const late = [...this.#deliveries].filter(([, delivery]) => !delivery.steady(this.#nodes))
    return late.length === 0 ? 'all gateways deliver' : `${late.map(([{ name }]) => name).join(' ')} did not deliver`
  }

  delivers(replica: GatewayReplica, withinMs: number): boolean {
    return this.#deliveries.get(replica)?.arrivedWithin(withinMs) ?? false
  }

  /** The longest silence of any of these gateways that began in this span. */
  longestSilence(replicas: readonly GatewayReplica[], from: number, to: number): number {
    return Math.max(0, ...replicas.map((one) => this.#deliveries.get(one)?.longestSilence(from, to) ?? 0))
  }

  forget(before: number): void {
    for (const delivery of this.#deliveries.values()) delivery.forget(before)
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#publishers, ...this.listeners].map((one) => one.stop()))
  }
}
