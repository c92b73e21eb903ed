import { type ChildProcess, execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Network, namespacesPermitted } from '../ledger/cluster/namespaces.ts'
import { eventually, Hopeless } from '../support/eventually.ts'
import { type NetworkHost, onHost } from '../support/network/network-host.ts'
import { debianPackages, installMissing, locate } from '../support/processes/debian-package.ts'
import { spawnGuarded } from '../support/processes/guarded-process.ts'
import { Postgres } from '../support/processes/postgres.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'
import { configuredNode } from '../support/rabbitmq/configured-node.ts'
import { type ComposeService, mountsOf, services } from './compose-file.ts'
import { argumentsOf, healthCheck, imageEnvironment } from './dockerfile.ts'
import { built, find } from './manifests.ts'

/**
 * The services of compose.yaml without a Docker engine: each in a network namespace of its own,
 * under its own name and with the ports and the environment of the file. RabbitMQ, PostgreSQL and
 * Prometheus are Debian's. Grafana is not packaged there; its dashboard's queries run here.
 */

const run = promisify(execFile)
const names = ['rabbitmq', 'postgres', 'warren', 'demo', 'prometheus'] as const
type Name = (typeof names)[number]

const permission = await namespacesPermitted()
if (!permission.permitted) process.stderr.write(`The services of compose.yaml are skipped: ${permission.why}\n`)
const ifPermitted = permission.permitted ? describe : describe.skip

const folder = newFolder()
const hostsFile = join(folder, 'hosts')
/** End what has started. The last is called first. */
const ends: (() => Promise<unknown>)[] = []
let network: Network

function hostOf(name: Name): NetworkHost {
  const host = network.hosts[names.indexOf(name)]
  if (!host) throw new Error('unreachable')
  return host
}

/** The paths of the image, with the volume and /tmp in the folder of this file. */
const withPaths = (text: string) => text.replaceAll(/\/(data|tmp)\b/g, join(folder, '$1'))

function environmentOf({ environment = {} }: ComposeService): Record<string, string> {
  const all = Object.entries({ ...imageEnvironment, ...environment })
  return {
    PATH: process.env['PATH'] ?? '',
    ...Object.fromEntries(all.map(([name, value]) => [name, withPaths(value)])),
  }
}

/**
 * A command in the container of a service: in its folder, where the names of all services resolve.
 */
function inContainer(name: Name, command: readonly string[]): [string, ...string[]] {
  const script = 'mount --bind "$0" /etc/hosts && cd "$(dirname "$0")" && exec "$@"'
  const isolated = '--mount --propagation private sh -c'.split(' ')
  return onHost(hostOf(name), ['unshare', ...isolated, script, hostsFile, ...command])
}

/** `docker compose exec`. Resolves to what the command printed. */
async function exec(name: Name, command: readonly string[], service: ComposeService = services[name]): Promise<string> {
  const [program, ...args] = inContainer(name, command)
  return (await run(program, args, { env: environmentOf(service) })).stdout
}

/** `docker compose up` of one service. */
function start(name: Name, command: readonly string[]): Service {
  const [program, ...args] = inContainer(name, command)
  const child = spawnGuarded(program, args, { env: environmentOf(services[name]), output: 'pipe' })
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr])
    if (stream) createInterface(stream).on('line', (line) => lines.push(line))
  const exited = once(child, 'exit') as Promise<[number | null]>
  ends.unshift(async () => {
    child.kill('SIGKILL')
    await exited
  })
  return { name, child, exited, lines }
}

interface Service {
  readonly name: Name
  readonly child: ChildProcess
  readonly exited: Promise<[number | null]>
  readonly lines: readonly string[]
}

/** Resolves when the health check of the image succeeds. */
function healthy({ name, child, lines }: Service): Promise<boolean> {
  const attempt = async () => {
    if (child.exitCode !== null) throw new Hopeless(`${name} has ended:\n${lines.join('\n')}`)
    await exec(name, healthCheck())
    return true
  }
  return eventually(`${name} to be healthy`, attempt, { everyMs: 500 })
}

async function ask(
  path: string,
): Promise<{ readonly status: string; readonly error?: string; readonly data: unknown }> {
  const response = await fetch(`http://${hostOf('prometheus').ip}:9090/api/v1/${path}`)
  return (await response.json()) as Awaited<ReturnType<typeof ask>>
}
const query = (expr: string) => ask(`query?query=${encodeURIComponent(expr)}`)

