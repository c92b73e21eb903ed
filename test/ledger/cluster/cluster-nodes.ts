import { join } from 'node:path'
import { eventually, Hopeless } from '../../support/eventually.ts'
import { folderIn, removeFolder } from '../../support/processes/run-folder.ts'
import {
  amqpUrl,
  type NodeAddress,
  NodeProcess,
  rabbitmqctl,
  startEpmd,
  streamsOutliveKill,
} from '../../support/rabbitmq/rabbitmq-node.ts'
import type { Host } from './namespaces.ts'

export const handlings = ['pause_minority', 'ignore', 'autoheal'] as const
export type Handling = (typeof handlings)[number]

export interface ClusterSettings {
  /** `cluster_partition_handling`. */
  readonly handling: Handling
  /** Erlang's `net_ticktime` in seconds. RabbitMQ's default is 60. */
  readonly ticktime: number
  /** The root of another Debian (`rabbitMq4`); undefined for the machine's own RabbitMQ. */
  readonly root: string | undefined
}

const ports = { amqp: 5672, epmd: 4369, distribution: 25672 }
/** A node that is started again also waits for the others, and RabbitMQ 3.10 is slow. */
const wholeMs = 300_000
const answerMs = 10_000
const formMs = 90_000
/** How long RabbitMQ may take to heal a partition before an operator restarts the app. */
const selfHealMs = 60_000
/** How long everything must work before the next fault. */
const steadyMs = 2_000

export const journal = 'warren.journal'

/** A node, and the host that runs it. */
export class ClusterNode {
  readonly host: Host
  readonly process: NodeProcess

  constructor(address: NodeAddress, host: Host) {
    this.process = new NodeProcess(address)
    this.host = host
  }

  get name(): string {
    return this.process.address.nodeName
  }

  get url(): string {
    return amqpUrl(this.process.address)
  }

