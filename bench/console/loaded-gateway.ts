/** A gateway with an embedded broker under a constant load, and what it takes for it. */
import { WebSocket } from 'ws'
import { eventually } from '../../test/support/eventually.ts'
import { type GatewayProcess, startGateway, testToken } from '../../test/support/gateway/gateway-process.ts'
import { freePort } from '../../test/support/network/ports.ts'
import { type Inspector, openInspector } from '../inspector.ts'
import { pin, prefer, threadSecondsOf } from '../machine.ts'
import type { CpuProfile } from './console-share.ts'

export interface Load {
  /** Subscribers of one channel, each of which receives every message. */
  readonly clients: number
  /** Messages a second. */
  readonly rate: number
}

/** Messages of one request are those of so many milliseconds. */
const tickMs = 50
/** Of a profile, in microseconds. Each sample interrupts the process. */
const samplingUs = 1_000
/**
 * What the gateway keeps of messages. Small, so that it is full before anything is measured: its
 * growth is no cost of the console. The embedded broker has the journal in this process.
 */
const kept = { WARREN_HOT_WINDOW: '5m,1MiB', WARREN_RETENTION: '1h,2MiB' }

/** After a collection of the garbage. */
export interface HeldMemory {
  /** Objects of JavaScript, and buffers beside them. */
  readonly liveMiB: number
  /** What the operating system counts: also the code, and free pages that the process keeps. */
  readonly residentMiB: number
}

export class LoadedGateway implements AsyncDisposable {
  readonly gateway: GatewayProcess
  readonly inspector: Inspector
  readonly #load: Load
  readonly #sockets: readonly WebSocket[]
  #received = 0

  private constructor(gateway: GatewayProcess, inspector: Inspector, load: Load, sockets: readonly WebSocket[]) {
    this.gateway = gateway
    this.inspector = inspector
    this.#load = load
    this.#sockets = sockets
    for (const socket of sockets) socket.on('message', () => (this.#received += 1))
  }

  /** Resolves when all clients are subscribed. */
  static async open(load: Load): Promise<LoadedGateway> {
    const inspectorPort = await freePort()
    const gateway = await startGateway({
      env: {
        WARREN_CONSOLE: 'ops',
        WARREN_TEST_ROUTES: 'on',
        WARREN_LOG_LEVEL: 'error',
        ...kept,
        NODE_OPTIONS: `--inspect=127.0.0.1:${inspectorPort}`,
      },
    })
    pin(gateway.pid, 'server')
    prefer(gateway.pid)
    const inspector = await openInspector(inspectorPort)
    const subscribe = { query: 'subscription { channel(clientId: "all") { data } }' }
    const sockets = await Promise.all(
      Array.from({ length: load.clients }, async (_, number) => {
        // Clients of their own, so that the page with their list has rows.
        const socket = await connect(gateway, await testToken({ sub: `client-${number}`, scope: 'channel:#' }))
        socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: subscribe }))
        return socket
      }),
    )
    const loaded = new LoadedGateway(gateway, inspector, load, sockets)
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

  /**
   * Publishes at the rate, and resolves to the share of a processor that the gateway took. Not over
   * GraphQL, which only the consoles use then (`consoleShareOf`).
   */
  async deliver(seconds: number): Promise<number> {
    const { rate, clients } = this.#load
    const before = threadSecondsOf(this.gateway.pid)
    const since = performance.now()
    this.#received = 0
    let sent = 0
    const answers: Promise<void>[] = []
    for (let tick = 1; tick * tickMs <= seconds * 1_000; tick += 1) {
      const count = Math.round((tick * tickMs * rate) / 1_000) - sent
      sent += count
      if (count > 0) answers.push(this.#publish(count))
      const wait = since + tick * tickMs - performance.now()
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    }
    await Promise.all(answers)
    await eventually('all events to arrive', () => this.#received >= sent * clients, { withinMs: 60_000 })
    return (threadSecondsOf(this.gateway.pid) - before) / ((performance.now() - since) / 1_000)
  }

  async #publish(count: number): Promise<void> {
    const response = await fetch(`${this.gateway.url}/v1/publish-data-over-ch?clientId=all&count=${count}`)
    if (!response.ok) throw new Error(`expected 200 for ${count} messages, got ${response.status}`)
    await response.arrayBuffer()
  }

  async held(): Promise<HeldMemory> {
    // What the first one finalises is free after the second.
    for (let times = 0; times < 2; times += 1) await this.inspector.call('HeapProfiler.collectGarbage')
    const { result } = (await this.inspector.call('Runtime.evaluate', {
      expression: 'process.memoryUsage()',
      returnByValue: true,
    })) as { result: { value: NodeJS.MemoryUsage } }
    const { heapUsed, external, rss } = result.value
    return { liveMiB: (heapUsed + external) / 2 ** 20, residentMiB: rss / 2 ** 20 }
  }

  /** Resolves to a profile of the processor while it delivers so many seconds. */
  async profile(seconds: number): Promise<CpuProfile> {
    const { inspector } = this
    await inspector.call('Profiler.enable')
    await inspector.call('Profiler.setSamplingInterval', { interval: samplingUs })
    await inspector.call('Profiler.start')
    await this.deliver(seconds)
    const { profile } = (await inspector.call('Profiler.stop')) as { profile: CpuProfile }
    await inspector.call('Profiler.disable')
    return profile
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.terminate()
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
