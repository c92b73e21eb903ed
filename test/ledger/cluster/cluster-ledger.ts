import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually } from '../../support/eventually.ts'
import { testToken } from '../../support/gateway/gateway-process.ts'
import { Postgres } from '../../support/processes/postgres.ts'
import { newFolder, removeAbandonedFolders, removeFolder } from '../../support/processes/run-folder.ts'
import { ResumingListener } from '../clients/resuming-listener.ts'
import {
  overEvents,
  overPlainWebSocket,
  overSocketCluster,
  overTcp,
  overWebSocket,
  type Transport,
} from '../clients/transports.ts'
import { pause } from '../pause.ts'
import { Seeded } from '../seeded.ts'
import { Book, type BookKind, bookKinds, type Settlement } from './books.ts'
import { Cluster, type ClusterSettings } from './cluster-nodes.ts'
import { type FaultRecord, runFault } from './fault-run.ts'
import type { Fault, Scene } from './faults.ts'
import { type Host, Network } from './namespaces.ts'
import { Probes, probeChannel } from './probes.ts'
import { askGraphql, bufferedExchange, Publishers } from './publishers.ts'
import { readJournal } from './raw-journal.ts'
import { GatewayReplica, movableClock } from './replicas.ts'

export interface ClusterLedgerOptions extends ClusterSettings {
  readonly seed: number
  /** The faults, one after another. */
  readonly script: readonly Fault[]
  /** The least number of resumes in the end. */
  readonly resumes: number
  /** Books of each kind. */
  readonly clientsEach: number
  /** How long a client stays before its network is cut, in milliseconds, minimum and maximum. */
  readonly stay: readonly [number, number]
  readonly log?: (line: string) => void
  /** A folder for the logs of the gateways. */
  readonly logs?: string | undefined
}

export interface KindBalance {
  readonly books: number
  readonly accepted: number
  readonly received: number
  /**
   * Accepted and not in the journal; for a fault of the script, the count before the next began.
   */
  readonly notStored: number
  readonly repeated: number
  readonly storedTwice: number
}

/** The time from one fault to the next. */
interface PeriodBalance {
  readonly accepted: number
  /** Accepted and not stored, without those of a shared channel. */
  readonly notStored: number
  /** The same for the shared channel, which RabbitMQ 3.9 to 3.13 loses. */
  readonly notStoredShared: number
}

export interface ClusterLedgerResult {
  readonly resumes: number
  readonly refusals: number
  readonly republished: number
  readonly kinds: Readonly<Record<BookKind, KindBalance>>
  readonly records: readonly (FaultRecord & PeriodBalance)[]
  /** Sockets that closed for a reason, by code. */
  readonly closed: Readonly<Record<string, number>>
  /** What RabbitMQ confirmed to a back end with a shared channel and did not store. */
  readonly lostByRabbit: number
  /** Must be empty. */
  readonly faults: readonly string[]
}

const pace = { minMs: 60, maxMs: 260 }
const patienceMs = 6_000
const endMs = 60_000
/** Nothing is removed, so that the journal can be compared with what was received. */
const retention = '24h,8GiB'
/** As in a cluster where some replicas replay from memory, others from the stream. */
const hotWindows = ['5m,64MiB', '30s,64KiB', '1s,64KiB']

