import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * A program that tests run, and the package that brings it. This is the one place that installs
 * anything on the machine.
 */
export interface DebianPackage {
  readonly name: string
  /** Where the package puts what is needed from it: the package is there when this file is. */
  readonly file: string
  /** The program's name in PATH, where a system other than Debian may have it too. */
  readonly command?: string
  /** An environment variable that names the program. */
  readonly variable?: string
}

export const debianPackages = {
  // Not the wrapper in /usr/sbin, which insists on its own user.
  rabbitmq: {
    name: 'rabbitmq-server',
    file: '/usr/lib/rabbitmq/bin/rabbitmq-server',
    command: 'rabbitmq-server',
    variable: 'RABBITMQ_SERVER_PATH',
  },
  chromium: { name: 'chromium', file: '/usr/bin/chromium', command: 'chromium', variable: 'CHROMIUM_PATH' },
  // For the registry that replicas share. The version is Debian 12's.
  postgres: {
    name: 'postgresql-15',
    file: '/usr/lib/postgresql/15/bin/postgres',
    command: 'postgres',
    variable: 'POSTGRES_PATH',
  },
  amqpTools: { name: 'amqp-tools', file: '/usr/bin/amqp-publish', command: 'amqp-publish' },
  openssl: { name: 'openssl', file: '/usr/bin/openssl', command: 'openssl' },
  // Makes the root of another Debian, which has RabbitMQ 4. Only installed by the tests that need
  // it.
  debootstrap: { name: 'debootstrap', file: '/usr/sbin/debootstrap', command: 'debootstrap' },
  // Network namespaces for the ledger of a cluster, and clocks that it moves.
  iproute: { name: 'iproute2', file: '/usr/sbin/ip', command: 'ip' },
  iptables: { name: 'iptables', file: '/usr/sbin/iptables', command: 'iptables' },
  faketime: { name: 'faketime', file: '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1' },
  pika: { name: 'python3-pika', file: '/usr/lib/python3/dist-packages/pika/__init__.py' },
} as const satisfies Record<string, DebianPackage>

/** The path of the package's program, or an error that says in one sentence what to install. */
export function locate(wanted: DebianPackage): string {
  const path = find(wanted)
  if (path !== undefined) return path
  const variable = wanted.variable === undefined ? '' : `, or name the program in ${wanted.variable}`
  throw new Error(
    `This test needs ${wanted.name}: install it (on Debian, as root: apt-get install --no-install-recommends ${wanted.name})${variable}.`,
  )
}

/**
 * Installs those that are missing, where this process may (root on Debian); elsewhere does nothing:
 * `locate` will say what is needed.
 */
export async function installMissing(wanted: readonly DebianPackage[]): Promise<void> {
  const missing = wanted.filter((one) => find(one) === undefined).map((one) => one.name)
  if (missing.length === 0 || process.getuid?.() !== 0 || inPath('apt-get') === undefined) return
  process.stderr.write(`Tests need ${missing.join(', ')}: installing from Debian's packages.\n`)
  try {
    await withoutStartingServices(async () => {
      await aptGet('update')
      await aptGet('install', '-y', '--no-install-recommends', ...missing)
    })
  } catch (error) {
    process.stderr.write(`Installing ${missing.join(', ')} failed: ${String(error)}\n`)
  }
}

function find({ file, command, variable }: DebianPackage): string | undefined {
  const named = variable === undefined ? undefined : process.env[variable]
  if (named) return named
  if (existsSync(file)) return file
  return command === undefined ? undefined : inPath(command)
}

function inPath(command: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.map((folder) => join(folder, command)).find((path) => existsSync(path))
}

async function aptGet(...args: string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  await run('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=300', ...args], { env, maxBuffer: 64 * 1024 * 1024 })
}

// Debian starts a service when its package is installed. policy-rc.d is Debian's way to say no; 101
// means "forbidden". https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt
async function withoutStartingServices(install: () => Promise<void>): Promise<void> {
  const policy = '/usr/sbin/policy-rc.d'
  const ours = await writeFile(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' }).then(
    () => true,
    () => false,
  )
  try {
    await install()
  } finally {
    if (ours) await rm(policy, { force: true })
  }
}
