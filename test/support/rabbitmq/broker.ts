import { randomBytes } from 'node:crypto'
import { eventually } from '../eventually.ts'
import { freePort } from '../network/ports.ts'
import { folderIn, removeFolder } from '../processes/run-folder.ts'
import {
  amqpUrl,
  defaultRoot,
  type NodeAddress,
  NodeProcess,
  newAddress,
  rabbitmqctl,
  startEpmd,
  streamsOutliveKill,
} from './rabbitmq-node.ts'
import { sharedAddress, sharedNodeReady } from './shared-node.ts'

export interface RabbitNode {
  readonly port: number
  readonly nodeName: string
  /** The URL for the user guest, who has all permissions. Default virtual host: `/`. */
  url(vhost?: string): string
  /**
   * Runs rabbitmqctl on this node. Resolves to its output without headings; rejects with its
   * stderr. Takes 1 s, or 10 ms for a command in `rabbitmq-shortcuts.ts`.
   */
  ctl(...args: string[]): Promise<string>
  /** Stops the node cleanly (about 3 s); its data stays for `start`. */
  stop(): Promise<void>
  /**
   * Resolves when the node stores messages in streams, not merely accepts connections (about 5 s).
   */
  start(): Promise<void>
  restart(): Promise<void>
  /**
   * Stops RabbitMQ but not its Erlang VM: connections end, nothing listens, and what is not durable
   * is gone.
   */
  stopApp(): Promise<void>
  /** Starts RabbitMQ in its Erlang VM, for a sixth of the CPU time of `start`. */
  startApp(): Promise<void>
  /** Sends SIGKILL. */
  kill(): Promise<void>
  /** Sends SIGSTOP: connections stay open and silent. */
  freeze(): void
  thaw(): void
  /** Ends the node at once and deletes its data. */
  remove(): Promise<void>
}

export interface TestVhost extends AsyncDisposable {
  readonly name: string
  readonly url: string
  close(): Promise<void>
}

/**
 * The node that all test files of a run share. It refuses what would disturb other files: to stop,
 * freeze or be removed.
 */
export const rabbit: RabbitNode = {
  get port() {
    return sharedAddress().port
  },
  get nodeName() {
    return sharedAddress().nodeName
  },
  url: (vhost) => amqpUrl(sharedAddress(), vhost),
  async ctl(...args) {
    await sharedNodeReady()
    return rabbitmqctl(sharedAddress(), args)
  },
  stop: refuse,
  start: refuse,
  restart: refuse,
  stopApp: refuse,
  startApp: refuse,
  kill: refuse,
  freeze: refuse,
  thaw: refuse,
  remove: refuse,
}

function refuse(): never {
  throw new Error(
    'The shared RabbitMQ node serves all test files: a test of faults takes one of its own, from privateRabbit().',
  )
}

/**
 * Starts a node for one test file, for faults (about 5 s). Call `remove()` at the end. `root`: from
 * `rabbitMq4`.
 */
export async function privateRabbit(
  name: string,
  root = defaultRoot,
  { plugins = [], erlangFlags }: Pick<NodeAddress, 'plugins' | 'erlangFlags'> = {},
): Promise<RabbitNode> {
  const folder = folderIn(root)
  const made = await newAddress(name, folder, { root, plugins })
  const address = erlangFlags === undefined ? made : { ...made, erlangFlags }
  const epmd = startEpmd(address.epmdPort)
  const node = new NodeProcess(address)
  const remove = async () => {
    await node.kill()
    await epmd.close()
    removeFolder(folder)
  }
  try {
    await node.start()
    await streamsOutliveKill(address)
  } catch (error) {
    await remove()
    throw error
  }
  return handle(node, remove)
}

function handle(node: NodeProcess, remove: () => Promise<void>): RabbitNode {
  const { address } = node
  return {
    port: address.port,
    nodeName: address.nodeName,
    url: (vhost) => amqpUrl(address, vhost),
    ctl: (...args) => rabbitmqctl(address, args),
    stop: () => node.stop(),
    start: () => node.start(),
    async restart() {
      await node.stop()
      await node.start()
    },
    async stopApp() {
      await rabbitmqctl(address, ['stop_app'])
    },
    async startApp() {
      await rabbitmqctl(address, ['start_app'])
      await node.ready()
    },
    kill: () => node.kill(),
    freeze: () => node.freeze(),
    thaw: () => node.thaw(),
    remove,
  }
}

export interface RabbitCluster extends AsyncDisposable {
  readonly nodes: readonly RabbitNode[]
  /** The URLs of all nodes, comma-separated, as the gateway accepts them. */
  url(vhost?: string): string
  /** Ends all nodes at once and deletes their data. */
  remove(): Promise<void>
}

/**
 * Starts a cluster for one test file. After all nodes were down, start them together, because each
 * waits for the others.
 */
export async function rabbitCluster(name: string, size = 3, root = defaultRoot): Promise<RabbitCluster> {
  try {
    return await formCluster(name, size, root)
  } catch (error) {
    // A node of RabbitMQ 3.10 may end while it joins. Forming a cluster is not under test, so it is
    // repeated once, and the failure printed.
    console.warn(error)
    return formCluster(name, size, root)
  }
}

async function formCluster(name: string, size: number, root: string | undefined): Promise<RabbitCluster> {
  const folder = folderIn(root)
  const epmdPort = await freePort()
  const epmd = startEpmd(epmdPort)
  const names = Array.from({ length: size }, (_, index) => `${name}${index + 1}`)
  const nodes: NodeProcess[] = []
  for (const one of names)
    nodes.push(new NodeProcess(await newAddress(one, folder, { epmdPort, cluster: names, root })))
  const remove = async () => {
    await Promise.all(nodes.map((node) => node.kill()))
    await epmd.close()
    removeFolder(folder)
  }
  try {
    await Promise.all(nodes.map((node) => node.launch()))
    // Before the first stream is declared: it would have no replica on a node that joins later, and
    // RabbitMQ 3.10 does not finish booting while a stream is declared on another node. One node
    // after the other, because each command starts an Erlang VM, and the nodes need the cores.
    const joined = async () => {
      for (const { address } of nodes) await rabbitmqctl(address, ['await_startup'])
      for (const { address } of nodes.slice(0, 1)) await rabbitmqctl(address, ['await_online_nodes', String(size)])
      return true
    }
    await eventually(`the cluster ${name} to form`, joined, { everyMs: 250 })
    for (const node of nodes) await node.ready()
    await Promise.all(nodes.map((node) => streamsOutliveKill(node.address)))
  } catch (error) {
    await remove()
    throw error
  }
  return {
    nodes: nodes.map((node) => handle(node, () => node.kill())),
    url: (vhost) => nodes.map((node) => amqpUrl(node.address, vhost)).join(','),
    remove,
    [Symbol.asyncDispose]: remove,
  }
}

/**
 * Creates a virtual host on the shared node, with all permissions for guest. The name only helps to
 * recognise it.
 */
export async function testVhost(name: string): Promise<TestVhost> {
  await sharedNodeReady()
  const vhost = `${name}-${randomBytes(4).toString('hex')}`
  const ctl = (...args: string[]) => rabbitmqctl(sharedAddress(), args)
  await ctl('add_vhost', vhost)
  await ctl('set_permissions', '-p', vhost, 'guest', '.*', '.*', '.*')
  const close = async () => void (await ctl('delete_vhost', vhost))
  return { name: vhost, url: rabbit.url(vhost), close, [Symbol.asyncDispose]: close }
}
