import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { type Call, callerOf, listen, publish } from '../../e2e/back-end/graphql-caller.ts'
import { type Journeys, RollingClient } from '../../ledger/clients/rolling-client.ts'
import { eventually } from '../../support/eventually.ts'
import { connectFramed } from '../../support/frames/framed.ts'
import { connectGraphql, type GraphqlClient } from '../../support/frames/graphql-frames.ts'
import { type GatewayProcess, runWarren, startGateway, testToken } from '../../support/gateway/gateway-process.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'

const create =
  'mutation { createClientChannel(input: { clientId: "all", name: "a", email: "a@b.cd", password: "a long password" }) { channel { cursor } } }'
const subscription = 'subscription { channel(clientId: "all") { data } }'

let vhost: TestVhost
beforeAll(async () => {
  vhost = await testVhost('workers')
})
afterAll(async () => {
  await vhost.close()
})

/**
 * Resolves when both workers serve. The gateway is ready with the first one, but a worker that ends
 * before all have started ends the gateway.
 */
async function start(env: Record<string, string> = {}): Promise<GatewayProcess> {
  const workers = { WARREN_WORKERS: '2', WARREN_LOG_FORMAT: 'json' }
  const gateway = await startGateway({ env: { WARREN_BROKER_URL: vhost.url, ...workers, ...env } })
  await gateway.printed(/workers serve together/)
  return gateway
}