export async function runClusterLedger(options: ClusterLedgerOptions): Promise<ClusterLedgerResult> {
  removeAbandonedFolders()
  const network = await Network.make(['n1', 'n2', 'n3', 'g1', 'g2', 'g3', 'pg'])
  const folder = newFolder()
  const undo: (() => Promise<unknown>)[] = [() => network.remove(), async () => removeFolder(folder)]
  try {
    const [n1, n2, n3, g1, g2, g3, postgresHost] = network.hosts as [Host, Host, Host, Host, Host, Host, Host]
    const forming = Cluster.start([n1, n2, n3], options)
    undo.push(() => forming.then((cluster) => cluster.remove()))
    const postgres = await Postgres.start(postgresHost)
    undo.push(() => postgres.close())
    const databaseUrl = await postgres.newDatabase()
    const clock = options.script.some(movesClock) ? await movableClock() : undefined
    if (clock !== undefined && clock.library === undefined) options.log?.(clock.why)
    const script = options.script.filter((fault) => !movesClock(fault) || clock?.library !== undefined)
    const cluster = await forming
    const starting = [g1, g2, g3].map((host, index) => {
      const urls = [...cluster.urls.slice(index), ...cluster.urls.slice(0, index)]
      const env = {
        WARREN_BROKER_URL: urls.join(','),
        WARREN_DATABASE_URL: databaseUrl,
        WARREN_RETENTION: retention,
        WARREN_HOT_WINDOW: hotWindows[index] ?? '',
        WARREN_REGISTRATION: 'open',
        WARREN_DRAIN: '2s',
        WARREN_LOG_FORMAT: 'json',
      }
      return GatewayReplica.start(`g${index + 1}`, host, { folder, env, clock })
    })
    for (const one of starting) undo.push(() => one.then((replica) => replica.remove()))
    const replicas = await Promise.all(starting)
    const random = new Seeded(options.seed)
    const { handling } = options
    const scene: Scene = { network, cluster, handling, replicas, postgres, postgresHost, random }
    return await new ClusterLedger({ ...options, script }, scene).run()
  } finally {
    for (const step of undo.toReversed()) await step().catch((error: unknown) => options.log?.(String(error)))
  }
}

function movesClock({ kind }: Fault): boolean {
  return kind.startsWith('clock moved')
}

interface Account {
  readonly book: Book
  readonly listener: ResumingListener
}

class ClusterLedger {
  readonly #options: ClusterLedgerOptions
  readonly #scene: Scene
  readonly #random: Seeded
  readonly #publishers: Publishers
  readonly #accounts: Account[] = []
  readonly #faults: string[] = []
  readonly #closed: Record<string, number> = {}
  #publishing = true
  #cutting = true

  constructor(options: ClusterLedgerOptions, scene: Scene) {
    this.#options = options
    this.#scene = scene
    this.#random = scene.random.fork()
    this.#publishers = new Publishers(scene.cluster.urls, scene.replicas, scene.random.fork())
  }