  /**
   * Runs a rabbitmqctl command with a shortcut, because the others need a name server for host
   * names.
   */
  async ctl(args: readonly string[], withinMs = answerMs): Promise<string> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${this.name} has not answered ${args.join(' ')}`)), withinMs)
    })
    const answer = rabbitmqctl(this.process.address, args)
    answer.catch(() => {})
    return Promise.race([answer, late]).finally(() => clearTimeout(timer))
  }

  async stopApp(): Promise<void> {
    await this.ctl(['stop_app'], wholeMs)
  }

  async startApp(): Promise<void> {
    await this.ctl(['start_app'], wholeMs)
    await this.process.ready()
  }
}

/** Three nodes of one cluster, each on its own host. */
export class Cluster {
  readonly nodes: readonly ClusterNode[]
  readonly #folder: string
  readonly #epmds: readonly { close(): Promise<void> }[]

  private constructor(nodes: readonly ClusterNode[], folder: string, epmds: readonly { close(): Promise<void> }[]) {
    this.nodes = nodes
    this.#folder = folder
    this.#epmds = epmds
  }

  static async start(hosts: readonly Host[], settings: ClusterSettings): Promise<Cluster> {
    try {
      return await Cluster.#form(hosts, settings)
    } catch (error) {
      // A node of RabbitMQ 3.10 may end while it joins. Forming the cluster is repeated once.
      console.warn(error)
      return Cluster.#form(hosts, settings)
    }
  }

  static async #form(hosts: readonly Host[], { handling, ticktime, root }: ClusterSettings): Promise<Cluster> {
    const folder = folderIn(root)
    const epmds = hosts.map((host) => startEpmd(ports.epmd, host))
    const nameOf = (host: Host, index: number): string => `n${index + 1}@${host.ip}`
    const names = hosts.map(nameOf)
    const nodes = hosts.map((host, index) => {
      const address: NodeAddress = {
        nodeName: nameOf(host, index),
        folder: join(folder, `n${index + 1}`),
        home: join(folder, 'home'),
        port: ports.amqp,
        epmdPort: ports.epmd,
        distPort: ports.distribution,
        // The first node finds no peer and is the cluster at once; discovery would take it five
        // seconds.
        cluster: index === 0 ? names.slice(0, 1) : names,
        host,
        settings: [`cluster_partition_handling = ${handling}`],
        erlangFlags: `-kernel net_ticktime ${ticktime}`,
        ...(root === undefined ? {} : { root }),
      }
      return new ClusterNode(address, host)
    })
    const cluster = new Cluster(nodes, folder, epmds)
    try {
      const [first, ...others] = nodes as [ClusterNode, ...ClusterNode[]]
      await first.process.launch()
      await started(first)
      await Promise.all(others.map((node) => node.process.launch()))
      await Promise.all(others.map(started))
      await first.ctl(['await_online_nodes', String(nodes.length)], formMs)
      for (const node of nodes) await node.process.ready()
      await Promise.all(nodes.map((node) => streamsOutliveKill(node.process.address)))
    } catch (error) {
      await cluster.remove()
      throw error
    }
    return cluster
  }

  get urls(): string[] {
    return this.nodes.map(({ url }) => url)
  }

  /** The node with the journal's leader, as the first answering node lists it. */
  async leader(): Promise<ClusterNode> {
    for (const node of this.nodes) {
      const { leader } = await journalAt(node).catch(() => ({ leader: undefined }))
      const found = this.nodes.find(({ name }) => name === leader)
      if (found) return found
    }
    throw new Error(`No node knows who leads ${journal}.`)
  }

  /**
   * Resolves when all nodes run and see no partition, each has an online replica of the journal,
   * and `delivers` has been true too, for a while. Meanwhile it acts as the operator after a
   * partition that RabbitMQ does not heal (always under `ignore`): it restarts the app of the
   * minority.
   */
  async whole(handling: Handling, delivers: () => boolean): Promise<void> {
    const restartAfterMs = handling === 'ignore' ? 0 : selfHealMs
    let apartSince: number | undefined
    let wholeSince: number | undefined
    const checkAll = async () => {
      const state = await this.#state()
      // Nodes may notice a partition only seconds after the link is back.
      if (state !== 'apart') apartSince = undefined
      else apartSince ??= Date.now()
      if (apartSince !== undefined && Date.now() - apartSince >= restartAfterMs) {
        await this.#restartMinority()
        apartSince = undefined
      }
      if (state !== 'whole' || !delivers()) wholeSince = undefined
      else wholeSince ??= Date.now()
      return wholeSince !== undefined && Date.now() - wholeSince >= steadyMs
    }
    await eventually('the cluster to be whole and all gateways to deliver', checkAll, {
      withinMs: wholeMs,
      everyMs: 500,
    })
  }

  /** 'apart': some node sees a partition; undefined while nodes start or join. */
  async #state(): Promise<'whole' | 'apart' | undefined> {
    const question = '{rabbit:is_running(), rabbit_nodes:running_count()}'
    const apart = await this.#apart()
    if ([...apart.values()].some((nodes) => nodes > 0)) return 'apart'
    const views = await Promise.all(this.nodes.map((node) => node.ctl(['eval', question])))
    if (views.some((view) => view !== `{true,${this.nodes.length}}`)) return undefined
    const [first] = this.nodes
    if (first === undefined) return undefined
    return (await journalAt(first)).online === this.nodes.length ? 'whole' : undefined
  }

  /** For each node, the number of other nodes that it sees as partitioned. */
  async #apart(): Promise<Map<ClusterNode, number>> {
    const seen = this.nodes.map(async (node) => {
      const count = await node.ctl(['eval', 'length(rabbit_node_monitor:partitions())'])
      return [node, Number(count)] as const
    })
    return new Map(await Promise.all(seen))
  }

  async #restartMinority(): Promise<void> {
    const apart = await this.#apart()
    const [minority] = this.nodes.toSorted((one, other) => (apart.get(other) ?? 0) - (apart.get(one) ?? 0))
    await minority?.stopApp()
    await minority?.startApp()
  }

  /**
   * Starts killed nodes together, because each waits for the others. A node that gives up during
   * boot (RabbitMQ 3.10 does if a peer is late) is started once more.
   */
  async startNodes(nodes: readonly ClusterNode[]): Promise<void> {
    await Promise.all(nodes.map((node) => node.process.launch()))
    await Promise.all(
      nodes.map((node) =>
        node.process.ready().catch(async () => {
          if (!node.process.alive) await node.process.launch()
          await node.process.ready()
        }),
      ),
    )
  }

  async remove(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.process.kill()))
    await Promise.all(this.#epmds.map((epmd) => epmd.close()))
    removeFolder(this.#folder)
  }
}

async function started(node: ClusterNode): Promise<void> {
  const answers = async () => {
    if (!node.process.alive) throw new Hopeless(`${node.name} has ended`)
    await node.ctl(['await_startup'], formMs)
    return true
  }
  await eventually(`${node.name} to start`, answers, { withinMs: formMs, everyMs: 250 })
}

async function journalAt(node: ClusterNode): Promise<{ leader: string; online: number }> {
  const text = await node.ctl([
    'eval',
    `[io:format("~s ~w~n", [proplists:get_value(leader, I), length(proplists:get_value(online, I))])
      || Q <- rabbit_amqqueue:list(<<"/">>), I <- [rabbit_amqqueue:info(Q, [name, leader, online])],
         proplists:get_value(name, I) =:= {resource, <<"/">>, queue, <<"${journal}">>}], listed.`,
  ])
  const [leader, online] = text.split('\n')[0]?.split(' ') ?? []
  if (leader === undefined || online === undefined) throw new Error(`${journal} is not listed: ${text}`)
  return { leader, online: Number(online) }
}
