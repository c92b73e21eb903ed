import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import amqp from 'amqplib'
import { eventually } from '../support/eventually.ts'
import { type GatewayProcess, startGateway, testToken } from '../support/gateway/gateway-process.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'
import { privateRabbit, type RabbitNode } from '../support/rabbitmq/broker.ts'
import { type Balance, settle } from './accounts.ts'
import { CarefulPublisher } from './careful-publisher.ts'
import { ResumingListener } from './clients/resuming-listener.ts'
import { typedSdl } from './clients/transports.ts'
import { lacksFirstCopy, type ReplicaLog } from './lost-first-copy.ts'
import { pause } from './pause.ts'
import { Seeded } from './seeded.ts'
import { answerTo, lostCursors } from './unrecoverable.ts'

export const acts = [
  'storm',
  'kill a gateway',
  'close the connections',
  'kill the broker',
  'trim the stream',
  'delete the stream',
] as const
export type Act = (typeof acts)[number]

export interface LedgerOptions {
  readonly seed: number
  readonly clients: number
  readonly replicas: number
  /**
   * The acts, one after another. Between two of them clients are still cut and resume elsewhere.
   */
  readonly script: readonly Act[]
  /** The least number of resumes in the end. One resume is one trial. */
  readonly trials: number
  readonly log?: (line: string) => void
}

export interface LedgerResult {
  readonly trials: number
  readonly confirmed: number
  readonly received: number
  readonly inGaps: number
  readonly gaps: Readonly<Record<string, number>>
  readonly unrecoverable: { readonly sent: number; readonly answered: number }
  readonly republished: number
  /**
   * Numbers that came again, behind a gap, from a replica that never read the first copy
   * (docs/delivery.md, Storms and retention).
   */
  readonly withoutFirstCopy: readonly string[]
  /**
   * The longest time from a broker that stores again to all replicas being ready, in milliseconds.
   */
  readonly healedWithinMs: number
  /** Must be empty. */
  readonly faults: readonly string[]
}

/** The stream keeps little, so that it can be trimmed: segments are 256 KiB. */
const retention = '1h,2MiB'
/** The first one replays from memory, the others mostly from the stream. */
const hotWindows = ['5m,64MiB', '30s,64KiB', '1s,64KiB']
const fillerBytes = 100_000
const fillers = 45
const pace = { minMs: 20, maxMs: 250 }
/** How long a client stays before its network is cut. */
const stay = { minMs: 50, maxMs: 3_000 }
const viaGateway = 0.25
const settleMs = 30_000

/**
 * Publishes numbers to many clients while a script breaks everything around them, and then settles
 * the accounts. Each client received each confirmed number exactly once after its cursor and in
 * order, or the number is inside a reported gap. Half of the clients subscribe to a typed field.
 */
export async function runLedger(options: LedgerOptions): Promise<LedgerResult> {
  const rabbit = await privateRabbit('ledger')
  const gateways: GatewayProcess[] = []
  const folder = newFolder()
  const schema = join(folder, 'events.graphql')
  writeFileSync(schema, typedSdl)
  try {
    for (let index = 0; index < options.replicas; index += 1) {
      gateways.push(
        await startGateway({
          env: {
            WARREN_BROKER_URL: rabbit.url(),
            WARREN_SCHEMA: schema,
            WARREN_RETENTION: retention,
            WARREN_HOT_WINDOW: hotWindows[index % hotWindows.length] ?? '',
          },
        }),
      )
    }
    const ledger = new Ledger(options, rabbit, gateways)
    try {
      return await ledger.run()
    } finally {
      await ledger.end()
    }
  } finally {
    await Promise.all(gateways.map((gateway) => gateway[Symbol.asyncDispose]()))
    await rabbit.remove()
    removeFolder(folder)
  }
}

interface Book {
  readonly client: string
  readonly listener: ResumingListener
  readonly confirmed: number[]
  attempted: number
}