  async run(): Promise<ClusterLedgerResult> {
    const { cluster, replicas } = this.#scene
    await this.#declare()
    await this.#publishers.open()
    for (let index = 0; index < this.#options.clientsEach; index += 1)
      this.#accounts.push(
        ...(await Promise.all(bookKinds.map((kind) => this.#open(`${kind.replaceAll(/\W+/g, '-')}-${index}`, kind)))),
      )
    const probeCursor = (await this.#register(probeChannel)).cursor
    const probes = await Probes.start(cluster.nodes, replicas, probeCursor, this.#random.fork())
    for (const { listener } of this.#accounts) listener.start()
    const producing = this.#accounts.map(({ book }) => this.#produce(book, this.#random.fork()))
    const cutting = this.#accounts.map(({ listener }) => this.#cutNowAndThen(listener, this.#random.fork()))
    await eventually('all gateways to deliver', () => probes.steady, { withinMs: endMs })
    this.#log(`${clockOf(Date.now())} everything runs`)

    const records: FaultRecord[] = []
    for (const fault of this.#options.script) {
      const problem = (text: string): void => {
        this.#log(text)
        this.#faults.push(text)
      }
      const record = await runFault(fault, { scene: this.#scene, probes, problem })
      records.push(record)
      this.#log(`${records.length}/${this.#options.script.length} ${lineOf(record)}; ${this.#resumes} resumes so far`)
    }
    const enough = (): boolean => this.#resumes >= this.#options.resumes
    await eventually(`${this.#options.resumes} resumes`, enough, { withinMs: 24 * 3_600_000, everyMs: 250 })

    this.#cutting = false
    this.#publishing = false
    await this.#within('publishers to end', Promise.all([...producing, ...cutting]))
    const journal = await readJournal(cluster.urls)
    await this.#within('clients to catch up', this.#caughtUp(journal.byClient))
    await Promise.all(this.#accounts.map(({ listener }) => listener.stop()))
    await probes.stop()
    await this.#publishers.close()
    await this.#keepLogs()
    this.#checkSockets([...this.#accounts.map(({ listener }) => listener), ...probes.listeners])
    return this.#settle(journal, records)
  }

  get #resumes(): number {
    return this.#accounts.reduce((sum, { listener }) => sum + listener.resumes, 0)
  }

  #log(line: string): void {
    this.#options.log?.(line)
  }

  async #keepLogs(): Promise<void> {
    const { logs, seed } = this.#options
    if (logs === undefined) return
    await mkdir(logs, { recursive: true })
    for (const { name, output } of this.#scene.replicas) await writeFile(join(logs, `${seed}-${name}.log`), output)
  }

  async #within(what: string, work: Promise<unknown>): Promise<void> {
    let done = false
    work.then(
      () => (done = true),
      () => {},
    )
    await eventually(what, () => done, { withinMs: endMs }).catch((error: unknown) => this.#faults.push(String(error)))
  }

  async #declare(): Promise<void> {
    const token = await testToken({ sub: 'operator', scope: 'operator' })
    const query = 'mutation ($input: CreateRabbitChannelInput!) { createRabbitChannel(input: $input) { id } }'
    const input = { exchange: bufferedExchange, exchangeType: 'TOPIC', routingKey: 'b.{clientId}', buffered: true }
    await askGraphql(this.#scene.replicas[0]?.graphqlUrl ?? '', { query, variables: { input } }, token)
  }

  async #register(client: string): Promise<{ token: string; cursor: string }> {
    const query = `mutation ($input: CreateClientChannelInput!) {
      createClientChannel(input: $input) { token channel { cursor } }
    }`
    const input = { clientId: client, name: client, email: `${client}@example.com`, password: 'a password' }
    const url = this.#random.pick(this.#scene.replicas).graphqlUrl
    const { createClientChannel } = (await askGraphql(url, { query, variables: { input } })) as {
      createClientChannel: { token: string; channel: { cursor: string } }
    }
    return { token: createClientChannel.token, cursor: createClientChannel.channel.cursor }
  }

  async #open(client: string, kind: BookKind): Promise<Account> {
    const { token, cursor } = await this.#register(client)
    const book = new Book(client, kind)
    const random = this.#random.fork()
    const listener = new ResumingListener({
      client,
      token,
      cursor,
      replicas: this.#scene.replicas,
      random,
      transports: transportsOf(kind, random),
      patienceMs,
      onEvent: (event) => book.receive(event),
    })
    return { book, listener }
  }

  /** One number after another: each is sent when the one before is accepted. */
  async #produce(book: Book, random: Seeded): Promise<void> {
    while (this.#publishing) {
      await this.#publishers.publish(book, book.attempted + 1)
      await pause(random.between(pace.minMs, pace.maxMs))
    }
  }

  async #cutNowAndThen(listener: ResumingListener, random: Seeded): Promise<void> {
    while (this.#cutting) {
      await pause(random.between(...this.#options.stay))
      if (this.#cutting) listener.cut()
    }
  }

  /** Resolves when each client has the last number of its book that is new in the journal. */
  async #caughtUp(byClient: ReadonlyMap<string, readonly { offset: number; number: number }[]>): Promise<void> {
    const behind = (): boolean =>
      this.#accounts.some(({ book }) => {
        const entries = byClient.get(book.client) ?? []
        const newest = entries.reduce((highest, { number }) => Math.max(highest, number), 0)
        const first = entries.find(({ number }) => number === newest)
        return first !== undefined && book.lastOffset < first.offset
      })
    await eventually('clients to catch up', () => !behind(), { withinMs: endMs, everyMs: 100 })
  }

  /** A socket closes only if its own network is cut, or its gateway is killed or drained. */
  #checkSockets(listeners: readonly ResumingListener[]): void {
    for (const { client, closed, problems } of listeners) {
      for (const { at, replica, transport, code } of closed) {
        if ((replica as GatewayReplica).wasDown(at)) {
          this.#closed[code] = (this.#closed[code] ?? 0) + 1
          continue
        }
        const { name } = replica as GatewayReplica
        this.#faults.push(`${name} closed a socket of ${client} (${transport}, code ${code}) at ${clockOf(at)}`)
      }
      for (const problem of new Set(problems)) this.#faults.push(`${client}: ${problem}`)
    }
  }

  #settle(journal: Awaited<ReturnType<typeof readJournal>>, records: readonly FaultRecord[]): ClusterLedgerResult {
    const kinds = {} as Record<BookKind, KindBalance>
    const periods = records.map((record) => ({ ...record, accepted: 0, notStored: 0, notStoredShared: 0 }))
    const periodAt = (at: number) => periods.findLast(({ from }) => at >= from)
    for (const { book, listener } of this.#accounts) {
      const settlement = book.settle(journal.byClient.get(book.client) ?? [], journal.end)
      const lost = new Set(settlement.notStored)
      for (const [index, number] of book.accepted.entries()) {
        const period = periodAt(book.acceptedAt[index] ?? 0)
        if (!period) continue
        period.accepted += 1
        if (lost.has(number)) period[book.kind === 'shared channel' ? 'notStoredShared' : 'notStored'] += 1
      }
      this.#faults.push(...faultsOf(book, settlement, listener))
      const { books, accepted, received, notStored, repeated, storedTwice } = kinds[book.kind] ?? nothing
      kinds[book.kind] = {
        books: books + 1,
        accepted: accepted + book.accepted.length,
        received: received + book.received,
        notStored: notStored + lost.size,
        repeated: repeated + settlement.repeated,
        storedTwice: storedTwice + settlement.storedTwice,
      }
    }
    return {
      resumes: this.#resumes,
      refusals: this.#accounts.reduce((sum, { listener }) => sum + listener.refusals, 0),
      republished: this.#publishers.retries,
      kinds,
      records: periods,
      closed: this.#closed,
      lostByRabbit: kinds['shared channel'].notStored,
      faults: this.#faults,
    }
  }
}

const nothing: KindBalance = { books: 0, accepted: 0, received: 0, notStored: 0, repeated: 0, storedTwice: 0 }

/** SocketCluster has no flag for repeated deliveries. */
function transportsOf(kind: BookKind, random: Seeded): Transport[] {
  const all = [overWebSocket, overEvents(() => random.pick(['header', 'variable'])), overTcp, overPlainWebSocket]
  return kind === 'buffered, no id' ? all : [...all, overSocketCluster]
}

function faultsOf(book: Book, settlement: Settlement, { journey }: ResumingListener): string[] {
  const faults: string[] = []
  const wrong = {
    'lost in RabbitMQ': book.kind === 'shared channel' ? [] : settlement.notStored,
    'in the journal and never received': settlement.lost,
    doubled: settlement.doubled,
    misordered: settlement.misordered,
    'received and not in the journal': settlement.invented,
    'not at the cursor that publish gave': settlement.wrongPlace,
  }
  for (const [what, numbers] of Object.entries(wrong)) {
    if (numbers.length === 0) continue
    const times = numbers.slice(0, 10).map((number) => {
      const at = book.acceptedAt[book.accepted.indexOf(number)]
      return at === undefined ? `${number}` : `${number} (${clockOf(at)})`
    })
    faults.push(`${book.client}: ${numbers.length} of ${book.attempted} ${what}: ${times.join(' ')}`)
  }
  if (settlement.gaps > 0)
    faults.push(`${book.client}: ${settlement.gaps} false gaps (${book.gaps.join(' ')}) in ${journey.length} resumes`)
  return faults
}

function lineOf({ kind, what, leader, still, stillAfter, ...record }: FaultRecord): string {
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`
  return [
    `${clockOf(record.from)} ${kind}${what === '' ? '' : ` (${what})`}${leader === undefined ? '' : `, leader ${leader}`}`,
    `lasted ${seconds(record.mendedFrom - record.from)}, whole after ${seconds(record.to - record.mendedFrom)}`,
    `still for ${still === undefined ? 'as long as it lasted' : seconds(still)}, then for ${seconds(stillAfter)}`,
    `unready while delivering ${seconds(record.unreadyWhileDelivering)}`,
    `${record.logLines} log lines`,
  ].join('; ')
}

function clockOf(at: number): string {
  return new Date(at).toISOString().slice(11, 23)
}
