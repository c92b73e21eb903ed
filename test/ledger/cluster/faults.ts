import type { Postgres } from '../../support/processes/postgres.ts'
import { pause } from '../pause.ts'
import type { Seeded } from '../seeded.ts'
import type { Cluster, ClusterNode, Handling } from './cluster-nodes.ts'
import type { Host, Network } from './namespaces.ts'
import type { GatewayReplica } from './replicas.ts'

/** Everything that a fault can break. */
export interface Scene {
  readonly network: Network
  readonly cluster: Cluster
  readonly handling: Handling
  readonly replicas: readonly GatewayReplica[]
  readonly postgres: Postgres
  readonly postgresHost: Host
  readonly random: Seeded
}

/** An active fault. */
export interface Applied {
  /** The node or gateway that it affects. */
  readonly what: string
  /** Repairs it. Resolves when the broken part works again, as far as its owner can see. */
  readonly undo: () => Promise<void>
  /**
   * Gateways that cannot deliver during the fault; 'all' if no majority is reachable. Default:
   * none.
   */
  readonly without?: readonly GatewayReplica[] | 'all'
}

export interface Fault {
  readonly kind: string
  /** How long it lasts before the repair, in seconds, minimum and maximum. */
  readonly lasts: readonly [number, number]
  /** False if only a scenario uses it. */
  readonly matrix?: false
  apply(scene: Scene): Promise<Applied>
}

const amqpPort = 5672
const short: readonly [number, number] = [5, 15]

function anyNode({ cluster, random }: Scene): ClusterNode {
  return random.pick(cluster.nodes)
}

function othersThan({ cluster }: Scene, node: ClusterNode): ClusterNode[] {
  return cluster.nodes.filter((one) => one !== node)
}

function hostsOf(nodes: readonly ClusterNode[]): Host[] {
  return nodes.map(({ host }) => host)
}

export function shortName({ name }: ClusterNode): string {
  return name.split('@')[0] ?? name
}

async function kill(nodes: readonly ClusterNode[], { cluster }: Scene, without?: 'all'): Promise<Applied> {
  await Promise.all(nodes.map((node) => node.process.kill()))
  return {
    what: nodes.map(shortName).join(' '),
    ...(without ? { without } : {}),
    undo: () => cluster.startNodes(nodes),
  }
}

async function freeze(nodes: readonly ClusterNode[], without?: 'all'): Promise<Applied> {
  for (const node of nodes) node.process.freeze()
  return {
    what: nodes.map(shortName).join(' '),
    ...(without ? { without } : {}),
    async undo() {
      for (const node of nodes) node.process.thaw()
    },
  }
}

async function stopApp(node: ClusterNode): Promise<Applied> {
  await node.stopApp()
  return { what: shortName(node), undo: () => node.startApp() }
}

/** Cuts the node from its peers; clients still reach it. */
async function isolate(node: ClusterNode, scene: Scene): Promise<Applied> {
  await node.host.cut(...hostsOf(othersThan(scene, node)))
  return { what: shortName(node), undo: () => node.host.clear() }
}

/** The node with most of the gateway's connections. */
async function nodeOf({ host }: GatewayReplica, { cluster }: Scene): Promise<ClusterNode> {
  const peers = await host.peersOf(amqpPort)
  const count = (node: ClusterNode): number => peers.filter((ip) => ip === node.host.ip).length
  return cluster.nodes.toSorted((one, other) => count(other) - count(one))[0] as ClusterNode
}

async function cutGateway(replica: GatewayReplica, nodes: readonly ClusterNode[], without: boolean): Promise<Applied> {
  await replica.host.cut(...hostsOf(nodes))
  return {
    what: `${replica.name} from ${nodes.map(shortName).join(' ')}`,
    ...(without ? { without: [replica] } : {}),
    undo: () => replica.host.clear(),
  }
}

