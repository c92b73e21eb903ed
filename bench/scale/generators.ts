import { writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { eventually } from '../../test/support/eventually.ts'
import { spawnGuarded } from '../../test/support/processes/guarded-process.ts'
import { newFolder, removeFolder } from '../../test/support/processes/run-folder.ts'
import { loadProgram } from '../build.ts'

/** Which clients a message is for. */
export type Audience = 'all of one channel' | 'added' | 'all'

/** Of all generators together. Times are from publication, in milliseconds. */
export interface Counts {
  readonly live: number
  readonly current: number
  readonly lost: number
  readonly firstMs: number
  /** The median of the generators' medians. */
  readonly medianMs: number
  readonly lastMs: number
}

interface Generator {
  readonly socket: Socket
  readonly connections: number
  readonly channels: number
  /** The answer to `R`. */
  report: ((line: string) => void) | undefined
}

interface Subscribers {
  /** Clients are spread over this many. */
  readonly channels: number
  readonly tokens: readonly string[]
  /** `{c}` stands for the number of the channel. */
  readonly channel: string
}

/** As many connections as one generator has: its files, and the ports of one address. */
const mostEach = 15_000
const withinMs = 900_000

/** Load generators in the mode `hold` (load/hold.c), each with a source address of its own. */
export class Generators {
  readonly #server: Server
  readonly #port: number
  readonly #folder = newFolder()
  #all: Generator[] = []
  #started = 0
  #arrived: ((socket: Socket) => void) | undefined

  private constructor(server: Server, port: number) {
    this.#server = server
    this.#port = port
    server.on('connection', (socket: Socket) => this.#arrived?.(socket))
  }

  /** `port`: of the gateway. */
  static async open(port: number): Promise<Generators> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new Generators(server, port)
  }

  get connections(): number {
    return this.#all.reduce((sum, { connections }) => sum + connections, 0)
  }

  /** Resolves when all have a subscription. */
  async add(clients: number, subscribers: Subscribers): Promise<void> {
    const started: { readonly connected: Promise<void> }[] = []
    for (let left = clients; left > 0; left -= mostEach)
      started.push(await this.#start(Math.min(left, mostEach), subscribers))
    await Promise.all(started.map(({ connected }) => connected))
  }

  /** From now on counts the clients that have this message, or a later one. */
  async await(sequence: number, audience: Audience): Promise<void> {
    for (const { socket } of this.#of(audience)) socket.write(`B ${sequence}\n`)
    // The answer shows that the line before it was read.
    await this.counts(audience)
  }

  /** Later connections, also those that replace one, subscribe after this cursor. */
  continueAfter(cursor: string): void {
    for (const { socket } of this.#all) socket.write(`A ${cursor}\n`)
  }

  async whenCurrent(audience: Audience): Promise<Counts> {
    const wanted = this.#of(audience).reduce((sum, { connections }) => sum + connections, 0)
    return eventually(
      'every client to have the message',
      async () => {
        const counts = await this.counts(audience)
        return counts.current === wanted && counts
      },
      { withinMs },
    )
  }

  async counts(audience: Audience): Promise<Counts> {
    const lines = await Promise.all(this.#of(audience).map((generator) => this.#report(generator)))
    const column = (at: number) => lines.map((line) => Number(line.split(' ')[at]))
    const sum = (at: number) => column(at).reduce((all, one) => all + one, 0)
    return {
      live: sum(1),
      current: sum(2),
      lost: sum(3),
      firstMs: Math.min(...column(4)),
      medianMs: column(5).toSorted((a, b) => a - b)[Math.floor(lines.length / 2)] ?? 0,
      lastMs: Math.max(...column(6)),
    }
  }

  /** Ends all connections. */
  async end(): Promise<void> {
    const ended = this.#all.map(({ socket }) => new Promise((resolve) => socket.once('close', resolve)))
    for (const { socket } of this.#all) socket.end()
    await Promise.all(ended)
    this.#all = []
  }

  async close(): Promise<void> {
    await this.end()
    this.#server.close()
    removeFolder(this.#folder)
  }

  #of(audience: Audience): readonly Generator[] {
    if (audience === 'all') return this.#all
    return this.#all.filter(({ channels }) => (channels === 1) === (audience === 'all of one channel'))
  }

  #report(generator: Generator): Promise<string> {
    return new Promise((resolve) => {
      generator.report = resolve
      generator.socket.write('R\n')
    })
  }

  /** `connected`: all of its connections have a subscription. */
  async #start(connections: number, subscribers: Subscribers): Promise<{ readonly connected: Promise<void> }> {
    this.#started += 1
    const file = join(this.#folder, `scenario-${this.#started}`)
    const number = this.connections
    writeFileSync(file, `${this.#lines(connections, number, subscribers).join('\n')}\n`)
    const arrived = new Promise<Socket>((resolve) => {
      this.#arrived = resolve
    })
    const child = spawnGuarded(loadProgram, [file], { env: {}, output: 'pipe' })
    let output = ''
    const failed = new Promise<never>((_resolve, reject) => {
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
      child.once('exit', (code) => {
        if (code !== 0) reject(new Error(`a generator ended: ${output}`))
      })
    })
    const socket = await Promise.race([arrived, failed])
    const generator: Generator = { socket, connections, channels: subscribers.channels, report: undefined }
    this.#all.push(generator)
    const connected = new Promise<void>((resolve) => {
      createInterface({ input: socket }).on('line', (line) => {
        if (line.startsWith('connected ')) resolve()
        else generator.report?.(line)
      })
    })
    socket.on('error', () => undefined)
    return { connected: Promise.race([connected, failed]) }
  }

  #lines(connections: number, number: number, { channels, tokens, channel }: Subscribers): string[] {
    const query =
      'subscription ($clientId: ID!, $after: Cursor) { channel(clientId: $clientId, after: $after) { data } }'
    const subscribe = `{"type":"subscribe","id":"{id}","payload":{"query":${JSON.stringify(query)},"variables":{"clientId":"${channel}","after":{after}}}}`
    const upgrade = [
      'GET /graphql HTTP/1.1',
      `Host: 127.0.0.1:${this.#port}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Protocol: graphql-transport-ws',
    ]
    return [
      'mode hold',
      `port ${this.#port}`,
      `control ${(this.#server.address() as AddressInfo).port}`,
      `connections ${connections}`,
      `number ${number}`,
      `channels ${channels}`,
      // 127.0.0.1 is that of everything else.
      `source ${this.#started + 1}`,
      `upgrade ${[...upgrade, '', ''].join('\\r\\n')}`,
      ...tokens.map((token) => `token ${token}`),
      'script',
      'S {"type":"connection_init","payload":{"token":"{token}"}}',
      'E connection_ack',
      `S ${subscribe}`,
      // Answered when the subscription is live.
      'S {"type":"ping"}',
      'E pong',
    ]
  }
}
