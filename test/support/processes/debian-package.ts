import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A program that tests run, and the package that contains it. Only this file installs packages. */
export interface DebianPackage {
  readonly name: string
  /**
   * The file that the tests need from the package. The package counts as installed if it exists.
   */
  readonly file: string
  /** The program's name in PATH, for systems other than Debian. */
  readonly command?: string
  /** An environment variable with the path of the program. */
  readonly variable?: string
}

export const debianPackages = {
  // Not the wrapper in /usr/sbin, because it insists on its own user.
  rabbitmq: {
    name: 'rabbitmq-server',
    file: '/usr/lib/rabbitmq/bin/rabbitmq-server',
    command: 'rabbitmq-server',
    variable: 'RABBITMQ_SERVER_PATH',
  },
  chromium: { name: 'chromium', file: '/usr/bin/chromium', command: 'chromium', variable: 'CHROMIUM_PATH' },
  // For the registry that replicas share. Debian 12 sets the version.
  postgres: {
    name: 'postgresql-15',
    file: '/usr/lib/postgresql/15/bin/postgres',
    command: 'postgres',
    variable: 'POSTGRES_PATH',
  },
  // The proxy of docs/guides/proxies.md.
  nginx: { name: 'nginx-light', file: '/usr/sbin/nginx', command: 'nginx', variable: 'NGINX_PATH' },
  amqpTools: { name: 'amqp-tools', file: '/usr/bin/amqp-publish', command: 'amqp-publish' },
  openssl: { name: 'openssl', file: '/usr/bin/openssl', command: 'openssl' },
  // Creates the root folder of another Debian, for RabbitMQ 4. Installed only by tests that need
  // it.
  debootstrap: { name: 'debootstrap', file: '/usr/sbin/debootstrap', command: 'debootstrap' },
  // Network namespaces and shifted clocks for the ledger of a cluster.
  iproute: { name: 'iproute2', file: '/usr/sbin/ip', command: 'ip' },
  iptables: { name: 'iptables', file: '/usr/sbin/iptables', command: 'iptables' },
  faketime: { name: 'faketime', file: '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1' },
  // `promtool` evaluates the alert rules of k8s/monitoring.
  promtool: { name: 'prometheus', file: '/usr/bin/promtool', command: 'promtool', variable: 'PROMTOOL_PATH' },
  // Scrapes the gateways of compose.yaml. Installed only by the test that runs its services.
  prometheus: { name: 'prometheus', file: '/usr/bin/prometheus', command: 'prometheus' },
  // The model checker of `test/models`, and the compiler of its searches.
  spin: { name: 'spin', file: '/usr/bin/spin', command: 'spin' },
  tcc: { name: 'tcc', file: '/usr/bin/tcc', command: 'tcc', variable: 'TCC_PATH' },
  compiler: { name: 'gcc', file: '/usr/bin/cc', command: 'cc', variable: 'CC' },
  libc: { name: 'libc6-dev', file: '/usr/include/stdio.h' },
  // The languages of docs/guides/mint-tokens.md and examples/clients. Installed only by tests that need them.
  javac: { name: 'default-jdk-headless', file: '/usr/bin/javac', command: 'javac' },
  go: { name: 'golang-go', file: '/usr/bin/go', command: 'go' },
  // The shells of `warren completion`. Installed only by its test.
  zsh: { name: 'zsh', file: '/usr/bin/zsh', command: 'zsh' },
  fish: { name: 'fish', file: '/usr/bin/fish', command: 'fish' },
  pika: { name: 'python3-pika', file: '/usr/lib/python3/dist-packages/pika/__init__.py' },
  // For examples/clients/python.
  pythonWebSocket: { name: 'python3-websocket', file: '/usr/lib/python3/dist-packages/websocket/__init__.py' },
} as const satisfies Record<string, DebianPackage>

/** The publishers of docs/guides/publisher-recipes.md. Only the test that runs them installs them. */
export const publisherPackages = {
  kombu: { name: 'python3-kombu', file: '/usr/lib/python3/dist-packages/kombu/__init__.py' },
  celery: { name: 'python3-celery', file: '/usr/lib/python3/dist-packages/celery/__init__.py' },
  ruby: { name: 'ruby', file: '/usr/bin/ruby', command: 'ruby' },
  bunny: { name: 'ruby-bunny', file: '/usr/share/rubygems-integration/all/specifications/bunny-2.19.0.gemspec' },
  amqp091Go: {
    name: 'golang-github-rabbitmq-amqp091-go-dev',
    file: '/usr/share/gocode/src/github.com/rabbitmq/amqp091-go/connection.go',
  },
  php: { name: 'php-cli', file: '/usr/bin/php', command: 'php' },
  phpXml: { name: 'php-xml', file: '/usr/share/php8.2-xml/xml/xml.ini' },
  phpAmqp: { name: 'php-amqp', file: '/usr/lib/php/20220829/amqp.so' },
  symfonyMessenger: {
    name: 'php-symfony-amqp-messenger',
    file: '/usr/share/php/Symfony/Component/Messenger/Bridge/Amqp/autoload.php',
  },
  symfonySerializer: {
    name: 'php-symfony-serializer',
    file: '/usr/share/php/Symfony/Component/Serializer/autoload.php',
  },
  symfonyPropertyAccess: {
    name: 'php-symfony-property-access',
    file: '/usr/share/php/Symfony/Component/PropertyAccess/autoload.php',
  },
} as const satisfies Record<string, DebianPackage>

/** The path of the package's program. Throws with an instruction to install it if it is missing. */
export function locate(wanted: DebianPackage): string {
  const path = find(wanted)
  if (path !== undefined) return path
  const variable = wanted.variable === undefined ? '' : `, or name the program in ${wanted.variable}`
  throw new Error(
    `This test needs ${wanted.name}: install it (on Debian, as root: apt-get install --no-install-recommends ${wanted.name})${variable}.`,
  )
}

/**
 * Installs missing packages if the process may (root on Debian). Elsewhere it does nothing, and
 * `locate` throws later.
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

/** The first program with this name in PATH. */
export function inPath(command: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.map((folder) => join(folder, command)).find((path) => existsSync(path))
}

async function aptGet(...args: string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  await run('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=300', ...args], { env, maxBuffer: 64 * 1024 * 1024 })
}

// Debian starts a service when its package is installed. A policy-rc.d that exits with 101
// ("forbidden") prevents that.
// https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt
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
