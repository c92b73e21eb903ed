/**
 * What the console costs a gateway: three built gateways with an embedded broker that deliver the
 * same messages at the same rate, in turns. One has no console, one has a closed console, and one
 * has three open pages (Overview, Live, Clients) in Chromium. It compares the processor time and the
 * resident memory of the gateways alone; Chromium runs on the other processor. Then it hides the
 * pages, and prints what they still ask.
 *
 *     npm run bench:console -- [--rounds 5] [--clients 100] [--rate 1000] [--seconds 10]
 *
 * `--rate`: messages a second, each to all clients.
 *
 * V8 lets its young generation grow to 48 MiB over time, at another moment in each process. So the
 * garbage of all gateways is collected before each round, and each begins with a small one. `held`
 * is what remains after another collection at the end of a round.
 *
 * Exit status 1 if the closed console costs more than 2 %, three open ones more than 3 % of a
 * processor or 10 MiB, or a hidden page asks anything. Processor time is also comparable on a busy
 * machine, but less exact: it prints each round.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { WebSocket } from 'ws'
import { openConsole } from '../test/e2e/console/console-page.ts'
import { eventually } from '../test/support/eventually.ts'
import { type GatewayProcess, startGateway, testToken } from '../test/support/gateway/gateway-process.ts'
import { freePort } from '../test/support/network/ports.ts'
import { launchChromium } from '../test/support/processes/chromium.ts'
import { openInspector } from './inspector.ts'
import { cpuOf, describeMachine, pin } from './machine.ts'
import { median } from './median.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    clients: { type: 'string', default: '100' },
    rate: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '10' },
  },
})
const rounds = Number(values.rounds)
const clients = Number(values.clients)
const rate = Number(values.rate)
const seconds = Number(values.seconds)
const bounds = { closed: 1.02, openShare: 0.03, openMiB: 10 }
/** Messages of one request, and how often one is sent, in milliseconds. */
const tickMs = 50
/** How long a hidden page keeps its subscriptions, and how long it is watched then, in ms. */
const hidden = { keptMs: 10_000, watchedMs: 10_000 }
const views = ['', 'live', 'clients'] as const

interface Side {
  readonly name: string
  readonly gateway: GatewayProcess
  readonly publisher: WebSocket
  readonly sockets: readonly WebSocket[]
  readonly collectGarbage: () => Promise<void>
  received: number
  readonly shares: number[]
  /** Resident at the end of a round, and after a collection, in MiB. */
  readonly resident: number[]
  readonly held: number[]
}

const sides = [await open('no console', 'off'), await open('closed', 'ops'), await open('three open', 'ops')] as const
const [none, closed, opened] = sides
const browser = await launchChromium()
try {
  const pages = []
  for (const view of views) {
    const shown = await openConsole(browser, opened.gateway)
    await shown.open(view)
    pages.push(shown.page)
  }
  for (let round = 0; round <= rounds; round += 1) {
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      await side.collectGarbage()
      const share = await deliver(side)
      const resident = residentMiB(side.gateway.pid)
      await side.collectGarbage()
      // The first round warms up.
      if (round === 0) continue
      side.shares.push(share)
      side.resident.push(resident)
      side.held.push(residentMiB(side.gateway.pid))
    }
  }
  console.log(describeMachine())
  console.log(`${clients} clients, ${rate} messages a second to all of them, ${rounds} rounds of ${seconds} s`)
  for (const { name, shares, resident, held } of sides) {
    const each = shares.map((share) => percent(share)).join(' ')
    console.log(`${name}: median ${percent(median(shares))} of a processor (${each})`)
    console.log(`  ${median(resident).toFixed(1)} MiB, of which ${median(held).toFixed(1)} MiB held`)
  }
  const ratio = median(closed.shares) / median(none.shares)
  const added = median(opened.shares) - median(closed.shares)
  const addedMiB = median(opened.resident) - median(closed.resident)
  const heldMiB = median(opened.held) - median(closed.held)
  console.log(`closed ÷ none: ${ratio.toFixed(3)}`)
  console.log(
    `three open − closed: ${percent(added)} of a processor, ${addedMiB.toFixed(1)} MiB, of which ${heldMiB.toFixed(1)} MiB held`,
  )

  for (const page of pages) {
    // As a text, because the compiler of this program adds calls that the page does not have.
    await page.evaluate(`
      Object.defineProperty(document, 'hidden', { get: () => true })
      document.dispatchEvent(new Event('visibilitychange'))`)
  }
  const feeds = async (): Promise<number> =>
    Number(/^warren_subscriptions\{transport="graphql-ws"\} (\d+)/m.exec(await opened.gateway.metrics())?.[1]) - clients
  await eventually('the subscriptions of hidden pages to end', async () => (await feeds()) === 0, {
    withinMs: 3 * hidden.keptMs,
  })
  const asked = browser.requests.length
  await new Promise((resolve) => setTimeout(resolve, hidden.watchedMs))
  const later = browser.requests.length - asked
  console.log(`hidden pages: ${await feeds()} subscriptions, ${later} requests in ${hidden.watchedMs / 1_000} s`)
  process.exitCode =
    ratio <= bounds.closed && added <= bounds.openShare && addedMiB <= bounds.openMiB && later === 0 ? 0 : 1
} finally {
  await browser.close()
  for (const { gateway, sockets, publisher } of sides) {
    for (const socket of [...sockets, publisher]) socket.terminate()
    await gateway[Symbol.asyncDispose]()
  }
}

