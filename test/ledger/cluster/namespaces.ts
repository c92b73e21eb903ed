import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type NetworkHost, onHost } from '../../support/network/network-host.ts'
import { debianPackages, installMissing } from '../../support/processes/debian-package.ts'
import { isRunning } from '../../support/processes/run-folder.ts'

const run = promisify(execFile)

/**
 * The names of a run's namespaces contain the id of its process, so that a later run recognises
 * those of a dead one.
 */
const prefix = 'warren'
const ours = /^warren-(\d+)-/
const hub = 'hub'

/** Whether this machine permits the process to create networks, or the reason why not. */
export type Permission = { readonly permitted: true } | { readonly permitted: false; readonly why: string }

export async function namespacesPermitted(): Promise<Permission> {
  if (process.getuid?.() !== 0) return { permitted: false, why: 'network namespaces are made by root.' }
  const name = `${prefix}-${process.pid}-trial`
  await installMissing([debianPackages.iproute, debianPackages.iptables])
  try {
    await shell(
      `ip netns add ${name}
      ip netns exec ${name} ip link add br0 type bridge
      ip netns exec ${name} ip link add v0 type veth peer name v1
      nsenter --net=/run/netns/${name} iptables -w -A INPUT -s 192.0.2.1 -j DROP`,
    )
    return { permitted: true }
  } catch (error) {
    return { permitted: false, why: `network namespaces cannot be made here: ${firstLine(error)}` }
  } finally {
    await shell(`ip netns del ${name}`).catch(() => {})
  }
}

/** Ends what still runs in namespaces of killed runs, and deletes the namespaces. */
export async function removeAbandonedNamespaces(): Promise<void> {
  for (const name of await namespaces()) {
    const owner = Number(ours.exec(name)?.[1])
    if (owner > 0 && !isRunning(owner)) await removeNamespace(name)
  }
}

async function namespaces(): Promise<string[]> {
  const { stdout } = await run('ip', ['netns', 'list'])
  return stdout.split('\n').flatMap((line) => line.split(' ')[0] || [])
}

async function removeNamespace(name: string): Promise<void> {
  await shell(`ip netns pids ${name} | xargs -r kill -9 || true; ip netns del ${name}`).catch(() => {})
}

/** One host: a namespace with one interface, and the faults of its traffic. */
export class Host implements NetworkHost {
  readonly namespace: string
  readonly ip: string
  readonly #subnet: string

  constructor(namespace: string, ip: string, subnet: string) {
    this.namespace = namespace
    this.ip = ip
    this.#subnet = subnet
  }

  /** Drops packets to and from these addresses. */
  async cut(...peers: readonly NetworkHost[]): Promise<void> {
    await this.#rules(peers.flatMap(({ ip }) => [`FAULT_IN -s ${ip} -j DROP`, `FAULT_OUT -d ${ip} -j DROP`]))
  }

  /** Drops packets from these addresses; those to them pass. */
  async cutIncoming(...peers: readonly NetworkHost[]): Promise<void> {
    await this.#rules(peers.map(({ ip }) => `FAULT_IN -s ${ip} -j DROP`))
  }

  /** Resets connections to this port of these addresses at their next packet. */
  async reset(port: number, ...peers: readonly NetworkHost[]): Promise<void> {
    await this.#rules(
      peers.map(({ ip }) => `FAULT_OUT -p tcp -d ${ip} --dport ${port} -j REJECT --reject-with tcp-reset`),
    )
  }

  /** Drops this share of all packets, in each direction. */
  async lose(share: number): Promise<void> {
    const random = `-m statistic --mode random --probability ${share} -j DROP`
    await this.#rules([`FAULT_IN ! -i lo ${random}`, `FAULT_OUT ! -o lo ${random}`])
  }

  /**
   * Delays what it sends: by `tc netem` if the kernel has it, otherwise by a queue with a low rate.
   */
  async slow(): Promise<void> {
    const device = 'tc qdisc replace dev eth0 root'
    await this.#inside(
      `${device} netem delay 120ms 60ms 2>/dev/null || ${device} tbf rate 800kbit burst 4kb latency 400ms`,
    )
  }

  /** Undoes all faults. */
  async clear(): Promise<void> {
    await this.#inside(
      'iptables -w -F FAULT_IN; iptables -w -F FAULT_OUT; tc qdisc del dev eth0 root 2>/dev/null || true',
    )
  }

  async prepare(): Promise<void> {
    await this.#inside(
      'iptables -w -N FAULT_IN; iptables -w -N FAULT_OUT; iptables -w -I INPUT -j FAULT_IN; iptables -w -I OUTPUT -j FAULT_OUT',
    )
  }

  /** The peer addresses of open connections to a port. */
  async peersOf(port: number): Promise<string[]> {
    const open = await this.#inside(`ss -Htn state established dst ${this.#subnet} and dport = :${port}`)
    return open.split('\n').flatMap((line) => line.trim().split(/\s+/)[3]?.split(':')[0] ?? [])
  }

  async #rules(rules: readonly string[]): Promise<void> {
    await this.#inside(rules.map((rule) => `iptables -w -A ${rule}`).join(' && '))
  }

  #inside(script: string): Promise<string> {
    return shell(script, this)
  }
}

