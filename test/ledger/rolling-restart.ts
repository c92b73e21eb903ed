import { WebSocket } from 'ws'
import { eventually } from '../support/eventually.ts'
import { textOf } from '../support/frames/frames.ts'
import { connectGraphql } from '../support/frames/graphql-frames.ts'
import { type GatewayProcess, startGateway, testToken } from '../support/gateway/gateway-process.ts'
import { settle } from './accounts.ts'
import { CarefulPublisher } from './careful-publisher.ts'
import { type Journeys, RollingClient } from './clients/rolling-client.ts'
import { endsForRestart, peakOf } from './pace.ts'
import { pause } from './pause.ts'

export interface RollingOptions {
  /** A RabbitMQ of its own. */
  readonly brokerUrl: string
  readonly replicas: number
  readonly clients: number
  readonly drainMs: number
  /** Messages a second, for one client after another. */
  readonly rate: number
  readonly log?: (line: string) => void
}

export interface RollingResult {
  /** Of each replica in turn. */
  readonly replicas: readonly RestartedReplica[]
  /** The number of closed connections, by code. */
  readonly codes: Readonly<Record<string, number>>
  readonly refused: number
  /**
   * From opening a connection to a live subscription, the slowest of a hundred, in milliseconds.
   */
  readonly newSubscriptionP99Ms: number
  readonly confirmed: number
  readonly received: number
  /** Must be empty: numbers lost, doubled or misordered, gaps, unexpected frames, exits. */
  readonly faults: readonly string[]
}

export interface RestartedReplica {
  readonly clients: number
  readonly tookMs: number
  /**
   * How many sessions it ended because of the restart: those of its clients, and sometimes of a new
   * one.
   */
  readonly ended: number
  /** The peak rate at which it ended them, by its own clock, as a multiple of an even pace. */
  readonly endsPeak: number
  /**
   * The peak rate at which clients returned, as a multiple of its clients/window, and of all
   * clients/window: by the clock of this process, which may be delayed itself.
   */
  readonly returnsPeak: number
  readonly returnsPeakOfAll: number
}

/**
 * How often the load balancer checks readiness, and how often a new client subscribes, in
 * milliseconds.
 */
const lookMs = 100
const newcomerMs = 100
/** Clients that connect at once at the beginning. */
const atOnce = 200
const settleMs = 120_000
/**
 * The share of the window in which the peak is counted. After a pause of its process, a drain may
 * end as much as belongs to a tenth of the window at once: in a fifth that is twice 1.25, wherever
 * the slice begins.
 */
const endsSlice = 1 / 5
const returnsSlice = 1 / 10

/**
 * Restarts each replica in turn while clients are subscribed and messages are published, and then
 * settles the ledger's accounts.
 */
export async function rollingRestart(options: RollingOptions): Promise<RollingResult> {
  const env = {
    WARREN_BROKER_URL: options.brokerUrl,
    WARREN_DRAIN: `${options.drainMs}ms`,
    WARREN_MAX_CONNECTIONS: String(options.clients * 2),
    WARREN_LOG_FORMAT: 'json',
  }
  const gateways = await Promise.all(Array.from({ length: options.replicas }, () => startGateway({ env })))
  const run = new RollingRestart(options, gateways)
  try {
    return await run.run()
  } finally {
    await run.end()
    await Promise.all(gateways.map((gateway) => gateway[Symbol.asyncDispose]()))
  }
}

interface Book {
  readonly listener: RollingClient
  readonly confirmed: number[]
  attempted: number
}

class RollingRestart {
  readonly #options: RollingOptions
  readonly #running: GatewayProcess[]
  readonly #journeys: Journeys = { closed: [], opened: [], refused: 0, problems: [] }
  readonly #publisher: CarefulPublisher
  readonly #books: Book[] = []
  readonly #newcomers: number[] = []
  readonly #faults: string[] = []
  #ready: readonly number[] = []
  #token = ''
  #going = true

  constructor(options: RollingOptions, gateways: readonly GatewayProcess[]) {
    this.#options = options
    this.#running = [...gateways]
    this.#publisher = new CarefulPublisher(options.brokerUrl)
  }

