import { matchWords } from '../../../src/core/model/topic-pattern.ts'
import type { Choices } from '../time/seeded.ts'
import type { VirtualClock } from '../time/virtual-clock.ts'
import { ClientConnection } from './client-connection.ts'
import type { DeliveryReader } from './delivery-reader.ts'
import { Direction } from './link.ts'
import { QuorumQueue } from './quorum-queue.ts'
import { Refusal, socketError } from './refusal.ts'
import type { PublishedMessage } from './server-channel.ts'
import { ServerConnection } from './server-connection.ts'
import type { StoredMessage, StreamLimits } from './stream-log.ts'
import { StreamQueue } from './stream-queue.ts'

export interface BrokerNode {
  readonly id: number
  state: 'up' | 'down' | 'frozen'
  /** Cut from the majority: it confirms nothing and delivers nothing new. */
  isIsolated: boolean
  readonly waiting: (() => void)[]
}

/** The consumers of a classic queue. Messages without a consumer are dropped. */
type ClassicQueue = Map<string, (message: PublishedMessage) => void>

interface Queue {
  readonly content: StreamQueue | QuorumQueue | ClassicQueue
  /** The connection of an exclusive queue. */
  readonly owner: ServerConnection | undefined
}

/** Bindings that differ in their arguments (`label`) are different ones. */
interface Binding {
  readonly queue: string
  readonly key: string
  readonly label: string
  readonly words: readonly string[]
}

interface Exchange {
  readonly type: string
  readonly bindings: Binding[]
  readonly routes: Map<string, readonly Queue['content'][]>
}

export interface RabbitOptions {
  readonly clock: VirtualClock
  readonly random: Choices
  readonly version: 3 | 4
  readonly nodes: number
  readonly latencyMs: number
  readonly journal: StreamLimits
  readonly onDeclared: (stream: StreamQueue) => void
  readonly onStored: (stream: StreamQueue, message: StoredMessage) => void
}

/** RabbitMQ as Warren meets it: exchanges, queues and streams behind connections that may fail. */
export class SimulatedRabbit {
  readonly clock: VirtualClock
  readonly random: Choices
  readonly version: 3 | 4
  readonly nodes: readonly BrokerNode[]
  readonly queues = new Map<string, Queue>()
  readonly connections = new Set<ServerConnection>()
  readonly #options: RabbitOptions
  readonly #exchanges = new Map<string, Exchange>()
  /** The replicas that packets do not reach, or do not come from, by node. */
  readonly partitions = new Set<{ readonly owner: number; readonly up: boolean; readonly down: boolean }>()
  hasAlarm = false
  /** No replica of the streams leads. */
  leaderless = false
  isBooting = false
  /** Extra time before a confirm, in milliseconds. */
  confirmDelayMs = 0

  constructor(options: RabbitOptions) {
    this.#options = options
    this.clock = options.clock
    this.random = options.random
    this.version = options.version
    this.nodes = Array.from({ length: options.nodes }, (_, id) => ({ id, state: 'up', isIsolated: false, waiting: [] }))
  }

  onStored(stream: StreamQueue, message: StoredMessage): void {
    this.#options.onStored(stream, message)
  }

  limitsOf(name: string): StreamLimits {
    return name.endsWith('.epoch') ? { segmentMessages: 1_000, segments: 100 } : this.#options.journal
  }

  confirmDelay(): number {
    return this.confirmDelayMs === 0 ? 0 : this.random.between(0, this.confirmDelayMs)
  }

