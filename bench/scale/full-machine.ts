import amqp, { type ChannelModel, type ConfirmChannel } from 'amqplib'
import { connectGraphql } from '../../test/support/frames/graphql-frames.ts'
import { type GatewayProcess, startGateway, testToken } from '../../test/support/gateway/gateway-process.ts'
import { privateRabbit, type RabbitNode } from '../../test/support/rabbitmq/broker.ts'
import { bodyOf } from '../contestants/source.ts'
import { median } from '../median.ts'
import { type Counts, Generators } from './generators.ts'
import { type Memory, memoryOf, processTree } from './memory.ts'

/** What a number of clients costs. */
export interface ScaleRow {
  readonly clients: number
  /** Of the clients that this step added. */
  readonly connectsPerSecond: number
  /** Resident memory of the gateway's processes for each client, in KiB. */
  readonly processKib: number
  /** Memory of the kernel for each client, its socket at the generator included, in KiB. */
  readonly kernelKib: number
  /** One message to all, medians of five: when the first, the median and the last had it, in ms. */
  readonly firstMs: number
  readonly medianMs: number
  readonly lastMs: number
}

const exchange = 'warren.events'
const everybody = 'everybody'
const identities = 1_000
const broadcasts = 5
const quietMs = 180_000

/** One gateway with workers, its RabbitMQ, and the generators that connect to it. */
export class FullMachine implements AsyncDisposable {
  readonly #rabbit: RabbitNode
  readonly #gateway: GatewayProcess
  readonly #generators: Generators
  readonly #publisher: ChannelModel
  readonly #channel: ConfirmChannel
  readonly #tokens: readonly string[]
  #empty: Memory
  #sequence = 0

  private constructor(parts: {
    rabbit: RabbitNode
    gateway: GatewayProcess
    generators: Generators
    publisher: ChannelModel
    channel: ConfirmChannel
    tokens: readonly string[]
  }) {
    this.#rabbit = parts.rabbit
    this.#gateway = parts.gateway
    this.#generators = parts.generators
    this.#publisher = parts.publisher
    this.#channel = parts.channel
    this.#tokens = parts.tokens
    this.#empty = memoryOf(processTree(parts.gateway.pid))
  }

  static async start(workers: number, most: number): Promise<FullMachine> {
    const rabbit = await privateRabbit('scale')
    const limit = String(most + 1_000)
    const gateway = await startGateway({
      env: {
        WARREN_BROKER_URL: rabbit.url(),
        WARREN_WORKERS: String(workers),
        WARREN_MAX_CONNECTIONS: limit,
        WARREN_MAX_CONNECTIONS_PER_ADDRESS: limit,
        WARREN_MAX_CONNECTIONS_PER_CLIENT: limit,
        // At the default of 12 s, a quarter of a million clients answer 20,000 pings a second.
        WARREN_KEEP_ALIVE: '2m',
        WARREN_DRAIN: '10s',
      },
    })
    const publisher = await amqp.connect(rabbit.url())
    const tokens = await Promise.all(
      Array.from({ length: identities }, (_, index) =>
        testToken({ sub: `user-${index}`, scope: 'channel:#' }, { ttl: '12h' }),
      ),
    )
    const channel = await publisher.createConfirmChannel()
    const generators = await Generators.open(gateway.port)
    const machine = new FullMachine({ rabbit, gateway, generators, publisher, channel, tokens })
    // One-time loading is not the price of a client.
    await machine.#connect(200, 1)
    await machine.#generators.end()
    machine.#empty = memoryOf(processTree(gateway.pid))
    return machine
  }

  /** Connects until there are so many clients of one channel, and measures. */
  async grow(clients: number): Promise<ScaleRow> {
    const added = clients - this.#generators.connections
    const began = performance.now()
    await this.#connect(added, 1)
    const seconds = (performance.now() - began) / 1_000
    const measured: Counts[] = []
    for (let round = 0; round < broadcasts; round += 1) measured.push(await this.#broadcast())
    const full = memoryOf(processTree(this.#gateway.pid))
    return {
      clients,
      connectsPerSecond: added / seconds,
      processKib: (full.processKib - this.#empty.processKib) / clients,
      kernelKib: (full.kernelKib - this.#empty.kernelKib) / clients,
      firstMs: median(measured.map(({ firstMs }) => firstMs)),
      medianMs: median(measured.map(({ medianMs }) => medianMs)),
      lastMs: median(measured.map(({ lastMs }) => lastMs)),
    }
  }

  /**
   * The memory of a client when nothing has happened for three minutes: V8 then collects what the
   * load has left behind.
   */
  async quiet(): Promise<string> {
    await new Promise((resolve) => setTimeout(resolve, quietMs))
    const { connections } = this.#generators
    const { processKib } = memoryOf(processTree(this.#gateway.pid))
    const kib = (processKib - this.#empty.processKib) / connections
    return `after ${quietMs / 60_000} quiet minutes: ${kib.toFixed(1)} KiB a client in the processes`
  }

  /** One message to each of so many channels, of ten clients each. */
  async manyChannels(channels: number): Promise<string> {
    await this.#connect(channels * 10, channels)
    this.#sequence += 1
    await this.#generators.await(this.#sequence, 'added')
    const began = performance.now()
    for (let channel = 0; channel < channels; channel += 1) this.#publish(`c${channel}`)
    await this.#channel.waitForConfirms()
    const { lastMs } = await this.#generators.whenCurrent('added')
    const ms = performance.now() - began
    return `${channels} channels of 10 clients beside them, one message each: all ${channels * 10} delivered after ${Math.round(ms)} ms, the slowest ${Math.round(lastMs)} ms after its publication`
  }

  /** Replaces all workers while messages are published; clients return with their cursors. */
  async restart(): Promise<string> {
    const { connections } = this.#generators
    this.#generators.continueAfter(await this.#cursor())
    const began = performance.now()
    process.kill(this.#gateway.pid, 'SIGUSR2')
    await this.#gateway.printed(/all workers have been replaced/, 2_400_000)
    const replaced = performance.now() - began
    const { lastMs } = await this.#broadcast()
    const { lost } = await this.#generators.counts('all')
    const current = performance.now() - began
    return `rolling restart with ${connections} clients: all workers replaced after ${Math.round(replaced / 1_000)} s, ${lost} connections returned with their cursor; the last client was current ${Math.round(current / 1_000)} s after the signal (${Math.round(lastMs)} ms after the publication)`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#generators.close()
    await this.#publisher.close().catch(() => undefined)
    await this.#gateway[Symbol.asyncDispose]()
    await this.#rabbit.remove()
  }

  async #connect(clients: number, channels: number): Promise<void> {
    const name = channels === 1 ? everybody : 'c{c}'
    await this.#generators.add(clients, { channels, tokens: this.#tokens, channel: name })
  }

  async #broadcast(): Promise<Counts> {
    this.#sequence += 1
    await this.#generators.await(this.#sequence, 'all of one channel')
    this.#publish(everybody)
    await this.#channel.waitForConfirms()
    return this.#generators.whenCurrent('all of one channel')
  }

  #publish(clientId: string): void {
    const body = Buffer.from(JSON.stringify(bodyOf(this.#sequence, '')))
    this.#channel.publish(exchange, `client.${clientId}`, body, { contentType: 'application/json' })
  }

  async #cursor(): Promise<string> {
    const token = this.#tokens[0]
    await using client = await connectGraphql(this.#gateway.graphqlSocketUrl, { connectionParams: { token } })
    const { data } = await client.request(`{ history(clientId: "${everybody}") { cursor } }`)
    return (data as { history: { cursor: string } }).history.cursor
  }
}