  async run(): Promise<RollingResult> {
    this.#token = await testToken({ scope: 'channel:#' }, { ttl: '24h' })
    await this.#updateReady()
    await this.#open()
    const background = [this.#balance(), this.#publish(), this.#newClients()]
    const replicas: RestartedReplica[] = []
    for (let index = 0; index < this.#running.length; index += 1) replicas.push(await this.#restart(index))
    this.#going = false
    await Promise.all(background)
    await this.#settled()
    return this.#result(replicas)
  }

  async end(): Promise<void> {
    this.#going = false
    for (const { listener } of this.#books) listener.stop()
    await this.#publisher.close()
    await Promise.all(this.#running.map((gateway) => gateway.kill()))
  }

  async #open(): Promise<void> {
    const cursor = await this.#positionOfNow()
    const balancer = () => this.#ready[Math.floor(Math.random() * this.#ready.length)] ?? 0
    for (let index = 0; index < this.#options.clients; index += 1) {
      const client = `client-${index}`
      const listener = new RollingClient({ client, token: this.#token, cursor, balancer, journeys: this.#journeys })
      this.#books.push({ listener, confirmed: [], attempted: 0 })
    }
    for (let index = 0; index < this.#books.length; index += atOnce) {
      await Promise.all(this.#books.slice(index, index + atOnce).map(({ listener }) => listener.start()))
    }
    this.#options.log?.(`${this.#books.length} clients are connected`)
  }

  async #positionOfNow(): Promise<string> {
    const url = this.#running[0]?.graphqlSocketUrl ?? ''
    await using client = await connectGraphql(url, { connectionParams: { token: this.#token } })
    const { data } = await client.request('{ history(clientId: "unused") { cursor } }')
    return (data as { history: { cursor: string } }).history.cursor
  }

  /** Like a Service: connections go to ready replicas. */
  async #balance(): Promise<void> {
    while (this.#going) {
      await this.#updateReady()
      await pause(lookMs)
    }
  }

  async #updateReady(): Promise<void> {
    const ready = await Promise.all(
      this.#running.map(async (gateway) => ((await gateway.readiness()) === 200 ? [gateway.port] : [])),
    )
    this.#ready = ready.flat()
  }

  /** One number after another for each client: each when RabbitMQ has confirmed the one before. */
  async #publish(): Promise<void> {
    const began = performance.now()
    const inFlight = new Map<Book, Promise<void>>()
    for (let count = 0; this.#going; count += 1) {
      const ahead = (count * 1000) / this.#options.rate - (performance.now() - began)
      if (ahead > 0) await pause(ahead)
      const book = this.#books[count % this.#books.length]
      if (!book) break
      await inFlight.get(book)
      inFlight.set(book, this.#publishNext(book))
    }
    await Promise.all(inFlight.values())
  }

  async #publishNext(book: Book): Promise<void> {
    book.attempted += 1
    const number = book.attempted
    const { client } = book.listener
    const body = Buffer.from(JSON.stringify({ number }))
    const messageId = `${client}-${number}`
    await this.#publisher.publish({ exchange: 'warren.events', routingKey: `client.${client}`, body, messageId })
    book.confirmed.push(number)
  }

  /** New clients throughout: measures how long until each is live. */
  async #newClients(): Promise<void> {
    while (this.#going) {
      const since = performance.now()
      const port = this.#ready[Math.floor(Math.random() * this.#ready.length)] ?? 0
      if (await liveOn(port, this.#token)) this.#newcomers.push(performance.now() - since)
      await pause(newcomerMs)
    }
  }

  async #restart(index: number): Promise<RestartedReplica> {
    const gateway = this.#running[index]
    if (!gateway) throw new Error('unreachable')
    const listeners = this.#books.map(({ listener }) => listener)
    const clients = listeners.filter(({ port }) => port === gateway.port).length
    const since = performance.now()
    const opened = this.#journeys.opened.length
    process.kill(gateway.pid, 'SIGTERM')
    const { code, signal } = await gateway.exited
    if (code !== 0) this.#faults.push(`a replica ended with ${signal ?? code} and not with 0`)
    const tookMs = performance.now() - since
    const isBack = ({ port }: RollingClient) => port !== undefined && port !== gateway.port
    await eventually('its clients to return', () => listeners.every(isBack), { withinMs: settleMs })
    const windowMs = this.#options.drainMs
    const ends = endsForRestart(gateway.output())
    const returns = this.#journeys.opened.slice(opened)
    const returnsPeak = peakOf(returns, { windowMs, sliceMs: windowMs * returnsSlice })
    const replica: RestartedReplica = {
      clients,
      tookMs,
      ended: ends.length,
      endsPeak: peakOf(ends, { windowMs, sliceMs: windowMs * endsSlice }),
      returnsPeak,
      returnsPeakOfAll: (returnsPeak * clients) / this.#options.clients,
    }
    this.#running[index] = await gateway.again()
    await eventually('it to receive clients', () => this.#ready.includes(gateway.port), { withinMs: settleMs })
    this.#options.log?.(`replica ${index + 1}: ${JSON.stringify(replica)}`)
    return replica
  }

  async #settled(): Promise<void> {
    const isWhole = ({ listener, confirmed }: Book): boolean => {
      const last = confirmed.at(-1)
      return last === undefined || listener.hasReceived(last)
    }
    await eventually('all clients to receive their last number', () => this.#books.every(isWhole), {
      withinMs: settleMs,
    }).catch((error: unknown) => this.#faults.push(String(error)))
  }

  #result(replicas: RollingResult['replicas']): RollingResult {
    let confirmed = 0
    let received = 0
    for (const book of this.#books) {
      const { client, events } = book.listener
      const balance = settle({ client, confirmed: book.confirmed, events }, book.attempted)
      confirmed += book.confirmed.length
      received += balance.received
      for (const kind of ['lost', 'doubled', 'misordered', 'invented'] as const) {
        if (balance[kind].length > 0) this.#faults.push(`${client}: ${kind} ${balance[kind].join(' ')}`)
      }
      if (events.some(({ kind }) => kind === 'gap')) this.#faults.push(`${client} received a gap`)
    }
    const codes: Record<string, number> = {}
    for (const { code } of this.#journeys.closed) codes[code] = (codes[code] ?? 0) + 1
    const sorted = this.#newcomers.toSorted((a, b) => a - b)
    return {
      replicas,
      codes,
      refused: this.#journeys.refused,
      newSubscriptionP99Ms: sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.POSITIVE_INFINITY,
      confirmed,
      received,
      faults: [...this.#faults, ...this.#journeys.problems],
    }
  }
}

/**
 * Resolves to true when the subscription reports its start position, to false if the replica
 * refuses it.
 */
function liveOn(port: number, token: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws')
    const query = 'subscription { channel(clientId: "newcomer", checkpoints: true) { kind } }'
    socket.on('error', () => resolve(false))
    socket.on('close', () => resolve(false))
    socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: { token } })))
    socket.on('message', (data) => {
      const { type } = JSON.parse(textOf(data)) as { type: string }
      if (type === 'connection_ack') socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }))
      if (type !== 'next') return
      resolve(true)
      socket.close(1000)
    })
  })
}