const { command: [, , script = ''] = [] } = services.secret
const warren = ['node', 'node_modules/warren/bin/warren.js'] as const
const program = JSON.parse(argumentsOf('CMD')[0] ?? '') as string[]
let gateway: Service
let demo: Service
let printedBySecret: string

async function startRabbit(host: NetworkHost): Promise<void> {
  const { environment = {} } = services.rabbitmq
  const conf = readFileSync(mountsOf(services.rabbitmq).get('/etc/rabbitmq/conf.d/20-warren.conf') ?? '', 'utf8')
  // The entry point of the image turns the variables into these two.
  const user = ['user', 'pass'].map(
    (what) => `default_${what} = ${environment[`RABBITMQ_DEFAULT_${what.toUpperCase()}`]}`,
  )
  const node = await configuredNode([...user, conf], { plugins: ['rabbitmq_management'], host })
  ends.unshift(() => node.remove())
}

async function startPostgres(host: NetworkHost): Promise<void> {
  const server = await Postgres.start(host)
  ends.unshift(() => server.close())
  await server.query(`create database ${services.postgres.environment?.['POSTGRES_DB']}`)
}

async function startPrometheus(): Promise<void> {
  const { groups } = find(built('monitoring'), 'PrometheusRule', 'warren').spec ?? {}
  writeFileSync(join(folder, 'rules.json'), JSON.stringify({ groups }))
  const config = readFileSync(mountsOf(services.prometheus).get('/etc/prometheus/prometheus.yml') ?? '', 'utf8')
  // Nothing else is added: compose.yaml has no alerts.
  const withRules = config.replace('global:\n', 'rule_files: [rules.json]\nglobal:\n  evaluation_interval: 1s\n')
  writeFileSync(join(folder, 'prometheus.yml'), withRules)
  const storage = `--storage.tsdb.path=${join(folder, 'prometheus')}`
  start('prometheus', [locate(debianPackages.prometheus), '--config.file=prometheus.yml', storage])
}

