import { QuorumQueue } from './quorum-queue.ts'
import type { BrokerNode, SimulatedRabbit } from './rabbit.ts'
import { Refusal, socketError } from './refusal.ts'
import { StreamQueue } from './stream-queue.ts'

/** How long a single node, or a whole cluster, accepts connections before its streams exist. */
const bootMs = { least: 250, most: 450 }

/** The node stops. `reset`: it was killed; otherwise it closes its connections. */
export function stopNode(rabbit: SimulatedRabbit, node: BrokerNode, reset: boolean): void {
  if (node.state === 'down') return
  node.state = 'down'
  node.waiting.length = 0
  const reason = reset
    ? socketError('ECONNRESET')
    : new Refusal(320, 'broker forced connection closure').toError('Connection closed')
  for (const connection of rabbit.connections) if (connection.node === node) connection.end(reason)
  const isLast = rabbit.nodes.every(({ state }) => state === 'down')
  if (isLast) rabbit.isBooting = true
  else electLeader(rabbit, rabbit.random.scaled(50, 2_000))
}

export function startNode(rabbit: SimulatedRabbit, node: BrokerNode): void {
  if (node.state !== 'down') return
  node.state = 'up'
  node.isIsolated = false
  if (!rabbit.isBooting || rabbit.nodes.some((other) => other !== node && other.state === 'up')) return
  rabbit.leaderless = false
  rabbit.clock.at(
    rabbit.random.between(bootMs.least, bootMs.most),
    () => {
      rabbit.isBooting = false
      forEachQueue(rabbit, (queue) => {
        queue.commitSoon()
        pumpAll(queue)
      })
    },
    0,
  )
}

/** For a while nothing is stored; then another replica of the streams leads. */
export function electLeader(rabbit: SimulatedRabbit, afterMs: number): void {
  if (rabbit.leaderless) return
  rabbit.leaderless = true
  rabbit.clock.at(
    afterMs,
    () => {
      rabbit.leaderless = false
      forEachQueue(rabbit, (queue) => queue.leaderChanged())
    },
    0,
  )
}

/** The node's connections stay open and silent, until the returned function is called. */
export function freezeNode(rabbit: SimulatedRabbit, node: BrokerNode): () => void {
  if (node.state !== 'up') return () => undefined
  node.state = 'frozen'
  for (const connection of rabbit.connections) {
    if (connection.node !== node) continue
    connection.up.hold()
    connection.down.hold()
    rabbit.watchHeartbeats(connection, true, true)
  }
  if (rabbit.nodes.length > 1) electLeader(rabbit, rabbit.random.scaled(1_000, 20_000))
  return () => {
    if (node.state === 'frozen') node.state = 'up'
    for (const connection of rabbit.connections) {
      if (connection.node !== node) continue
      connection.up.release()
      connection.down.release()
    }
  }
}

/** The node is cut from its peers. It confirms and delivers nothing until the function is called. */
export function isolateNode(rabbit: SimulatedRabbit, node: BrokerNode): () => void {
  node.isIsolated = true
  electLeader(rabbit, rabbit.random.scaled(1_000, 10_000))
  return () => {
    node.isIsolated = false
    const waiting = node.waiting.splice(0)
    // RabbitMQ 3 never answers what it could not store; RabbitMQ 4 stores it now.
    if (rabbit.version === 4) for (const publish of waiting) publish()
    forEachQueue(rabbit, pumpAll)
  }
}

export function setAlarm(rabbit: SimulatedRabbit, on: boolean): void {
  rabbit.hasAlarm = on
  for (const connection of rabbit.connections) connection.applyAlarm(on)
}

/** As `rabbitmqctl close_all_connections`. `chosen`: which of them. */
export function closeConnections(rabbit: SimulatedRabbit, chosen: () => boolean): void {
  const reason = new Refusal(320, 'closed by an operator').toError('Connection closed')
  for (const connection of rabbit.connections) if (chosen()) connection.end(reason)
}

/** RabbitMQ cancels the consumers of the stream, for example because its replica moved. */
export function cancelConsumers(rabbit: SimulatedRabbit, name: string): void {
  const content = rabbit.queues.get(name)?.content
  if (content instanceof StreamQueue) content.cancelReaders()
}

/** Retention removes all but the newest messages, also those that a consumer is about to read. */
export function trim(rabbit: SimulatedRabbit, name: string, segments: number): void {
  const content = rabbit.queues.get(name)?.content
  if (content instanceof StreamQueue) content.log.trim(segments, rabbit.clock.now)
}

function forEachQueue(rabbit: SimulatedRabbit, act: (queue: StreamQueue | QuorumQueue) => void): void {
  for (const { content } of rabbit.queues.values()) if (!(content instanceof Map)) act(content)
}

function pumpAll(queue: StreamQueue | QuorumQueue): void {
  if (queue instanceof QuorumQueue) queue.pump()
  else for (const reader of queue.readers) queue.pump(reader)
}
