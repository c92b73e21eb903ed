/**
 * The cost of `publish`, which resolves when the entry was read back from the journal: throughput
 * with many in flight, and latency at a steady pace, next to that of the same messages to a
 * subscriber. `npm run bench:publish -- [--against folder] [--rounds n] [--seconds n]`.
 * `--against`: another checkout with its build, measured in turn with this one; then the ratios are
 * printed.
 */
import { parseArgs } from 'node:util'
import { WebSocket } from 'ws'
import { startGateway, testToken } from '../test/support/gateway/gateway-process.ts'
import { privateRabbit } from '../test/support/rabbitmq/broker.ts'
import { describeMachine } from './machine.ts'
import { median } from './median.ts'

const { values } = parseArgs({
  options: {
    against: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '6' },
  },
})
const inFlight = 64
const perSecond = 300
const mutation = 'mutation ($input: PublishInput!) { publish(input: $input) { messageId } }'
const subscription = 'subscription { channel(clientId: "bench") { data } }'

interface Figures {
  /** Publications a second with `inFlight` at a time. */
  readonly throughput: number
  /**
   * Milliseconds from sending the mutation to its answer, and to the subscriber, at `perSecond`.
   */
  readonly publish50: number
  readonly publish99: number
  readonly deliver50: number
  readonly deliver99: number
}

/**
 * An acknowledged graphql-transport-ws connection. `onData` receives each frame of data with its
 * operation id.
 */
async function connect(url: string, token: string, onData: (id: string, data: unknown) => void): Promise<WebSocket> {
  const socket = new WebSocket(url, 'graphql-transport-ws')
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: { token } })))
    socket.on('message', (bytes: Buffer) => {
      const frame = JSON.parse(bytes.toString()) as { type: string; id: string; payload?: { data?: unknown } }
      if (frame.type === 'connection_ack') resolve()
      if (frame.type === 'error') throw new Error(bytes.toString())
      if (frame.type === 'next') onData(frame.id, frame.payload?.data)
    })
  })
  return socket
}

async function measure(brokerUrl: string, namespace: string, checkout: string | undefined): Promise<Figures> {
  await using gateway = await startGateway({
    env: { WARREN_BROKER_URL: brokerUrl, WARREN_NAMESPACE: namespace, WARREN_MAX_SUBSCRIBE_RATE: '1000000' },
    ...(checkout === undefined ? {} : { checkout }),
  })
  const token = await testToken({ sub: 'bench', scope: 'publish operator' })
  const answered = new Map<string, () => void>()
  const arrived = new Map<number, (at: number) => void>()
  const publisher = await connect(gateway.graphqlSocketUrl, token, (id, data) => {
    if (!data) throw new Error('a publication was refused')
    answered.get(id)?.()
    answered.delete(id)
  })
  const subscriber = await connect(gateway.graphqlSocketUrl, token, (_id, data) => {
    const { number } = (data as { channel: { data: { number: number } } }).channel.data
    arrived.get(number)?.(performance.now())
    arrived.delete(number)
  })
  subscriber.send(JSON.stringify({ id: 'all', type: 'subscribe', payload: { query: subscription } }))
  let number = 0
  const publish = (): Promise<void> =>
    new Promise((resolve) => {
      number += 1
      const id = `p${number}`
      answered.set(id, resolve)
      const input = { clientId: 'bench', data: { number, text: 'x'.repeat(150) } }
      publisher.send(JSON.stringify({ id, type: 'subscribe', payload: { query: mutation, variables: { input } } }))
    })
  const warmUntil = performance.now() + 2_000
  const loop = async (until: number): Promise<number> => {
    let count = 0
    for (; performance.now() < until; count += 1) await publish()
    return count
  }
  await Promise.all(Array.from({ length: inFlight }, () => loop(warmUntil)))

  const seconds = Number(values.seconds)
  const began = performance.now()
  const counts = await Promise.all(Array.from({ length: inFlight }, () => loop(began + seconds * 1_000)))
  const throughput = (counts.reduce((sum, count) => sum + count, 0) / (performance.now() - began)) * 1_000

  const publishing: number[] = []
  const delivering: number[] = []
  const all: Promise<unknown>[] = []
  const paced = performance.now()
  for (let sent = 0; sent < perSecond * seconds; ) {
    for (; sent < ((performance.now() - paced) / 1_000) * perSecond; sent += 1) {
      const at = performance.now()
      all.push(publish().then(() => publishing.push(performance.now() - at)))
      const mine = number
      all.push(new Promise<number>((resolve) => arrived.set(mine, resolve)).then((done) => delivering.push(done - at)))
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await Promise.all(all)
  publisher.close()
  subscriber.close()
  return {
    throughput,
    publish50: quantile(publishing, 0.5),
    publish99: quantile(publishing, 0.99),
    deliver50: quantile(delivering, 0.5),
    deliver99: quantile(delivering, 0.99),
  }
}

function quantile(times: number[], part: number): number {
  const sorted = times.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}

const rabbit = await privateRabbit('bench-publish')
try {
  console.log(describeMachine())
  const contestants = { this: undefined, ...(values.against === undefined ? {} : { other: values.against }) }
  const results: Record<string, Figures[]> = {}
  for (let round = 0; round < Number(values.rounds); round += 1) {
    const order = Object.entries(contestants)
    if (round % 2 === 1) order.reverse()
    for (const [name, checkout] of order) {
      const figures = await measure(rabbit.url(), `bench-${name}-${round}`, checkout)
      results[name] = [...(results[name] ?? []), figures]
    }
  }
  const rows = ['throughput', 'publish50', 'publish99', 'deliver50', 'deliver99'] as const
  const of = (name: string, row: (typeof rows)[number]): number => median((results[name] ?? []).map((one) => one[row]))
  console.log(`| median of ${values.rounds} | ${Object.keys(results).join(' | ')} |`)
  for (const row of rows) {
    console.log(
      `| ${row} | ${Object.keys(results)
        .map((name) => of(name, row).toFixed(2))
        .join(' | ')} |`,
    )
  }
  console.log(`publish99 / deliver99: ${(of('this', 'publish99') / of('this', 'deliver99')).toFixed(2)} (at most 1.2)`)
  if (results['other']) {
    console.log(
      `throughput / other: ${(of('this', 'throughput') / of('other', 'throughput')).toFixed(2)} (at least 0.9)`,
    )
  }
} finally {
  await rabbit.remove()
}