/**
 * Hosts on one bridge. The bridge is in its own namespace, outside the machine's firewall rules;
 * this process is on it too, under `ip`.
 */
export class Network {
  readonly hosts: Host[] = []
  readonly #subnet: string
  readonly #leave = () => void this.remove().finally(() => process.exit(1))

  private constructor(subnet: string) {
    this.#subnet = subnet
  }

  static async make(names: readonly string[]): Promise<Network> {
    await removeAbandonedNamespaces()
    const network = new Network(await freeSubnet())
    process.once('SIGINT', network.#leave)
    process.once('SIGTERM', network.#leave)
    try {
      await network.#make(names)
    } catch (error) {
      await network.remove()
      throw error
    }
    return network
  }

  async #make(names: readonly string[]): Promise<void> {
    const bridge = this.#name(hub)
    await shell(
      `ip netns add ${bridge}
      ip -n ${bridge} link add br0 type bridge
      ip -n ${bridge} link set br0 up
      ip link add warren${process.pid} type veth peer name root netns ${bridge}
      ip -n ${bridge} link set root master br0 up
      ip addr add ${this.#subnet}.1/24 dev warren${process.pid}
      ip link set warren${process.pid} up`,
    )
    for (const [index, name] of names.entries()) {
      const namespace = this.#name(name)
      const ip = `${this.#subnet}.${index + 11}`
      await shell(
        `ip netns add ${namespace}
        ip link add eth0 netns ${namespace} type veth peer name ${name} netns ${bridge}
        ip -n ${bridge} link set ${name} master br0 up
        ip -n ${namespace} addr add ${ip}/24 dev eth0
        ip -n ${namespace} link set lo up
        ip -n ${namespace} link set eth0 up`,
      )
      const host = new Host(namespace, ip, `${this.#subnet}.0/24`)
      await host.prepare()
      this.hosts.push(host)
    }
  }

  async clear(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.clear()))
  }

  /** Deletes everything that it created; the interfaces are deleted with their namespaces. */
  async remove(): Promise<void> {
    process.off('SIGINT', this.#leave)
    process.off('SIGTERM', this.#leave)
    const own = this.#name('')
    for (const name of await namespaces()) if (name.startsWith(own)) await removeNamespace(name)
  }

  #name(name: string): string {
    return `${prefix}-${process.pid}-${name}`
  }
}

async function freeSubnet(): Promise<string> {
  const { stdout } = await run('ip', ['-4', 'addr'])
  for (let tries = 0; tries < 250; tries += 1) {
    const subnet = `10.211.${((process.pid + tries) % 250) + 1}`
    if (!stdout.includes(`${subnet}.`)) return subnet
  }
  throw new Error('No /24 of 10.211.0.0/16 is free.')
}

/** Stops at the first command that fails. */
async function shell(script: string, host?: NetworkHost): Promise<string> {
  const [program, ...args] = onHost(host, ['sh', '-ec', script])
  const { stdout } = await run(program, args)
  return stdout
}

function firstLine(error: unknown): string {
  const { stderr, message } = error as Error & { stderr?: string }
  return (stderr?.trim() || message).split('\n')[0] ?? ''
}