ifPermitted('the services of compose.yaml', () => {
  beforeAll(async () => {
    await installMissing([debianPackages.rabbitmq, debianPackages.postgres, debianPackages.prometheus])
    network = await Network.make(names)
    ends.unshift(() => network.remove())
    const lines = names.map((name) => `${hostOf(name).ip} ${name}`)
    writeFileSync(hostsFile, ['127.0.0.1 localhost', ...lines, ''].join('\n'))
    for (const name of ['data', 'tmp', 'node_modules/.bin']) mkdirSync(join(folder, name), { recursive: true })
    // As in the image.
    symlinkSync(resolve('.'), join(folder, 'node_modules/warren'))
    symlinkSync('../warren/bin/warren.js', join(folder, 'node_modules/.bin/warren'))

    // In the order of depends_on.
    await Promise.all([startRabbit(hostOf('rabbitmq')), startPostgres(hostOf('postgres'))])
    printedBySecret = await exec('warren', ['sh', '-c', withPaths(script.replaceAll('$$', '$'))], services.secret)
    gateway = start('warren', program)
    demo = start('demo', program)
    await Promise.all([healthy(gateway), healthy(demo)])
    await startPrometheus()
  })
  afterAll(async () => {
    for (const end of ends) await end()
    removeFolder(folder)
  })

  test('the health check of PostgreSQL passes', async () => {
    const { healthcheck } = services.postgres
    const [, program = '', ...args] = healthcheck?.test ?? []
    const path = join(dirname(locate(debianPackages.postgres)), program)
    expect(await exec('postgres', [path, ...args, '-h', hostOf('postgres').ip])).toContain('accepting connections')
  })

  test('the gateway starts with the rights that RabbitMQ gives it, and its doctor finds no failure', async () => {
    await eventually('the gateway to be ready', async () => {
      const response = await fetch(`http://${hostOf('warren').ip}:4002/readyz`)
      if (response.status !== 200) throw new Error(await response.text())
      return true
    })
    // A gateway of this configuration runs here: the doctor finds its ports taken by it.
    const printed = await exec('warren', [...warren, 'doctor', '--json'])
    const { ok, findings } = JSON.parse(printed) as { ok: boolean; findings: { check: string; status: string }[] }
    expect(findings.filter(({ status }) => status === 'fail')).toEqual([])
    expect({ ok, checks: findings.length > 10 }).toEqual({ ok: true, checks: true })
  })

  test('the user of RabbitMQ sees the management pages, and is no administrator', async () => {
    const { environment = {} } = services.rabbitmq
    const credentials = `${environment['RABBITMQ_DEFAULT_USER']}:${environment['RABBITMQ_DEFAULT_PASS']}`
    const headers = { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }
    const api = (path: string, method = 'GET') =>
      fetch(`http://${hostOf('rabbitmq').ip}:15672/api/${path}`, { method, headers })
    const queues = (await (await api('queues')).json()) as { name: string }[]
    expect(queues.map(({ name }) => name)).toContain('warren.journal')
    expect((await api('vhosts/other', 'PUT')).status).toBe(401)
    expect((await api('users')).status).toBe(401)
  })

  test('the commands in the header of the file subscribe and print a token that the console takes', async () => {
    const [, token = ''] = /^An operator's token: (\S+)$/m.exec(printedBySecret) ?? []
    const response = await fetch(`http://${hostOf('warren').ip}:4002/console`)
    expect({ console: response.status, token }).toEqual({ console: 200, token: expect.stringMatching(/^eyJ/) })
    const received = exec('warren', [...warren, 'tail', 'alice', '--count', '1'])
    const sample = 'warren_subscriptions{transport="graphql-ws"} 1\n'
    await eventually('the subscription', async () =>
      (await (await fetch(`http://${hostOf('warren').ip}:4002/metrics`)).text()).includes(sample),
    )
    await exec('warren', [...warren, 'publish', '--client', 'alice', '--token', token, '{"from": "compose"}'])
    expect(JSON.parse(await received)).toMatchObject({ clientId: 'alice', data: { from: 'compose' } })
  })

  test('the page of the demo is on its port', async () => {
    // As from the laptop: under another name it answers 421.
    const printStatus = `fetch('http://localhost:4180/').then(({ status }) => console.log(status))`
    expect(await exec('demo', ['node', '-e', printStatus])).toBe('200\n')
  })

  test('Prometheus scrapes both gateways under their names', async () => {
    const targets = await eventually('both targets to be up', async () => {
      const { data } = await ask('targets')
      const { activeTargets } = data as { activeTargets: { health: string; labels: Record<string, string> }[] }
      return activeTargets.length === 2 && activeTargets.every(({ health }) => health === 'up') && activeTargets
    })
    expect(targets.map(({ labels }) => `${labels['namespace']} ${labels['pod']}`).toSorted()).toEqual([
      'compose warren',
      'demo demo',
    ])
  })

  test('Prometheus evaluates every alert on what it scraped, and none fires for the gateway', async () => {
    interface Rule {
      readonly name: string
      readonly health: string
      readonly lastError?: string
      readonly alerts: readonly { readonly state: string; readonly labels: Readonly<Record<string, string>> }[]
    }
    const rules = await eventually('all rules to be evaluated', async () => {
      const { groups } = (await ask('rules')).data as { groups: { rules: Rule[] }[] }
      const all = groups.flatMap((group) => group.rules)
      return all.every(({ health }) => health !== 'unknown') && all
    })
    expect(rules.length).toBeGreaterThan(20)
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([])
    const firing = rules.flatMap(({ alerts }) => alerts.filter(({ state }) => state === 'firing'))
    // Messages of the demo go wrong on purpose.
    expect(firing.filter(({ labels }) => labels['namespace'] !== 'demo')).toEqual([])
  })

  test("Prometheus answers the dashboard's queries", async () => {
    const path = mountsOf(services.grafana).get('/var/lib/grafana/dashboards/warren.json') ?? ''
    const { panels } = JSON.parse(readFileSync(path, 'utf8')) as {
      panels: { title: string; targets: { expr: string }[] }[]
    }
    const filled = (expr: string) => expr.replaceAll('$__rate_interval', '1m').replaceAll('$namespace', 'compose')
    const queries = panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, filled(expr)] as const))
    /** The titles of the panels that have data. */
    const answered = async () => {
      const withData = new Set<string>()
      for (const [title, expr] of queries) {
        const { status, error, data } = await query(expr)
        if (status !== 'success') throw new Hopeless(`${title}: ${error}`)
        if ((data as { result: unknown[] }).result.length > 0) withData.add(title)
      }
      return withData
    }
    // Rates have a value from the second scrape on. The others count what has not happened here.
    await eventually('half of the panels to have data', async () => (await answered()).size > panels.length / 2, {
      everyMs: 1_000,
    })
  })

  test('a gateway that Docker stops ends within its grace period, with status 0', async () => {
    const signalled = performance.now()
    gateway.child.kill('SIGTERM')
    expect(await gateway.exited).toEqual([0, null])
    expect(performance.now() - signalled).toBeLessThan(30_000)
    demo.child.kill('SIGTERM')
    expect(await demo.exited).toEqual([0, null])
  })
})
