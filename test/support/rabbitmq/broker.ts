import { randomBytes } from 'node:crypto'
import { eventually } from '../eventually.ts'
import { freePort } from '../network/ports.ts'
import { folderIn, removeFolder } from '../processes/run-folder.ts'
import {
  amqpUrl,
  defaultRoot,
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
  /** For the user guest, who may do everything. The virtual host is `/` unless told. */
  url(vhost?: string): string
  /**
   * rabbitmqctl on this node; resolves to what it prints, without headings; rejects with its
   * stderr. A second; 10 ms for what `rabbitmq-shortcuts.ts` knows.
   */
  ctl(...args: string[]): Promise<string>
  /** Ends it cleanly (about 3 s); it keeps its data for `start`. */
  stop(): Promise<void>
  /** Resolves when the node takes messages into streams, not merely connections (about 5 s). */
  start(): Promise<void>
  restart(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
  /** SIGSTOP: its connections stay open and silent. */
  freeze(): void
  thaw(): void
  /** Ends it at once and deletes its data. */
  remove(): Promise<void>
}

export interface TestVhost extends AsyncDisposable {
  readonly name: string
  readonly url: string
  close(): Promise<void>
}

/**
 * The node that all test files of a run share: only for what does not disturb the others, so it
 * refuses to stop, freeze or go.
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
 * A running node of the test file's own, for faults. Takes about 5 s to start; `remove()` it in the
 * end. `root`: of `rabbitMq4`.
 */
export async function privateRabbit(name: string, root = defaultRoot): Promise<RabbitNode> {
  const folder = folderIn(root)
  const address = await newAddress(name, folder, { root })
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
    kill: () => node.kill(),
    freeze: () => node.freeze(),
    thaw: () => node.thaw(),
    remove,
  }
}

export interface RabbitCluster extends AsyncDisposable {
  readonly nodes: readonly RabbitNode[]
  /** All nodes' URLs, comma-separated, as the gateway takes them. */
  url(vhost?: string): string
  /** Ends all nodes at once and deletes their data. */
  remove(): Promise<void>
}

/**
 * A running cluster of the test file's own. After all nodes have been down, start them together:
 * each waits for the others.
 */
export async function rabbitCluster(name: string, size = 3, root = defaultRoot): Promise<RabbitCluster> {
  try {
    return await formCluster(name, size, root)
  } catch (error) {
    // A node of RabbitMQ 3.10 may end while it joins. The cluster is not what is tested here, so it
    // is made once more, and the failure shown.
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
    // RabbitMQ 3.10 does not finish booting while a stream is being declared elsewhere. One after
    // the other: each question starts an Erlang machine of its own, and the nodes need the cores.
    const joined = async () => {
      for (const { address } of nodes) await rabbitmqctl(address, ['await_startup'])
      for (const { address } of nodes.slice(0, 1)) await rabbitmqctl(address, ['await_online_nodes', String(size)])
      return true
    }
    await eventually(`the cluster ${name} to form`, joined, { withinMs: 60_000, everyMs: 250 })
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
 * A fresh virtual host on the shared node, where guest may do everything. The name only helps to
 * recognise it.
 */
export async function testVhost(name: string): Promise<TestVhost> {
  await sharedNodeReady()
  const vhost = `${name}-${randomBytes(4).toString('hex')}`
  const path = encodeURIComponent(vhost)
  // 40 ms over HTTP; rabbitmqctl takes 700 ms a command.
  await manage('PUT', `/api/vhosts/${path}`)
  await manage('PUT', `/api/permissions/${path}/guest`, { configure: '.*', write: '.*', read: '.*' })
  const close = () => manage('DELETE', `/api/vhosts/${path}`)
  return { name: vhost, url: rabbit.url(vhost), close, [Symbol.asyncDispose]: close }
}

async function manage(method: string, path: string, body: object = {}): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${sharedAddress().managementPort}${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}`,
    },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`RabbitMQ answered ${response.status} to ${method} ${path}: ${text}`)
}
