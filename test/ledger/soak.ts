import { once } from 'node:events'
import amqp, { type ConfirmChannel } from 'amqplib'
import { WebSocket } from 'ws'
import { eventually } from '../support/eventually.ts'
import { textOf } from '../support/frames/frames.ts'
import { type GatewayProcess, startGateway, testToken } from '../support/gateway/gateway-process.ts'
import { grown, type Heap, heapOf, snapshotsTo } from '../support/processes/heap-snapshot.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'

export interface SoakOptions {
  readonly brokerUrl: string
  /** Connections of a round, all at once, and messages for each. */
  readonly connections: number
  readonly messagesEach: number
  readonly warmUpRounds: number
  readonly rounds: number
  readonly log?: (line: string) => void
}

export interface SoakResult {
  readonly connects: number
  readonly messages: number
  /** Live bytes at the end, as a multiple of those after the warm-up. */
  readonly growth: number
  readonly bytes: number
  /**
   * Leaks: classes and functions with more than a few new objects, and at least one for each
   * connection of a round.
   */
  readonly leaks: readonly string[]
  /** Accounts that do not balance. */
  readonly faults: readonly string[]
}

const query = 'subscription ($clientId: ID!) { channel(clientId: $clientId, checkpoints: true) { kind } }'
/** Small enough to be full after the warm-up. */
const window = '10m,256KiB'
/** How the connections of a round end, in turn. */
const endings = ['complete', 'close', 'terminate'] as const
const logEvery = 100

/**
 * Connects and disconnects, publishes and receives, round after round, and then compares the heap
 * and the accounts.
 */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const folder = newFolder()
  const gateway = await startGateway({
    env: {
      WARREN_BROKER_URL: options.brokerUrl,
      WARREN_HOT_WINDOW: window,
      WARREN_LOG_LEVEL: 'warn',
      NODE_OPTIONS: snapshotsTo(folder),
    },
  })
  const connection = await amqp.connect(options.brokerUrl)
  try {
    return await new Soak(options, gateway, await connection.createConfirmChannel(), folder).run()
  } finally {
    await connection.close()
    await gateway[Symbol.asyncDispose]()
    removeFolder(folder)
  }
}

class Soak {
  readonly #options: SoakOptions
  readonly #gateway: GatewayProcess
  readonly #channel: ConfirmChannel
  readonly #folder: string
  #token = ''
  #connects = 0
  #received = 0

  constructor(options: SoakOptions, gateway: GatewayProcess, channel: ConfirmChannel, folder: string) {
    this.#options = options
    this.#gateway = gateway
    this.#channel = channel
    this.#folder = folder
  }

  async run(): Promise<SoakResult> {
    const { warmUpRounds, rounds, connections } = this.#options
    this.#token = await testToken({ scope: 'channel:#' }, { ttl: '7d' })
    const before = await this.#rounds(warmUpRounds, 'warm-up')
    const after = await this.#rounds(rounds, 'round')
    return {
      connects: this.#connects,
      messages: this.#received,
      growth: after.bytes / before.bytes,
      bytes: after.bytes,
      leaks: grown(before, after, Math.min(connections, rounds * connections)),
      faults: await this.#faults(),
    }
  }

  async #rounds(count: number, name: string): Promise<Heap> {
    for (let round = 1; round <= count; round += 1) {
      await this.#round()
      if (round % logEvery === 0)
        this.#options.log?.(`${name} ${round}: ${this.#connects} connects, ${this.#received} messages`)
    }
    await eventually('all sessions to have ended', async () => (await this.#sum('warren_connections')) === 0)
    return heapOf(this.#gateway.pid, this.#folder)
  }

  async #round(): Promise<void> {
    const { connections, messagesEach } = this.#options
    const clients = await Promise.all(Array.from({ length: connections }, (_, index) => this.#connect(`soak-${index}`)))
    for (let number = 0; number < messagesEach; number += 1) {
      for (let index = 0; index < connections; index += 1) {
        this.#channel.publish('warren.events', `client.soak-${index}`, Buffer.from(String(number)))
      }
    }
    await this.#channel.waitForConfirms()
    await Promise.all(clients.map((client) => client.all))
    await Promise.all(clients.map(({ socket }, index) => leave(socket, endings[index % endings.length] ?? 'close')))
  }

  /**
   * Resolves when its subscription is live; `all` resolves when it has received all of its
   * messages.
   */
  async #connect(clientId: string): Promise<{ socket: WebSocket; all: Promise<void> }> {
    const socket = new WebSocket(this.#gateway.graphqlSocketUrl, 'graphql-transport-ws', { perMessageDeflate: false })
    const send = (frame: object): void => socket.send(JSON.stringify(frame))
    this.#connects += 1
    let left = this.#options.messagesEach
    await once(socket, 'open')
    send({ type: 'connection_init', payload: { token: this.#token } })
    let live: () => void = () => undefined
    const begun = new Promise<void>((resolve) => {
      live = resolve
    })
    const all = new Promise<void>((resolve, reject) => {
      socket.on('close', () => reject(new Error(`closed with ${left} messages to come`)))
      socket.on('message', (data) => {
        const text = textOf(data)
        if (text.includes('connection_ack'))
          send({ id: '1', type: 'subscribe', payload: { query, variables: { clientId } } })
        else if (text.includes('CHECKPOINT')) live()
        else if (text.includes('MESSAGE')) {
          this.#received += 1
          left -= 1
          if (left === 0) resolve()
        }
      })
    })
    all.catch(() => undefined)
    await Promise.race([begun, all])
    return { socket, all }
  }

  async #faults(): Promise<string[]> {
    const [started, ended, received, outcomes, matched, delivered, dropped, pending] = await Promise.all(
      [
        'sessions_started_total',
        'sessions_ended_total',
        'messages_received_total',
        'message_outcomes_total',
        'events_matched_total',
        'deliveries_total',
        'events_dropped_total',
        'events_pending',
      ].map((name) => this.#sum(`warren_${name}`)),
    )
    const pairs: [what: string, counted: number | undefined, expected: number][] = [
      ['sessions started', started, this.#connects],
      ['sessions ended', ended, this.#connects],
      ['messages received', received, this.#received],
      ['outcomes of messages', outcomes, this.#received],
      ['events matched', matched, this.#received],
      ['events delivered', delivered, this.#received],
      ['events dropped', dropped, 0],
      ['events pending', pending, 0],
    ]
    return pairs.flatMap(([what, counted, expected]) =>
      counted === expected ? [] : [`${what}: ${counted}, and there were ${expected}`],
    )
  }

  async #sum(name: string): Promise<number> {
    const text = await this.#gateway.metrics()
    return [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)$`, 'gm'))].reduce(
      (sum, [, value]) => sum + Number(value),
      0,
    )
  }
}

async function leave(socket: WebSocket, ending: (typeof endings)[number]): Promise<void> {
  const closed = once(socket, 'close')
  if (ending === 'terminate') {
    socket.terminate()
  } else {
    if (ending === 'complete') socket.send('{"id":"1","type":"complete"}')
    socket.close(1000)
  }
  await closed
}