class Ledger {
  readonly #options: LedgerOptions
  readonly #rabbit: RabbitNode
  /** The gateways of the first start; killed ones are started again on the same ports. */
  readonly #gateways: readonly GatewayProcess[]
  readonly #running: GatewayProcess[]
  /** Of all processes, those that were killed included. */
  readonly #logs: ReplicaLog[]
  readonly #random: Seeded
  readonly #publisher: CarefulPublisher
  readonly #books: Book[] = []
  readonly #faults: string[] = []
  #publishing = true
  #cutting = true
  #backendToken = ''
  #republished = 0
  #deletions = 0
  #trims = 0
  #sent = 0
  #answered = 0
  #healedWithinMs = 0

  constructor(options: LedgerOptions, rabbit: RabbitNode, gateways: readonly GatewayProcess[]) {
    this.#options = options
    this.#rabbit = rabbit
    this.#gateways = gateways
    this.#running = [...gateways]
    this.#logs = gateways.map((gateway) => logOf(gateway, 0))
    this.#random = new Seeded(options.seed)
    this.#publisher = new CarefulPublisher(rabbit.url())
  }

  async run(): Promise<LedgerResult> {
    this.#backendToken = await testToken({ sub: 'backend', scope: 'publish' }, { ttl: '24h' })
    for (let index = 0; index < this.#options.clients; index += 1) this.#books.push(await this.#open(`client-${index}`))
    for (const { listener } of this.#books) listener.start()
    const producing = this.#books.map((book) => this.#produce(book, this.#random.fork()))
    const cutting = this.#books.map((book) => this.#cutNowAndThen(book.listener, this.#random.fork()))

    const share = this.#options.trials / (this.#options.script.length + 1)
    for (const [index, act] of this.#options.script.entries()) {
      await this.#untilTrials(share * (index + 1))
      await this.#act(act)
    }
    await this.#untilTrials(this.#options.trials)

    this.#cutting = false
    this.#publishing = false
    await Promise.all([...cutting, ...producing])
    await Promise.all(this.#books.map((book) => this.#close(book)))
    await Promise.all(this.#books.map(({ listener }) => listener.stop()))
    await this.#publisher.close()
    return this.#settle()
  }

  /** Stops those that were started again, because only the ledger knows them. */
  async end(): Promise<void> {
    await Promise.all(this.#running.map((gateway) => gateway.kill()))
  }

  get #trialsSoFar(): number {
    return this.#books.reduce((sum, { listener }) => sum + listener.resumes, 0)
  }

  async #untilTrials(count: number): Promise<void> {
    const enough = () => this.#trialsSoFar >= count
    await eventually(`${count} resumes`, enough, { withinMs: 60_000 + 100 * this.#options.trials })
  }

  async #open(client: string): Promise<Book> {
    const gateway = this.#random.pick(this.#running)
    const query = `mutation ($input: CreateClientChannelInput!) {
      createClientChannel(input: $input) { token channel { cursor } }
    }`
    const input = { clientId: client, name: client, email: `${client}@example.com`, password: 'a password' }
    const data = (await post(gateway.graphqlUrl, { query, variables: { input } })) as {
      createClientChannel: { token: string; channel: { cursor: string } }
    }
    const { token, channel } = data.createClientChannel
    const random = this.#random.fork()
    const typed = this.#books.length % 2 === 1
    const listener = new ResumingListener({
      client,
      token,
      cursor: channel.cursor,
      replicas: this.#gateways,
      random,
      typed,
    })
    return { client, listener, confirmed: [], attempted: 0 }
  }

  /**
   * One number after another: each is sent when the one before is confirmed, so that the order is
   * defined.
   */
  async #produce(book: Book, random: Seeded): Promise<void> {
    while (this.#publishing) {
      await this.#publishNext(book, random)
      await pause(random.between(pace.minMs, pace.maxMs))
    }
  }

  async #publishNext(book: Book, random: Seeded): Promise<number> {
    book.attempted += 1
    const number = book.attempted
    if (random.next() < viaGateway) await this.#throughGateway(book.client, number, random)
    else {
      await this.#publisher.publish({
        exchange: 'warren.events',
        routingKey: `client.${book.client}`,
        body: Buffer.from(JSON.stringify({ number })),
        messageId: `${book.client}-${number}`,
      })
    }
    book.confirmed.push(number)
    return number
  }

