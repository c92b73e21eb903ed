/** A gateway with an embedded broker under a constant load, and what it takes for it. */
import { readFileSync } from 'node:fs'
import { WebSocket } from 'ws'
import { eventually } from '../../test/support/eventually.ts'
import { type GatewayProcess, startGateway, testToken } from '../../test/support/gateway/gateway-process.ts'
import { freePort } from '../../test/support/network/ports.ts'
import { type Inspector, openInspector } from '../inspector.ts'
import { pin, prefer, threadSecondsOf } from '../machine.ts'

export interface Load {
  /** Subscribers of one channel, each of which receives every message. */
  readonly clients: number
  /** Messages a second. */
  readonly rate: number
}

/** Messages of one request are those of so many milliseconds. */
const tickMs = 50

export class LoadedGateway implements AsyncDisposable {
  readonly gateway: GatewayProcess
  readonly inspector: Inspector
  readonly #load: Load
  readonly #publisher: WebSocket
  readonly #sockets: readonly WebSocket[]
  #received = 0

  private constructor(
    gateway: GatewayProcess,
    inspector: Inspector,
    load: Load,
    publisher: WebSocket,
    sockets: readonly WebSocket[],
  ) {
    this.gateway = gateway
    this.inspector = inspector
    this.#load = load
    this.#publisher = publisher
    this.#sockets = sockets
    for (const socket of sockets) socket.on('message', () => (this.#received += 1))
  }

  /** `where`: WARREN_CONSOLE. Resolves when all clients are subscribed. */
  static async open(where: 'off' | 'ops', load: Load): Promise<LoadedGateway> {
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
    prefer(gateway.pid)
    const inspector = await openInspector(inspectorPort)
    const token = await testToken({ scope: 'channel:# publish' })
    const publisher = await connect(gateway, token)
    const subscribe = { query: 'subscription { channel(clientId: "all") { data } }' }
    const sockets = await Promise.all(
      Array.from({ length: load.clients }, async (_, number) => {
        // Clients of their own, so that the page with their list has rows.
        const socket = await connect(gateway, await testToken({ sub: `client-${number}`, scope: 'channel:#' }))
        socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: subscribe }))
        return socket
      }),
    )
    const loaded = new LoadedGateway(gateway, inspector, load, publisher, sockets)
    await loaded.hasOtherSubscriptions(0)
    return loaded
  }

  /** Resolves when so many subscriptions beside those of the clients are open. */
  async hasOtherSubscriptions(count: number): Promise<void> {
    const wanted = `warren_subscriptions{transport="graphql-ws"} ${this.#load.clients + count}\n`
    await eventually(
      `${count} subscriptions of consoles`,
      async () => (await this.gateway.metrics()).includes(wanted),
      {
        withinMs: 60_000,
      },
    )
  }

  /** Publishes at the rate, and resolves to the share of a processor that the gateway took. */
  async deliver(seconds: number): Promise<number> {
    const { rate, clients } = this.#load
    const query = 'mutation ($n: Int!) { publishTestData(clientId: "all", count: $n) }'
    const before = threadSecondsOf(this.gateway.pid)
    const since = performance.now()
    this.#received = 0
    let sent = 0
    for (let tick = 1; tick * tickMs <= seconds * 1_000; tick += 1) {
      const n = Math.round((tick * tickMs * rate) / 1_000) - sent
      sent += n
      if (n > 0)
        this.#publisher.send(JSON.stringify({ id: `${tick}`, type: 'subscribe', payload: { query, variables: { n } } }))
      const wait = since + tick * tickMs - performance.now()
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    }
    await eventually('all events to arrive', () => this.#received >= sent * clients, { withinMs: 60_000 })
    return (threadSecondsOf(this.gateway.pid) - before) / ((performance.now() - since) / 1_000)
  }

  /** Also makes the young generation small again, which V8 lets grow to 48 MiB under load. */
  async collectGarbage(): Promise<void> {
    await this.inspector.call('HeapProfiler.collectGarbage')
  }

  get residentMiB(): number {
    const status = readFileSync(`/proc/${this.gateway.pid}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1_024
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of [...this.#sockets, this.#publisher]) socket.terminate()
    this.inspector.close()
    await this.gateway[Symbol.asyncDispose]()
  }
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
