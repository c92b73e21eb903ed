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

const readyMs = 60_000
const readyPollMs = 50

/**
 * Everything that another process needs to talk to a node: plain data, so that it can travel in an
 * environment variable.
 */
export interface NodeAddress {
  readonly nodeName: string
  /** Holds the data, the logs, and the home with the Erlang cookie. */
  readonly folder: string
  readonly home: string
  readonly port: number
  readonly epmdPort: number
  readonly distPort: number
  /** The port of the management API; a node without that plugin has none. */
  readonly managementPort?: number
  /** The root folder of another system, whose RabbitMQ it is. The node's folder lies in there. */
  readonly root?: string
  /** Names of the nodes, this one among them, that make a cluster when they first start. */
  readonly cluster?: readonly string[]
  /** Where it runs; without it on loopback. The host of its name is the address then. */
  readonly host?: NetworkHost
  /** Further lines of its rabbitmq.conf. */
  readonly settings?: readonly string[]
  /** Further flags of its Erlang machine. */
  readonly erlangFlags?: string
}

export async function newAddress(
  name: string,
  folder: string,
  shared: { epmdPort?: number; cluster?: readonly string[]; management?: boolean; root?: string | undefined } = {},
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
    ...(shared.management ? { managementPort: await freePort() } : {}),
  }
}

function nodeName(name: string): string {
  return `${name}@localhost`
}

export function amqpUrl(address: NodeAddress, vhost = '/'): string {
  return `amqp://guest:guest@${addressOf(address.host)}:${address.port}/${encodeURIComponent(vhost)}`
}

/**
 * A command of rabbitmqctl on the node: gives what it printed, without headings. About a second, or
 * 10 ms where there is a shortcut.
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
 * Resolves once a message is stored in a stream: AMQP opens some 0.3 s before streams are up, and
 * confirms what it then loses.
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
 * Resolves when a node's first stream outlives a kill. RabbitMQ saves the name of its stream
 * coordinator up to a second after it has confirmed the first message; a node killed in between
 * comes back with its streams "down or inaccessible" for good (3.10).
 */
export async function streamsOutliveKill({ folder, nodeName }: NodeAddress): Promise<void> {
  const names = join(folder, 'data', nodeName, 'coordination', nodeName, 'names.dets')
  const saved = async () => (await readFile(names, 'latin1')).includes('rabbit_stream_coordinator')
  await eventually(`RabbitMQ ${nodeName} to save its stream coordinator`, saved)
}

async function lastOutput(address: NodeAddress): Promise<string> {
  const output = await readFile(join(address.folder, 'output'), 'utf8').catch(() => '')
  return output.split('\n').slice(-20).join('\n')
}

/** Any test can be run on the RabbitMQ of another root (docs/testing.md). */
export const defaultRoot = process.env['TEST_RABBITMQ_ROOT'] || undefined

/**
 * Where Debian's package has the server, in its root. Not the wrapper in /usr/sbin, which insists
 * on its own user.
 */
export const serverInRoot = '/usr/lib/rabbitmq/bin/rabbitmq-server'

function serverOf({ root }: NodeAddress): string {
  return root === undefined ? locate(debianPackages.rabbitmq) : serverInRoot
}

function commandOf({ root, host }: NodeAddress, program: string): [string, ...string[]] {
  return onHost(host, root === undefined ? [program] : ['chroot', root, program])
}

/**
 * RabbitMQ has alarms where it can learn how much memory and disk there is. A mount would need more
 * rights than chroot does.
 */
async function writeProc(root: string): Promise<void> {
  await mkdir(join(root, 'proc/self'), { recursive: true })
  await writeFile(join(root, 'proc/meminfo'), await readFile('/proc/meminfo'))
  await writeFile(join(root, 'proc/self/mountinfo'), '1 0 254:0 / / rw,relatime - ext4 /dev/root rw\n')
}

/** What a program of the node's system is given: paths are those of its root. */
function environmentOfNode(address: NodeAddress): Record<string, string> {
  const { root, folder, home } = address
  if (root === undefined) return environment(address)
  const inside = (path: string): string => `/${relative(root, path)}`
  return { ...environment({ ...address, folder: inside(folder), home: inside(home) }), PATH: '/usr/sbin:/usr/bin' }
}

/**
 * The address of a node as the environment of RabbitMQ's own scripts, and nothing of the machine's
 * other RabbitMQ.
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
    // An address in place of a name is a long name.
    ...(host === undefined ? {} : { RABBITMQ_USE_LONGNAME: 'true' }),
    RABBITMQ_NODE_IP_ADDRESS: ip,
    RABBITMQ_NODE_PORT: String(address.port),
    RABBITMQ_DIST_PORT: String(address.distPort),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    // Empty; without it the scripts read the system's.
    RABBITMQ_CONF_ENV_FILE: join(folder, 'rabbitmq-env.conf'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    // The script then becomes the node instead of watching over it: signals reach the node itself.
    RABBITMQ_ALLOW_INPUT: '1',
    // The schedulers must not spin while they wait: the tests need the cores.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: [
      `-noinput -kernel inet_dist_use_interface {${ip.replaceAll('.', ',')}}`,
      '+sbwt none +sbwtdcpu none +sbwtdio none',
      ...(erlangFlags === undefined ? [] : [erlangFlags]),
    ].join(' '),
  }
}

/** The process of a node, owned by this one: it ends when this one does, however this one ends. */
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

  /** Starts the node without waiting for it: those of a cluster wait for each other. */
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

  /** Ends the node as an operator would; it hands over and closes its files (about 2.6 s). */
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
    // A stopped process doesn't get round to SIGTERM.
    this.thaw()
    this.#child?.kill(signal)
    await this.#exited
  }

  async #writeFiles(): Promise<void> {
    const { folder, home, managementPort, cluster = [], host, settings: further = [] } = this.address
    await mkdir(home, { recursive: true })
    await mkdir(folder, { recursive: true })
    const settings = ['log.console = false', ...further]
    // RabbitMQ lets guest come from loopback alone.
    if (host !== undefined) settings.push('loopback_users.guest = false')
    // Another strategy reads /proc/<pid>, which the root has not.
    if (this.address.root !== undefined) settings.push('vm_memory_calculation_strategy = allocated')
    if (managementPort !== undefined)
      settings.push('management.tcp.ip = 127.0.0.1', `management.tcp.port = ${managementPort}`)
    cluster.forEach((name, index) => settings.push(`cluster_formation.classic_config.nodes.${index + 1} = ${name}`))
    const plugins = managementPort === undefined ? '[].' : '[rabbitmq_management,rabbitmq_consistent_hash_exchange].'
    await writeFile(join(folder, 'rabbitmq.conf'), `${settings.join('\n')}\n`)
    await writeFile(join(folder, 'enabled_plugins'), `${plugins}\n`)
    await writeFile(join(folder, 'rabbitmq-env.conf'), '')
  }
}

/**
 * Erlang's name server, one a group of nodes, so that the machine's own is neither asked nor left
 * behind. Ends with this process.
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
