import { type ChildProcess, execFile } from 'node:child_process'
import { mkdir, open, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import amqp from 'amqplib'
import { eventually, Hopeless } from '../eventually.ts'
import { addressOf, type NetworkHost, onHost } from '../network/network-host.ts'
import { freePort } from '../network/ports.ts'
import { debianPackages, locate } from '../processes/debian-package.ts'
import { spawnGuarded } from '../processes/guarded-process.ts'
import { evaluate, shortcut } from './rabbitmq-shortcuts.ts'

const run = promisify(execFile)

const readyMs = 150_000
const readyPollMs = 100

/**
 * Everything that another process needs to reach a node: plain data that fits an environment
 * variable.
 */
export interface NodeAddress {
  readonly nodeName: string
  /** The folder of the data, the logs, and the home with the Erlang cookie. */
  readonly folder: string
  readonly home: string
  readonly port: number
  readonly epmdPort: number
  readonly distPort: number
  /** The plugins that it starts. */
  readonly plugins?: readonly string[]
  /** The root folder of another system, with its RabbitMQ. The node's folder is inside it. */
  readonly root?: string
  /** Names of the nodes, this one included, that form a cluster at their first start. */
  readonly cluster?: readonly string[]
  /**
   * The network host that runs it; its address is then the host part of the node name. Default:
   * this machine, on loopback.
   */
  readonly host?: NetworkHost
  /** More lines for its rabbitmq.conf. */
  readonly settings?: readonly string[]
  /** More flags for its Erlang VM. */
  readonly erlangFlags?: string
}

export async function newAddress(
  name: string,
  folder: string,
  shared: {
    epmdPort?: number
    cluster?: readonly string[]
    plugins?: readonly string[]
    root?: string | undefined
  } = {},
): Promise<NodeAddress> {
  return {
    nodeName: nodeName(name),
    folder: join(folder, name),
    home: join(folder, 'home'),
    port: await freePort(),
    epmdPort: shared.epmdPort ?? (await freePort()),
    distPort: await freePort(),
    ...(shared.cluster ? { cluster: shared.cluster.map(nodeName) } : {}),
    ...(shared.root === undefined ? {} : { root: shared.root }),
    ...(shared.plugins ? { plugins: shared.plugins } : {}),
  }
}

function nodeName(name: string): string {
  return `${name}@localhost`
}

export function amqpUrl(address: NodeAddress, vhost = '/'): string {
  return `amqp://guest:guest@${addressOf(address.host)}:${address.port}/${encodeURIComponent(vhost)}`
}

/**
 * Runs a rabbitmqctl command on the node; resolves to its output without headings. About 1 s, or 10
 * ms with a shortcut.
 */
export async function rabbitmqctl(address: NodeAddress, args: readonly string[]): Promise<string> {
  const expression = shortcut(args)
  const printed = expression && (await evaluate({ nodeName: address.nodeName, env: environment(address) }, expression))
  if (printed !== undefined) return printed
  const [program, ...before] = commandOf(address, join(dirname(serverOf(address)), 'rabbitmqctl'))
  try {
    const { stdout } = await run(program, [...before, '--silent', ...args], {
      env: environmentOfNode(address),
      maxBuffer: 64 * 1024 * 1024,
    })
    return stdout.trim()
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string }
    throw new Error(`rabbitmqctl ${args.join(' ')}: ${stderr?.trim() || message}`, { cause: error })
  }
}

/**
 * Resolves when a stream has stored a message. AMQP opens some 0.3 s before streams are up, and
 * until then confirms messages that it loses.
 */
