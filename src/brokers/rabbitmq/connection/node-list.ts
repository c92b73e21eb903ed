import type { ConnectedNode } from '../../../core/inspection/broker-inspector.ts'
import { type BrokerAddress, parseAddress } from './address.ts'

/**
 * Thrown to leave a node that is connected but useless: it does not answer (frozen), or it neither
 * confirms nor delivers (cut off from the majority of its cluster). All connections of the gateway
 * then leave that node. The message completes "RabbitMQ at <node> is abandoned: …".
 */
export class Unresponsive extends Error {
  override readonly name = 'Unresponsive'
}

/**
 * For this long after its last failure, a node is not preferred over one that has just failed; in
 * milliseconds.
 */
const recentMs = 30_000

/** One node of a cluster. */
export class BrokerNode {
  readonly address: BrokerAddress
  /** When the node last failed, by `performance.now`; undefined if never. */
  failedAt: number | undefined
  /** Functions that end the open sessions on this node. */
  readonly sessions = new Set<(reason: Error) => void>()
  /** How the node described itself at the last connection (AMQP 0-9-1 §1.4.2.1). */
  serverProperties: Readonly<Record<string, unknown>> = {}

  constructor(url: string) {
    this.address = parseAddress(url)
  }
}

/**
 * The nodes of one cluster and their last failures. All connections of a gateway share it, so that
 * each learns from the failures of the others.
 */
export class Nodes {
  readonly #nodes: readonly BrokerNode[]
  /**
   * Sessions that RabbitMQ has blocked because of an alarm. An alarm blocks publishes on all nodes
   * of a cluster.
   */
  readonly blocked = new Set<object>()

  /** `urls` in order of preference. Throws `BAD_USER_INPUT` if one is not a valid RabbitMQ URL. */
  constructor(urls: readonly string[]) {
    if (urls.length === 0) throw new Error('expected the URL of at least one RabbitMQ node, got none')
    this.#nodes = urls.map((url) => new BrokerNode(url))
  }

  get count(): number {
    return this.#nodes.length
  }

  /** The nodes with an open connection. */
  get connected(): ConnectedNode[] {
    return this.#nodes.flatMap(({ address: { host, port }, sessions, serverProperties }) => {
      if (sessions.size === 0) return []
      const described = (name: string): string => {
        const value = serverProperties[name]
        return typeof value === 'string' ? value.slice(0, 200) : ''
      }
      return [
        {
          address: `${host}:${port}`,
          connections: sessions.size,
          product: described('product'),
          version: described('version'),
          cluster: described('cluster_name'),
        },
      ]
    })
  }

  /**
   * The node with the oldest last failure; among nodes that never failed, the first. `own`
   * holds failures that only the calling connection knows, because the node may not be to blame.
   */
  pick(own: ReadonlyMap<BrokerNode, number>): BrokerNode {
    const last = (node: BrokerNode): number =>
      Math.max(node.failedAt ?? Number.NEGATIVE_INFINITY, own.get(node) ?? Number.NEGATIVE_INFINITY)
    return this.#nodes.reduce((best, node) => (last(node) < last(best) ? node : best))
  }

  failed(node: BrokerNode): void {
    node.failedAt = performance.now()
  }

  /**
   * Called when a session found the node useless. Ends all sessions on it, unless every other node
   * has failed recently. In that case each connection moves only when its own session fails.
   */
  unresponsive(node: BrokerNode, reason: Error): void {
    this.failed(node)
    if (this.#nodes.every((other) => other === node || hasFailedRecently(other))) return
    for (const end of node.sessions) end(reason)
  }
}

function hasFailedRecently({ failedAt }: BrokerNode): boolean {
  return failedAt !== undefined && performance.now() - failedAt < recentMs
}