async function open(name: string, where: 'off' | 'ops'): Promise<Side> {
  const inspectorPort = await freePort()
  const gateway = await startGateway({
    env: {
      WARREN_CONSOLE: where,
      WARREN_TEST_ROUTES: 'on',
      WARREN_LOG_LEVEL: 'error',
      NODE_OPTIONS: `--inspect=127.0.0.1:${inspectorPort}`,
    },
  })
  pin(gateway.pid, 'server')
  const token = await testToken({ scope: 'channel:# publish' })
  const inspector = await openInspector(inspectorPort)
  const collectGarbage = async (): Promise<void> => {
    await inspector.call('HeapProfiler.collectGarbage')
  }
  const side = { name, gateway, collectGarbage, received: 0, shares: [], resident: [], held: [] }
  const publisher = await connect(gateway, token)
  const subscribe = { query: 'subscription { channel(clientId: "all") { data } }' }
  const sockets = await Promise.all(
    Array.from({ length: clients }, async () => {
      const socket = await connect(gateway, token)
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: subscribe }))
      return socket
    }),
  )
  await eventually('all clients to be subscribed', async () =>
    (await gateway.metrics()).includes(`warren_subscriptions{transport="graphql-ws"} ${clients}\n`),
  )
  const whole = Object.assign(side, { publisher, sockets })
  for (const socket of sockets) socket.on('message', () => (whole.received += 1))
  return whole
}

async function connect({ graphqlSocketUrl }: GatewayProcess, token: string): Promise<WebSocket> {
  const socket = new WebSocket(graphqlSocketUrl, 'graphql-transport-ws', { perMessageDeflate: false })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.once('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: { token } })))
    socket.once('message', () => resolve())
  })
  return socket
}

/** Publishes at the rate, and resolves to the share of a processor that the gateway took. */
async function deliver(side: Side): Promise<number> {
  const { gateway, publisher } = side
  const before = cpuOf(gateway.pid)
  const since = performance.now()
  side.received = 0
  const query = 'mutation ($n: Int!) { publishTestData(clientId: "all", count: $n) }'
  let sent = 0
  for (let tick = 1; tick * tickMs <= seconds * 1_000; tick += 1) {
    const n = Math.round((tick * tickMs * rate) / 1_000) - sent
    sent += n
    if (n > 0)
      publisher.send(JSON.stringify({ id: `${tick}`, type: 'subscribe', payload: { query, variables: { n } } }))
    const wait = since + tick * tickMs - performance.now()
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
  }
  await eventually('all events to arrive', () => side.received >= sent * clients, { withinMs: 60_000 })
  return (cpuOf(gateway.pid) - before) / 1_000 / (performance.now() - since)
}

function residentMiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