async function impair(node: ClusterNode, how: (host: Host) => Promise<void>): Promise<Applied> {
  await how(node.host)
  return { what: shortName(node), undo: () => node.host.clear() }
}

async function alarm({ cluster }: Scene): Promise<Applied> {
  const set = (share: string) =>
    Promise.all(cluster.nodes.map((node) => node.ctl(['set_vm_memory_high_watermark', share])))
  await set('0.00001')
  return {
    what: 'all nodes',
    without: 'all',
    async undo() {
      await set('0.6')
    },
  }
}

async function moveClock(scene: Scene, seconds: number): Promise<Applied> {
  const replica = scene.random.pick(scene.replicas)
  await replica.moveClock(seconds)
  return { what: `${replica.name} by ${seconds} s`, undo: () => replica.moveClock(0) }
}

export const faults: readonly Fault[] = [
  { kind: 'node killed', lasts: short, apply: (scene) => kill([anyNode(scene)], scene) },
  {
    kind: 'leader killed',
    lasts: short,
    apply: async (scene) => kill([await scene.cluster.leader()], scene),
  },
  {
    kind: 'two nodes killed',
    lasts: [3, 8],
    apply: (scene) => kill(othersThan(scene, anyNode(scene)), scene, 'all'),
  },
  { kind: 'all nodes killed', lasts: [1, 5], apply: (scene) => kill(scene.cluster.nodes, scene, 'all') },
  { kind: 'stop_app of a node', lasts: short, apply: (scene) => stopApp(anyNode(scene)) },
  {
    kind: 'stop_app of the leader',
    lasts: short,
    apply: async ({ cluster }) => stopApp(await cluster.leader()),
  },
  { kind: 'node frozen', lasts: [5, 25], apply: (scene) => freeze([anyNode(scene)]) },
  {
    kind: 'leader frozen',
    lasts: [5, 25],
    apply: async ({ cluster }) => freeze([await cluster.leader()]),
  },
  {
    kind: 'two nodes frozen',
    lasts: [3, 12],
    apply: (scene) => freeze(othersThan(scene, anyNode(scene)), 'all'),
  },
  { kind: 'all nodes frozen', lasts: [3, 12], apply: ({ cluster }) => freeze(cluster.nodes, 'all') },
  { kind: 'node cut from its peers', lasts: [8, 25], apply: (scene) => isolate(anyNode(scene), scene) },
  {
    kind: 'leader cut from its peers',
    lasts: [8, 25],
    apply: async (scene) => isolate(await scene.cluster.leader(), scene),
  },
  {
    // Longer than the 45 to 75 s in which Erlang's default tick time detects it.
    kind: 'node cut from its peers for long',
    lasts: [80, 90],
    apply: (scene) => isolate(anyNode(scene), scene),
  },
  {
    // A gateway must be connected to it, or the fault shows nothing.
    kind: 'node of a gateway cut from its peers for 60 s',
    lasts: [60, 60],
    matrix: false,
    apply: async (scene) => isolate(await nodeOf(scene.replicas[0] as GatewayReplica, scene), scene),
  },
  {
    kind: 'two nodes cut from each other',
    lasts: [8, 25],
    async apply(scene) {
      const [one, other] = othersThan(scene, anyNode(scene)) as [ClusterNode, ClusterNode]
      await one.host.cut(other.host)
      return { what: `${shortName(one)} ${shortName(other)}`, undo: () => one.host.clear() }
    },
  },
  {
    kind: 'one-way loss between nodes',
    lasts: [8, 25],
    async apply(scene) {
      const node = anyNode(scene)
      await node.host.cutIncoming(...hostsOf(othersThan(scene, node)))
      return { what: `${shortName(node)} receives nothing`, undo: () => node.host.clear() }
    },
  },
  {
    kind: 'flapping link of a node',
    lasts: [15, 25],
    async apply(scene) {
      const node = anyNode(scene)
      const flapping = new AbortController()
      const flap = async (): Promise<void> => {
        while (!flapping.signal.aborted) {
          await node.host.cut(...hostsOf(othersThan(scene, node)))
          await pause(scene.random.between(500, 3_000))
          await node.host.clear()
          await pause(scene.random.between(500, 3_000))
        }
      }
      const done = flap()
      return {
        what: shortName(node),
        async undo() {
          flapping.abort()
          await done
          await node.host.clear()
        },
      }
    },
  },
  {
    kind: 'lossy link of a node',
    lasts: [10, 20],
    apply: (scene) => impair(anyNode(scene), (host) => host.lose(scene.random.between(0.05, 0.3))),
  },
  {
    kind: 'slow link of a node',
    lasts: [10, 20],
    apply: (scene) => impair(anyNode(scene), (host) => host.slow()),
  },
  {
    kind: 'gateway cut from its node',
    lasts: short,
    async apply(scene) {
      const replica = scene.random.pick(scene.replicas)
      return cutGateway(replica, [await nodeOf(replica, scene)], false)
    },
  },
  {
    kind: 'gateway cut from all nodes',
    lasts: short,
    apply: (scene) => cutGateway(scene.random.pick(scene.replicas), scene.cluster.nodes, true),
  },
  {
    kind: 'connections closed by RabbitMQ',
    lasts: [1, 2],
    async apply({ cluster }) {
      // On the whole cluster; `close_all_connections` fails at a connection that closes by itself.
      const close = 'rabbit_networking:close_connection(Pid, "the ledger")'
      await cluster.nodes[0]?.ctl(['eval', `[catch ${close} || Pid <- rabbit_networking:connections()], ok`])
      return { what: 'all nodes', undo: async () => {} }
    },
  },
  {
    kind: 'connections reset',
    lasts: [1, 3],
    async apply({ cluster, replicas }) {
      const hosts = hostsOf(cluster.nodes)
      await Promise.all(replicas.map(({ host }) => host.reset(amqpPort, ...hosts)))
      return {
        what: 'all gateways',
        without: 'all',
        undo: async () => void (await Promise.all(replicas.map(({ host }) => host.clear()))),
      }
    },
  },
  { kind: 'memory alarm', lasts: [5, 15], apply: alarm },
  {
    kind: 'PostgreSQL cut off',
    lasts: short,
    async apply({ postgresHost, replicas }) {
      await postgresHost.cut(...replicas.map(({ host }) => host))
      return { what: 'all gateways', undo: () => postgresHost.clear() }
    },
  },
  {
    kind: 'PostgreSQL killed',
    lasts: short,
    async apply({ postgres }) {
      await postgres.crash()
      return { what: '', undo: () => postgres.start() }
    },
  },
  {
    kind: 'gateway killed',
    lasts: [1, 5],
    async apply({ random, replicas }) {
      const replica = random.pick(replicas)
      await replica.kill()
      return { what: replica.name, without: [replica], undo: () => replica.startAgain() }
    },
  },
  {
    kind: 'gateway drained',
    lasts: [1, 3],
    async apply({ random, replicas }) {
      const replica = random.pick(replicas)
      await replica.drain()
      return { what: replica.name, without: [replica], undo: () => replica.startAgain() }
    },
  },
  {
    kind: 'gateway frozen',
    lasts: [5, 20],
    async apply({ random, replicas }) {
      const replica = random.pick(replicas)
      replica.freeze()
      return { what: replica.name, without: [replica], undo: async () => replica.thaw() }
    },
  },
  { kind: 'clock moved forward', lasts: short, apply: (scene) => moveClock(scene, 3_600) },
  { kind: 'clock moved back', lasts: short, apply: (scene) => moveClock(scene, -3_600) },
]

/** The fault of this kind. */
export function faultNamed(kind: string): Fault {
  const fault = faults.find((one) => one.kind === kind)
  if (!fault) throw new Error(`There is no fault "${kind}". Known: ${faults.map((one) => one.kind).join(', ')}.`)
  return fault
}