describe('two workers on one port', () => {
  let gateway: GatewayProcess
  let call: Call
  let token: string
  let published = 0
  let clients: RollingClient[] = []

  beforeAll(async () => {
    gateway = await start({ WARREN_DRAIN: '300ms' })
    call = callerOf(gateway.graphqlUrl, await testToken({ scope: 'operator publish' }))
    token = await testToken({ scope: 'channel:#' })
  })
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]()
  })
  afterEach(async () => {
    for (const client of clients) client.stop()
    for (const one of opened.splice(0)) await one[Symbol.asyncDispose]()
  })
  const opened: AsyncDisposable[] = []
  const keep = <Client extends AsyncDisposable>(client: Client): Client => {
    opened.push(client)
    return client
  }

  // Requests to a worker that ends are cut off. A publication is repeated with its idempotency key
  // and delivered once.
  const publishNext = async () => {
    published += 1
    const input = { clientId: 'all', data: { number: published }, idempotencyKey: `number ${published}` }
    await eventually('a worker to accept the publication', () => call(publish, { input }))
  }
  const listeners = async (count: number) => {
    const { createClientChannel } = await call<{ createClientChannel: { channel: { cursor: string } } }>(create)
    const { cursor } = createClientChannel.channel
    const journeys: Journeys = { closed: [], opened: [], refused: 0, problems: [] }
    const balancer = () => gateway.port
    clients = Array.from(
      { length: count },
      () => new RollingClient({ client: 'all', token, cursor, balancer, journeys }),
    )
    await Promise.all(clients.map((client) => client.start()))
    return { journeys, from: published + 1 }
  }

  test('share the clients of every endpoint, and each message reaches all clients', async () => {
    const connect = () => connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token } })
    const connected: GraphqlClient[] = []
    for (let n = 0; n < 6; n += 1) connected.push(keep(await connect()))
    expect(new Set(await Promise.all(connected.map(replicaOf))).size).toBe(2)
    for (let n = 0; n < 2; n += 1) {
      const framed = keep(await connectFramed(gateway.tcpPort))
      expect(await framed.ask({ action: 'authenticate', token })).not.toHaveProperty('error')
    }

    const operations = connected.map((client) => client.subscribe(subscription))
    await eventually('all clients to be subscribed', async () => (await sumOf(gateway, 'warren_subscriptions')) === 6)
    expect(await sumOf(gateway, 'warren_connections')).toBe(8)
    expect(await sumOf(gateway, 'warren_workers')).toBe(2)
    // Workers listen before their journals are open.
    await eventually('both workers to read the journal', async () => (await sumOf(gateway, 'warren_broker_up')) === 1)
    await publishNext()
    for (const operation of operations) {
      expect(await operation.next()).toEqual({ data: { channel: { data: { number: published } } } })
    }
    await eventually('all deliveries', async () => (await sumOf(gateway, 'warren_deliveries_total')) === 6)
    expect(await sumOf(gateway, 'warren_delivery_seconds_count')).toBe(6)
  })

  test('replace a killed worker; its clients resume without loss, and counters keep their values', async () => {
    const { journeys, from } = await listeners(10)
    for (let n = 0; n < 20; n += 1) await publishNext()
    const before = await sumOf(gateway, 'warren_deliveries_total')
    const killed = signalFirst(gateway, 'SIGKILL')
    for (let n = 0; n < 20; n += 1) await publishNext()
    const received = numbers(from, published)
    await eventually('all clients to receive everything', () =>
      clients.every((client) => client.hasReceived(published)),
    )
    for (const client of clients) expect(client.events.map(numberOf)).toEqual(received)
    expect(new Set(journeys.closed.map(({ code }) => code))).toEqual(new Set([1006]))
    // The clients of the other worker stayed connected.
    expect(journeys.closed.length).toBeLessThan(clients.length)
    expect(journeys.problems).toEqual([])

    const [, lost] = await gateway.printed(/"lost":(\d+),"pid":\d+,"signal":"SIGKILL","inMs":0/)
    await eventually('another worker', async () => (await sumOf(gateway, 'warren_workers')) === 2)
    expect(workersOf(gateway)).not.toContain(killed)
    expect(await sumOf(gateway, 'warren_workers_lost_total')).toBe(1)
    expect(await sumOf(gateway, 'warren_deliveries_total')).toBeGreaterThan(before)
    await eventually(
      'its clients to resume',
      async () => (await sumOf(gateway, 'warren_connections')) === clients.length,
    )
    expect(Number(lost)).toBeLessThanOrEqual(2)
  })

  test('do not leave a client waiting if a worker ends with a connection that it has not accepted', async () => {
    const frozen = signalFirst(gateway, 'SIGSTOP')
    // The process would outlive a failing test.
    keep({ [Symbol.asyncDispose]: async () => void (runs(frozen) && process.kill(frozen, 'SIGKILL')) })
    let taken = 0
    const attempts = Array.from({ length: 4 }, async () => {
      keep(await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token } }))
      taken += 1
    })
    const ends = Promise.allSettled(attempts)
    // One connection goes to the frozen worker, and no other before that is accepted.
    await eventually('the other worker to accept the rest', () => taken === 3)
    process.kill(frozen, 'SIGKILL')
    expect((await ends).filter(({ status }) => status === 'rejected')).toHaveLength(1)
    // The other port gives it no connection either.
    for (let n = 0; n < 3; n += 1) {
      const framed = keep(await connectFramed(gateway.tcpPort))
      expect(await framed.ask({ action: 'authenticate', token })).not.toHaveProperty('error')
    }
    await eventually('another worker', async () => (await sumOf(gateway, 'warren_workers')) === 2)
  })

  test('close a connection for which a worker has no file left, and get connections again later', async () => {
    const [full] = workersOf(gateway)
    const limitFiles = (most: number) => execFileSync('prlimit', ['--pid', `${full}`, `--nofile=${most}:`])
    const connect = async () => keep(await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token } }))
    const bothToAccept = async () => {
      const replicas = new Set<unknown>()
      await eventually('both workers to accept connections', async () => {
        replicas.add(await replicaOf(await connect()))
        return replicas.size === 2
      })
    }
    await bothToAccept()
    const limit = Number(/^Max open files\s+(\d+)/m.exec(readFileSync(`/proc/${full}/limits`, 'utf8'))?.[1])
    const files = new Set(readdirSync(`/proc/${full}/fd`))
    let free = 0
    while (files.has(`${free}`)) free += 1
    // Of the next file, not of those that are open.
    limitFiles(free)
    const attempts = await Promise.allSettled([connect(), connect(), connect(), connect()])
    limitFiles(limit)
    expect(attempts.map(({ status }) => status)).toContain('rejected')
    await bothToAccept()
  })

  test('are replaced one after another at SIGUSR2; each client is closed once with 1012 and misses nothing', async () => {
    const { journeys, from } = await listeners(10)
    const before = workersOf(gateway)
    const delivered = await sumOf(gateway, 'warren_deliveries_total')
    process.kill(gateway.pid, 'SIGUSR2')
    const over = /all workers have been replaced|the remaining workers stay/
    while (!over.test(gateway.output())) {
      await publishNext()
      await eventually('the first client to receive the message', () => clients[0]?.hasReceived(published))
    }
    await publishNext()
    await eventually('all clients to receive everything', () =>
      clients.every((client) => client.hasReceived(published)),
    )
    for (const client of clients) expect(client.events.map(numberOf)).toEqual(numbers(from, published))
    expect(new Set(journeys.closed.map(({ code }) => code))).toEqual(new Set([1012]))
    expect(journeys.refused).toBe(0)
    expect(workersOf(gateway).filter((pid) => before.includes(pid))).toEqual([])
    // The replaced workers reported their counters before they ended.
    const least = delivered + clients.length * (published - from + 1)
    expect(await sumOf(gateway, 'warren_deliveries_total')).toBeGreaterThanOrEqual(least)
    expect(await gateway.readiness()).toBe(200)
  })

  test('drain together at SIGTERM, and the primary exits with 0 when both have ended', async () => {
    const connected = await Promise.all(
      Array.from({ length: 4 }, () => listen(gateway.graphqlSocketUrl, token, { clientId: 'all' })),
    )
    const workers = workersOf(gateway)
    expect(await gateway.stop()).toBe(0)
    expect(await Promise.all(connected.map(async ({ closed }) => (await closed).code))).toEqual([
      1012, 1012, 1012, 1012,
    ])
    expect(workers.filter(runs)).toEqual([])
    // The gateway logs once, for all workers, where it listens.
    expect(gateway.output().match(/"msg":"listening"/g)).toHaveLength(1)
    expect(gateway.output()).toMatch(/"worker":\d+,.*"msg":"closed"/)
  })
})

