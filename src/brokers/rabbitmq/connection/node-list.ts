import { type BrokerAddress, parseAddress } from './address.ts'

/**
 * The reason for leaving a node that is connected and useless: it answers nothing (frozen), or it
 * confirms and delivers nothing (cut off from the majority of its cluster). All links of the same
 * gateway then leave that node. The message completes "RabbitMQ at <node> is left: …".
 */
export class Unresponsive extends Error {
  override readonly name = 'Unresponsive'
}

/**
 * For so long after its last failure, a node is no better than the one that has just failed; in
 * milliseconds.
 */
const lateMs = 30_000

/** One node of a cluster. */
export class BrokerNode {
  readonly address: BrokerAddress
  /** When it failed last, on the clock of `performance.now`; undefined: never. */
  failedAt: number | undefined
  /** Ends each session that is open on this node. */
  readonly sessions = new Set<(reason: Error) => void>()

  constructor(url: string) {
    this.address = parseAddress(url)
  }
}

/**
 * The nodes of one cluster and when each of them failed last: one for all links of a gateway, so
 * that what one link finds out saves the others from finding it out again.
 */
export class Nodes {
  readonly #nodes: readonly BrokerNode[]
  /**
   * Sessions on which RabbitMQ takes no publications because of an alarm, which stops all nodes of
   * a cluster.
   */
  readonly blocked = new Set<object>()

  /** In the order of preference. Throws `BAD_USER_INPUT` for what is no URL of RabbitMQ. */
  constructor(urls: readonly string[]) {
    if (urls.length === 0) throw new Error('a link needs the URL of at least one RabbitMQ node')
    this.#nodes = urls.map((url) => new BrokerNode(url))
  }

  get count(): number {
    return this.#nodes.length
  }

  /**
   * The node whose last failure is longest ago; of those that never failed, the first.
   * `own`: failures that only the asking link knows, because they need not be the node's fault.
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
   * A session found the node useless. Ends all sessions on it, unless every other node failed
   * lately too: then each link moves only when its own session finds nothing better.
   */
  unresponsive(node: BrokerNode, reason: Error): void {
    this.failed(node)
    if (this.#nodes.every((other) => other === node || hasFailedLately(other))) return
    for (const end of node.sessions) end(reason)
  }
}

function hasFailedLately({ failedAt }: BrokerNode): boolean {
  return failedAt !== undefined && performance.now() - failedAt < lateMs
}