  /**
   * Retries with the same idempotency key, on any replica, until one answers that RabbitMQ has it.
   */
  async #throughGateway(clientId: string, number: number, random: Seeded): Promise<void> {
    const query = 'mutation ($input: PublishInput!) { publish(input: $input) { messageId } }'
    const input = { clientId, data: { number }, idempotencyKey: `${clientId}-${number}` }
    for (;;) {
      const url = random.pick(this.#gateways).graphqlUrl
      const done = await post(url, { query, variables: { input } }, this.#backendToken).then(
        () => true,
        () => false,
      )
      if (done) return
      this.#republished += 1
      await pause(random.between(50, 200))
    }
  }

  async #cutNowAndThen(listener: ResumingListener, random: Seeded): Promise<void> {
    while (this.#cutting) {
      await pause(random.between(stay.minMs, stay.maxMs))
      if (this.#cutting) listener.cut()
    }
  }

  async #act(act: Act): Promise<void> {
    const began = Date.now()
    switch (act) {
      case 'storm':
        for (const { listener } of this.#books) listener.cut()
        break
      case 'kill a gateway':
        await this.#killGateway()
        break
      case 'close the connections':
        await this.#rabbit.ctl('close_all_connections', 'the ledger')
        await this.#allReady(Date.now())
        break
      case 'kill the broker':
        await this.#killBroker()
        break
      case 'trim the stream':
        await this.#trim()
        break
      case 'delete the stream':
        await this.#deleteStream()
        break
    }
    await this.#resumeAtLostCursors()
    this.#options.log?.(
      `seed ${this.#options.seed}: ${act}, ${Date.now() - began} ms; ${this.#trialsSoFar} resumes so far`,
    )
  }

  async #killGateway(): Promise<void> {
    const index = Math.floor(this.#random.next() * this.#running.length)
    const gateway = this.#running[index] as GatewayProcess
    await gateway.kill()
    const since = Date.now()
    const again = await gateway.again()
    this.#running[index] = again
    this.#logs.push(logOf(again, since))
  }

  async #killBroker(): Promise<void> {
    this.#publisher.hold()
    await this.#rabbit.kill()
    await this.#rabbit.start()
    const since = Date.now()
    this.#publisher.release()
    await this.#allReady(since)
  }

  /** Retention removes what some disconnected clients have not received. */
  async #trim(): Promise<void> {
    this.#trims += 1
    const away = this.#random.some(this.#books, Math.ceil(this.#books.length / 3))
    for (const { listener } of away) listener.leave()
    const body = Buffer.from(JSON.stringify('x'.repeat(fillerBytes)))
    for (let index = 0; index < fillers; index += 1) {
      const messageId = `filler-${this.#trims}-${index}`
      await this.#publisher.publish({ exchange: 'warren.events', routingKey: 'client.filler', body, messageId })
    }
    for (const { listener } of away) listener.reconnect()
  }

  async #deleteStream(): Promise<void> {
    this.#deletions += 1
    const connection = await amqp.connect(this.#rabbit.url())
    const channel = await connection.createChannel()
    await channel.deleteQueue('warren.journal')
    const since = Date.now()
    await connection.close()
    await this.#allReady(since)
  }

  async #allReady(since: number): Promise<void> {
    await Promise.all(this.#running.map((gateway) => gateway.ready(settleMs)))
    this.#healedWithinMs = Math.max(this.#healedWithinMs, Date.now() - since)
  }

  /**
   * Cursors that cannot be resumed: garbage, tampered with, of another deployment, of a deleted
   * journal, from the future.
   */
  async #resumeAtLostCursors(): Promise<void> {
    const book = this.#random.pick(this.#books)
    const token = await testToken({ sub: book.client })
    const gateway = this.#random.pick(this.#running)
    await Promise.all(
      lostCursors(book.listener.cursor).map(async ({ what, cursor, reason }) => {
        this.#sent += 1
        const answer = await answerTo(gateway.port, token, book.client, cursor)
        if (answer === reason) this.#answered += 1
        else this.#faults.push(`a cursor that was ${what} was answered with ${answer} and not with ${reason}`)
      }),
    )
  }

  /** Publishes a last number that is certainly after every gap; if it falls into one, another. */
  async #close(book: Book): Promise<void> {
    const last = () => book.listener.events.at(-1)
    for (let attempts = 0; attempts < 3; attempts += 1) {
      const number = await this.#publishNext(book, this.#random)
      const arrived = () => {
        const end = last()
        return end?.kind === 'gap' || (end?.kind === 'event' && end.number === number)
      }
      await eventually(`number ${number} of ${book.client}`, arrived, { withinMs: settleMs }).catch(() => {})
      if (last()?.kind === 'event') return
    }
  }

  #settle(): LedgerResult {
    const gaps: Record<string, number> = {}
    const withoutFirstCopy: string[] = []
    let confirmed = 0
    let received = 0
    let inGaps = 0
    for (const book of this.#books) {
      const { events } = book.listener
      const settled = settle({ client: book.client, confirmed: book.confirmed, events }, book.attempted)
      const allowed = settled.doubled.filter((number) => lacksFirstCopy(events, number, this.#logs))
      withoutFirstCopy.push(
        ...allowed.map((number) => `${book.client}: ${number}; ${storyAround(book.listener, number)}`),
      )
      const balance = { ...settled, doubled: settled.doubled.filter((number) => !allowed.includes(number)) }
      confirmed += book.confirmed.length
      received += balance.received
      inGaps += balance.inGaps
      this.#faults.push(...faultsOf(book, balance))
      const gapCounts: Record<string, number> = {}
      for (const one of book.listener.events)
        if (one.kind === 'gap') gapCounts[one.reason] = (gapCounts[one.reason] ?? 0) + 1
      for (const [reason, count] of Object.entries(gapCounts)) {
        gaps[reason] = (gaps[reason] ?? 0) + count
        if (reason === 'RETENTION' ? this.#trims === 0 : reason !== 'JOURNAL_REPLACED' || count > this.#deletions)
          this.#faults.push(`${book.client} received ${count} gaps of ${reason} without a cause`)
      }
    }
    return {
      trials: this.#trialsSoFar,
      confirmed,
      received,
      inGaps,
      gaps,
      unrecoverable: { sent: this.#sent, answered: this.#answered },
      republished: this.#republished + this.#publisher.retries,
      withoutFirstCopy,
      healedWithinMs: this.#healedWithinMs,
      faults: this.#faults,
    }
  }
}

function logOf(gateway: GatewayProcess, since: number): ReplicaLog {
  return { port: gateway.port, since, output: () => gateway.output() }
}

function faultsOf({ client, listener, confirmed }: Book, balance: Balance): string[] {
  const faults = [...new Set(listener.problems)].map((problem) => `${client}: ${problem}`)
  for (const kind of ['lost', 'doubled', 'misordered', 'invented'] as const) {
    const numbers = balance[kind]
    if (numbers.length === 0) continue
    faults.push(
      `${client}: ${kind} ${numbers.join(' ')} of ${confirmed.length}; ${storyAround(listener, numbers[0] ?? 0)}`,
    )
  }
  return faults
}

function storyAround({ events, journey }: ResumingListener, number: number): string {
  const at = events.findIndex((one) => one.kind === 'event' && one.number >= number)
  const from = Math.max(0, at - 3)
  const story = events.slice(from, at + 4).flatMap((one, index) => {
    const resumed = journey.filter((place) => place.events === from + index).map(({ how }) => `(${how})`)
    return [...resumed, one.kind === 'gap' ? one.reason : String(one.number)]
  })
  return `around it ${story.join(' ')}`
}

async function post(url: string, body: object, token?: string): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(12_000),
  })
  const { data, errors } = (await response.json()) as { data?: unknown; errors?: unknown }
  if (errors !== undefined || !data) throw new Error(`${url} answered ${JSON.stringify(errors)}`)
  return data
}