  /** TCP, login and virtual host. */
  async connect(
    nodeId: number,
    name: string,
    cut: AbortSignal,
    deliveries: DeliveryReader | undefined,
  ): Promise<ClientConnection> {
    const node = this.nodes[nodeId]
    if (!node) throw socketError('ENOTFOUND')
    const { owner } = this.clock
    const direction = (receiver: number): Direction =>
      new Direction(this.clock, this.random, receiver, this.#options.latencyMs)
    const server = new ServerConnection(this, node, { owner, name, up: direction(0), down: direction(owner) })
    const client = new ClientConnection(server, deliveries)
    server.attach(client)
    this.connections.add(server)
    for (const partition of this.partitions) this.#hold(server, partition)
    if (node.state === 'frozen') this.#hold(server, { owner, up: true, down: true })
    cut.addEventListener('abort', () => {
      // The socket is destroyed here; RabbitMQ learns of it when packets arrive.
      server.down.close()
      server.up.send(() => server.end(undefined))
      if (server.up.isHeld) this.clock.at(30_000, () => server.end(undefined), 0)
      client.lost(socketError('ABORT_ERR'))
    })
    return new Promise((resolve, reject) => {
      client.connecting = reject
      server.up.send(() => {
        if (node.state === 'down') {
          server.down.send(() => reject(socketError('ECONNREFUSED')))
          this.forget(server)
          return
        }
        server.down.send(() =>
          server.up.send(() =>
            server.down.send(() => {
              if (cut.aborted) return
              client.connecting = undefined
              resolve(client)
            }),
          ),
        )
      })
    })
  }

  clientClosed(server: ServerConnection): void {
    if (!server.isOpen) return
    server.isOpen = false
    for (const channel of server.channels) channel.close()
    this.forget(server)
  }

  forget(server: ServerConnection): void {
    this.connections.delete(server)
    for (const [name, { owner }] of this.queues) if (owner === server) this.deleteQueue(name)
  }

  declareExchange(name: string, type: string): void {
    const known = this.#exchanges.get(name)
    if (known && known.type !== type) {
      const text = `inequivalent arg 'type' for exchange '${name}' in vhost '/': received '${type}' but current is '${known.type}'`
      throw new Refusal(406, text)
    }
    if (!known) this.#exchanges.set(name, { type, bindings: [], routes: new Map() })
  }

  checkExchange(name: string): void {
    if (!this.#exchanges.has(name)) throw new Refusal(404, `no exchange '${name}' in vhost '/'`)
  }

  addQueue(name: string, type: unknown, owner: ServerConnection | undefined): void {
    const content =
      type === 'stream' ? new StreamQueue(this, name) : type === 'quorum' ? new QuorumQueue(this, name) : new Map()
    this.queues.set(name, { content, owner })
    if (content instanceof StreamQueue) this.#options.onDeclared(content)
  }

  queueOf(name: string): Queue {
    const queue = this.queues.get(name)
    if (!queue) throw new Refusal(404, `no queue '${name}' in vhost '/'`)
    return queue
  }

  bind(queue: string, exchange: string, key: string, label: string): void {
    this.queueOf(queue)
    this.checkExchange(exchange)
    const found = this.#exchanges.get(exchange)
    if (!found || found.bindings.some(isBinding(queue, key, label))) return
    found.bindings.push({ queue, key, label, words: key.split('.') })
    found.routes.clear()
  }

  unbind(queue: string, exchange: string, key: string, label: string): void {
    const found = this.#exchanges.get(exchange)
    const index = found?.bindings.findIndex(isBinding(queue, key, label)) ?? -1
    if (index >= 0) found?.bindings.splice(index, 1)
    found?.routes.clear()
  }

  deleteQueue(name: string): void {
    const queue = this.queues.get(name)
    if (!queue) return
    this.queues.delete(name)
    for (const { bindings, routes } of this.#exchanges.values()) {
      const kept = bindings.filter((binding) => binding.queue !== name)
      bindings.splice(0, bindings.length, ...kept)
      routes.clear()
    }
    if (!(queue.content instanceof Map)) queue.content.delete()
  }

  /** The exchange stays, and what is published to it matches no queue. */
  loseBindings(exchange: string): void {
    const found = this.#exchanges.get(exchange)
    found?.bindings.splice(0)
    found?.routes.clear()
  }

  /** The queues of a message; undefined if the exchange does not exist. */
  route(exchange: string, routingKey: string): readonly Queue['content'][] | undefined {
    if (exchange === '') return [this.queues.get(routingKey)?.content].filter((content) => content !== undefined)
    const found = this.#exchanges.get(exchange)
    if (!found) return undefined
    let route = found.routes.get(routingKey)
    if (!route) {
      const words = routingKey.split('.')
      const matches = ({ key, words: pattern }: Binding): boolean =>
        found.type === 'fanout' || (found.type === 'topic' ? matchWords(pattern, words) : key === routingKey)
      const names = new Set(found.bindings.filter(matches).map(({ queue }) => queue))
      route = [...names].flatMap((name) => this.queues.get(name)?.content ?? [])
      if (found.routes.size > 1_000) found.routes.clear()
      found.routes.set(routingKey, route)
    }
    return route
  }

  publishInto(
    queue: StreamQueue | QuorumQueue,
    node: BrokerNode,
    message: PublishedMessage,
    isShared: () => boolean,
    stored: () => void,
  ): void {
    const publish = (): void => queue.publish(message, isShared, stored)
    if (node.isIsolated) node.waiting.push(publish)
    else publish()
  }

  mayRead(node: BrokerNode): boolean {
    return !this.isBooting && !node.isIsolated
  }

  checkBooted(name: string): void {
    if (this.isBooting && this.queues.get(name)?.content instanceof StreamQueue)
      throw new Refusal(404, `queue '${name}' in vhost '/' process is stopped by supervisor: down or inaccessible`)
  }

  /** Without a majority nothing is declared. */
  checkLeader(): void {
    if (this.leaderless) throw new Refusal(406, 'timeout waiting for the cluster')
  }

  /** A message that it cannot convert ends the whole connection. */
  failConsumer(connection: ServerConnection): void {
    connection.end(new Refusal(541, 'internal error').toError('Connection closed'))
  }

  #hold(server: ServerConnection, { owner, up, down }: { owner: number; up: boolean; down: boolean }): void {
    if (server.owner !== owner) return
    if (up) server.up.hold()
    if (down) server.down.hold()
    this.watchHeartbeats(server, up, down)
  }

  /** Packets are lost in the given directions until the returned function is called. */
  partition(owner: number, up: boolean, down: boolean): () => void {
    const partition = { owner, up, down }
    this.partitions.add(partition)
    for (const server of this.connections) this.#hold(server, partition)
    const held = new Set([...this.connections].filter((server) => server.owner === owner))
    return () => {
      this.partitions.delete(partition)
      for (const server of this.connections) {
        if (server.owner !== owner) continue
        held.delete(server)
        if (up) server.up.release()
        if (down) server.down.release()
      }
      // RabbitMQ has forgotten these; a packet to it is answered with a reset.
      for (const { client, down: direction } of held) {
        if (down) direction.release()
        direction.send(() => client?.lost(socketError('ECONNRESET')))
      }
    }
  }

  /** Each end gives up after two heartbeats without a packet. */
  watchHeartbeats(server: ServerConnection, up: boolean, down: boolean): void {
    const { client } = server
    const periods = { up: server.up.period, down: server.down.period }
    const isSilent = (way: 'up' | 'down'): boolean => server[way].isHeld && server[way].period === periods[way]
    const clientGivesUp = (afterMs: number): void => {
      this.clock.at(afterMs, () => client?.lost(new Error('Heartbeat timeout')), server.owner)
    }
    this.clock.at(
      this.random.between(20_000, 30_000),
      () => {
        if (down && isSilent('down')) {
          clientGivesUp(0)
          if (!server.up.isHeld) server.end(undefined)
        }
        if (!up || !isSilent('up') || !server.isOpen) return
        server.end(server.down.isHeld ? undefined : socketError('ECONNRESET'))
        // If nothing reaches it, it has no packet from here on.
        if (server.down.isHeld) clientGivesUp(30_000)
      },
      0,
    )
  }
}

function isBinding(queue: string, key: string, label: string): (known: Binding) => boolean {
  return (known) => known.queue === queue && known.key === key && known.label === label
}