export async function ready(address: NodeAddress, alive: () => boolean): Promise<void> {
  const { nodeName } = address
  const attempt = async () => {
    if (!alive()) throw new Hopeless(`RabbitMQ ${nodeName} has ended.`)
    await storeInStream(address)
    return true
  }
  try {
    await eventually(`RabbitMQ ${nodeName} to store a message`, attempt, { withinMs: readyMs, everyMs: readyPollMs })
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${await lastOutput(address)}`, {
      cause: error,
    })
  }
}

async function storeInStream(address: NodeAddress): Promise<void> {
  const connection = await amqp.connect(amqpUrl(address), { noDelay: true, timeout: 2_000 })
  connection.on('error', () => {})
  try {
    const channel = await connection.createConfirmChannel()
    channel.on('error', () => {})
    await channel.assertQueue('test.ready', { arguments: { 'x-queue-type': 'stream' } })
    let returned = false
    channel.on('return', () => {
      returned = true
    })
    channel.publish('', 'test.ready', Buffer.from('?'), { mandatory: true })
    await channel.waitForConfirms()
    if (returned) throw new Error('its streams are not up yet')
  } finally {
    await connection.close().catch(() => {})
  }
}

/**
 * Resolves when the node's first stream survives a kill. RabbitMQ saves the name of its stream
 * coordinator up to a second after it has confirmed the first message. After a kill in between,
 * streams stay "down or inaccessible" for good (3.10).
 */
export async function streamsOutliveKill(address: NodeAddress): Promise<void> {
  const { folder, nodeName } = address
  // It saves tables that were not used for half a second. A busy machine may put that off.
  await rabbitmqctl(address, ['eval', '[catch dets:sync(Table) || Table <- dets:all()], ok'])
  const names = join(folder, 'data', nodeName, 'coordination', nodeName, 'names.dets')
  const saved = async () => (await readFile(names, 'latin1')).includes('rabbit_stream_coordinator')
  await eventually(`RabbitMQ ${nodeName} to save its stream coordinator`, saved)
}

async function lastOutput(address: NodeAddress): Promise<string> {
  const output = await readFile(join(address.folder, 'output'), 'utf8').catch(() => '')
  return output.split('\n').slice(-20).join('\n')
}

/** All tests can run on the RabbitMQ of another root (docs/testing.md). */
export const defaultRoot = process.env['TEST_RABBITMQ_ROOT'] || undefined

/**
 * The path of the server in the root of Debian's package. Not the wrapper in /usr/sbin, because it
 * insists on its own user.
 */
export const serverInRoot = '/usr/lib/rabbitmq/bin/rabbitmq-server'

function serverOf({ root }: NodeAddress): string {
  return root === undefined ? locate(debianPackages.rabbitmq) : serverInRoot
}

function commandOf({ root, host }: NodeAddress, program: string): [string, ...string[]] {
  return onHost(host, root === undefined ? [program] : ['chroot', root, program])
}

/**
 * RabbitMQ has alarms only if it can read how much memory and disk exists. A mount would need more
 * rights than chroot.
 */
async function writeProc(root: string): Promise<void> {
  await mkdir(join(root, 'proc/self'), { recursive: true })
  await writeFile(join(root, 'proc/meminfo'), await readFile('/proc/meminfo'))
  await writeFile(join(root, 'proc/self/mountinfo'), '1 0 254:0 / / rw,relatime - ext4 /dev/root rw\n')
}

/** The environment of programs in the node's system; paths are those inside its root. */
function environmentOfNode(address: NodeAddress): Record<string, string> {
  const { root, folder, home } = address
  if (root === undefined) return environment(address)
  const inside = (path: string): string => `/${relative(root, path)}`
  return { ...environment({ ...address, folder: inside(folder), home: inside(home) }), PATH: '/usr/sbin:/usr/bin' }
}

/**
 * The address of a node as the environment of RabbitMQ's scripts, without the machine's other
 * RabbitMQ.
 */
function environment(address: NodeAddress): Record<string, string> {
  const { folder, host, erlangFlags } = address
  const ip = addressOf(host)
  return {
    PATH: process.env['PATH'] ?? '',
    LANG: 'C.UTF-8',
    HOME: address.home,
    ERL_EPMD_PORT: String(address.epmdPort),
    ERL_EPMD_ADDRESS: ip,
    RABBITMQ_NODENAME: address.nodeName,
    // A node name with an address is a long name.
    ...(host === undefined ? {} : { RABBITMQ_USE_LONGNAME: 'true' }),
    RABBITMQ_NODE_IP_ADDRESS: ip,
    RABBITMQ_NODE_PORT: String(address.port),
    RABBITMQ_DIST_PORT: String(address.distPort),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    // An empty file; otherwise the scripts read the system's.
    RABBITMQ_CONF_ENV_FILE: join(folder, 'rabbitmq-env.conf'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    // With this the script execs the node instead of supervising it, so that signals reach the
    // node.
    RABBITMQ_ALLOW_INPUT: '1',
    // Schedulers must not busy-wait, because the tests need the cores.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: [
      `-noinput -kernel inet_dist_use_interface {${ip.replaceAll('.', ',')}}`,
      '+sbwt none +sbwtdcpu none +sbwtdio none',
      ...(erlangFlags === undefined ? [] : [erlangFlags]),
    ].join(' '),
  }
}

/** The process of a node. It ends when this process ends, for any reason. */
export class NodeProcess {
  readonly address: NodeAddress
  #child: ChildProcess | undefined
  #exited: Promise<void> = Promise.resolve()

  constructor(address: NodeAddress) {
    this.address = address
  }

  get alive(): boolean {
    return this.#child !== undefined
  }

  async start(): Promise<void> {
    await this.launch()
    await this.ready()
  }

  ready(): Promise<void> {
    return ready(this.address, () => this.alive)
  }

  /** Starts the node without waiting, because the nodes of a cluster wait for each other. */
  async launch(): Promise<void> {
    if (this.#child) throw new Error(`RabbitMQ ${this.address.nodeName} is running already.`)
    const [program, ...args] = commandOf(this.address, serverOf(this.address))
    await this.#writeFiles()
    if (this.address.root !== undefined) await writeProc(this.address.root)
    const output = await open(join(this.address.folder, 'output'), 'a')
    const child = spawnGuarded(program, args, { env: environmentOfNode(this.address), output: output.fd })
    this.#child = child
    this.#exited = new Promise((resolve) => {
      const ended = () => {
        this.#child = undefined
        resolve()
      }
      child.once('exit', ended)
      child.once('error', ended)
    })
    await output.close()
  }

  /**
   * Stops the node as an operator would: it hands over leadership and closes its files (about 2.6
   * s).
   */
  stop(): Promise<void> {
    return this.#end('SIGTERM')
  }

  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child?.kill('SIGCONT')
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    // A stopped process does not handle SIGTERM.
    this.thaw()
    this.#child?.kill(signal)
    await this.#exited
  }

  async #writeFiles(): Promise<void> {
    const { folder, home, plugins = [], cluster = [], host, settings: further = [] } = this.address
    await mkdir(home, { recursive: true })
    await mkdir(folder, { recursive: true })
    // RabbitMQ closes a connection that is not open after ten seconds. A busy machine may need
    // them.
    const settings = ['log.console = false', 'handshake_timeout = 60000', ...further]
    // By default RabbitMQ accepts guest from loopback only.
    if (host !== undefined) settings.push('loopback_users.guest = false')
    // The other strategy reads /proc/<pid>, which the root lacks.
    if (this.address.root !== undefined) settings.push('vm_memory_calculation_strategy = allocated')
    cluster.forEach((name, index) => settings.push(`cluster_formation.classic_config.nodes.${index + 1} = ${name}`))
    await writeFile(join(folder, 'rabbitmq.conf'), `${settings.join('\n')}\n`)
    await writeFile(join(folder, 'enabled_plugins'), `[${plugins.join(',')}].\n`)
    await writeFile(join(folder, 'rabbitmq-env.conf'), '')
  }
}

/**
 * Starts Erlang's name server for one group of nodes, so that they neither use nor start the
 * machine's own. It ends with this process.
 */
export function startEpmd(epmdPort: number, host?: NetworkHost): { close(): Promise<void> } {
  const env = { PATH: process.env['PATH'] ?? '' }
  const [program, ...args] = onHost(host, ['epmd', '-port', String(epmdPort), '-address', addressOf(host)])
  const child = spawnGuarded(program, args, { env, output: 'ignore' })
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  return {
    async close() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