test('workers share a port that the system has chosen, and drain and end when their primary is killed', async () => {
  await using gateway = await start({ WARREN_PORT: '0', WARREN_TCP_PORT: '0' })
  const [, port] = await gateway.printed(/ws:\/\/127\.0\.0\.1:(\d+)\/graphql/)
  const [, tcpPort] = await gateway.printed(/tcp:\/\/127\.0\.0\.1:(\d+)/)
  expect(port).not.toBe(tcpPort)
  const token = await testToken({ scope: 'channel:#' })
  const clients = await Promise.all(
    Array.from({ length: 4 }, () => connectGraphql(`ws://127.0.0.1:${port}/graphql`, { connectionParams: { token } })),
  )
  expect(new Set(await Promise.all(clients.map(replicaOf))).size).toBe(2)
  const workers = workersOf(gateway)
  expect(workers).toHaveLength(2)
  process.kill(gateway.pid, 'SIGKILL')
  expect(await Promise.all(clients.map(async ({ closed }) => (await closed).code))).toEqual([1012, 1012, 1012, 1012])
  await eventually('the workers to end', () => workers.every((pid) => !runs(pid)))
})

test('a worker that is still starting ends with the others', async () => {
  await using gateway = await start({ WARREN_DRAIN: '300ms' })
  signalFirst(gateway, 'SIGKILL')
  await gateway.printed(/a worker exited; starting another/)
  expect(await gateway.stop()).toBe(0)
})

test('the second signal ends all workers at once', async () => {
  await using gateway = await start({ WARREN_DRAIN: '10m' })
  const token = await testToken({ scope: 'channel:#' })
  const connect = () => connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token } })
  const clients = await Promise.all([connect(), connect(), connect(), connect()])
  const workers = workersOf(gateway)
  process.kill(gateway.pid, 'SIGTERM')
  await gateway.printed(/draining/)
  expect(await gateway.readiness()).toBe(503)
  process.kill(gateway.pid, 'SIGTERM')
  expect(await gateway.exited).toEqual({ code: 143, signal: null })
  await Promise.all(clients.map(({ closed }) => closed))
  // Long before they would have drained; the system takes a moment to remove a process.
  await eventually('the workers to end', () => !workers.some(runs))
})

describe('an impossible start', () => {
  test('with the embedded broker is refused with a sentence that names both options', async () => {
    expect(await runWarren(['start', '--workers', '2'])).toMatchObject({
      code: 2,
      stderr:
        'WARREN_WORKERS: 2 processes cannot share the embedded broker, which runs inside one process; set WARREN_BROKER_URL to RabbitMQ, or WARREN_WORKERS to 1\n',
    })
  })

  test('on a taken port ends with the sentence and the status of a single process, once', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const env = { WARREN_BROKER_URL: vhost.url, WARREN_OPS_PORT: 'off', WARREN_TCP_PORT: 'off', WARREN_WORKERS: '2' }
    const folder = newFolder()
    const { code, stderr } = await runWarren(['start', '--port', `${port}`, '--data-dir', folder], env)
    taken.close()
    removeFolder(folder)
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `WARREN_PORT: port ${port} of 127.0.0.1 is taken by another program\n`,
    })
  })
})

async function replicaOf(client: GraphqlClient): Promise<unknown> {
  const { data } = await client.request('{ gateway { replica } }')
  return (data?.['gateway'] as { replica: string } | undefined)?.replica
}

/** The processes that the primary has started, from Linux. */
function workersOf({ pid }: GatewayProcess): number[] {
  const pids = readdirSync('/proc').map(Number)
  return pids.filter((other) => other > 0 && new RegExp(`^PPid:\\s+${pid}$`, 'm').test(statusOf(other)))
}

function runs(pid: number): boolean {
  return /^State:\s+[^Z]/m.test(statusOf(pid))
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}

/**
 * Sends a signal to the first worker. It throws if there is none, because process id 0 would be the
 * whole process group.
 */
function signalFirst(gateway: GatewayProcess, signal: NodeJS.Signals): number {
  const [first] = workersOf(gateway)
  if (first === undefined) throw new Error('there is no worker')
  process.kill(first, signal)
  return first
}

/** The sum over all series of a metric. */
async function sumOf(gateway: GatewayProcess, name: string): Promise<number> {
  const lines = (await gateway.metrics()).split('\n').filter((line) => new RegExp(`^${name}[{ ]`).test(line))
  if (lines.length === 0) throw new Error(`there is no metric ${name}`)
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}

function numberOf(received: { kind: string; number?: number }): number | string {
  return received.number ?? received.kind
}
