import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from '../../support/eventually.ts'
import { type GatewayProcess, startGateway, testToken } from '../../support/gateway/gateway-process.ts'
import { Postgres } from '../../support/processes/postgres.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { privateRabbit } from '../../support/rabbitmq/broker.ts'
import { CarefulPublisher } from '../careful-publisher.ts'
import { pause } from '../pause.ts'
import { Seeded } from '../seeded.ts'
import { DatabaseWatch } from './database-watch.ts'
import { callGraphql } from './graphql-link.ts'
import { type KeyedChange, settleKeyed } from './keyed-account.ts'
import { KeyedClient, keyedSdl } from './keyed-client.ts'
import { settlePosition } from './position-account.ts'
import { PositionClient } from './position-client.ts'
import { type StateAct, StateActs } from './state-acts.ts'

export interface StateLedgerOptions {
  readonly seed: number
  /** Publishers. Each has three clients of its keyed state, one of them paced, and one or two positions. */
  readonly owners: number
  readonly replicas: number
  /** The acts, one after another. Between two of them clients are still cut and resume elsewhere. */
  readonly script: readonly StateAct[]
  /** The least number of connections of all clients before each act. */
  readonly connectsEach: number
  readonly log?: (line: string) => void
}

export interface StateLedgerResult {
  readonly published: number
  readonly connects: number
  /** Comparisons of a map with what was published. */
  readonly compared: number
  readonly snapshots: number
  /** Events of a difference. */
  readonly rebased: number
  /** Numbers that retention deleted before they were folded. */
  readonly lost: number
  readonly fences: number
  readonly subscriptions: number
  readonly takeovers: number
  readonly acks: number
  readonly refusals: number
  readonly gaps: number
  /** Must be empty. */
  readonly faults: readonly string[]
}

/** The stream keeps little, so that it can be trimmed: segments are 256 KiB. */
const retention = '1h,2MiB'
const hotWindows = ['5m,64MiB', '30s,64KiB', '1s,64KiB']
const keys = 12
const removalRate = 0.25
const pace = { minMs: 10, maxMs: 120 }
const stay = { minMs: 50, maxMs: 3_000 }
const settleMs = 60_000
const every = '200ms'

/**
 * Clients of keyed state and of named positions, while a script breaks replicas, RabbitMQ, the
 * database and the journal. In the end their accounts are settled, with what was published alone.
 */
export async function runStateLedger(options: StateLedgerOptions): Promise<StateLedgerResult> {
  const folder = newFolder()
  const schema = join(folder, 'events.graphql')
  writeFileSync(schema, keyedSdl)
  const rabbit = await privateRabbit('state-ledger')
  const postgres = await Postgres.start()
  const gateways: GatewayProcess[] = []
  try {
    const databaseUrl = await postgres.newDatabase()
    for (let index = 0; index < options.replicas; index += 1) {
      const env = {
        WARREN_BROKER_URL: rabbit.url(),
        WARREN_SCHEMA: schema,
        WARREN_DATABASE_URL: databaseUrl,
        WARREN_RETENTION: retention,
        WARREN_HOT_WINDOW: hotWindows[index % hotWindows.length] ?? '',
      }
      gateways.push(await startGateway({ env }))
    }
    const random = new Seeded(options.seed)
    const publisher = new CarefulPublisher(rabbit.url())
    const watch = new DatabaseWatch(databaseUrl)
    const acts = new StateActs({ rabbit, postgres, databaseUrl, gateways, publisher, watch, random: random.fork() })
    const ledger = new StateLedger(options, { acts, publisher, watch, replicas: gateways, random })
    try {
      return await ledger.run()
    } finally {
      await acts.end()
      await publisher.close()
      await watch.stop()
    }
  } finally {
    await Promise.all(gateways.map((gateway) => gateway[Symbol.asyncDispose]()))
    await postgres.close()
    await rabbit.remove()
    removeFolder(folder)
  }
}

interface Parts {
  readonly acts: StateActs
  readonly publisher: CarefulPublisher
  readonly watch: DatabaseWatch
  readonly replicas: readonly GatewayProcess[]
  readonly random: Seeded
}

interface Owner {
  readonly client: string
  readonly changes: KeyedChange[]
  readonly publishedAt: Map<number, number>
  readonly keyed: readonly { readonly client: KeyedClient; readonly isPaced: boolean }[]
  readonly positions: readonly { readonly client: PositionClient; readonly acksDelivered: boolean }[]
  readonly random: Seeded
}

class StateLedger {
  readonly #options: StateLedgerOptions
  readonly #parts: Parts
  readonly #owners: Owner[] = []
  readonly #faults: string[] = []
  #going = true

  constructor(options: StateLedgerOptions, parts: Parts) {
    this.#options = options
    this.#parts = parts
  }

  async run(): Promise<StateLedgerResult> {
    const { watch, acts } = this.#parts
    for (let index = 0; index < this.#options.owners; index += 1) await this.#open(`owner-${index}`, index)
    watch.start()
    const cutting = this.#owners.flatMap(({ keyed, random }) =>
      keyed.map(({ client }) => this.#cutNowAndThen(client, random.fork())),
    )
    const publishing = this.#owners.map((owner) => this.#publish(owner))
    for (const act of this.#options.script) {
      const enough = this.#connects + this.#options.connectsEach
      await eventually(`${enough} connections`, () => this.#connects >= enough, { withinMs: 120_000 })
      const began = Date.now()
      await acts.act(act, this.#owners)
      this.#options.log?.(`seed ${this.#options.seed}: ${act}, ${Date.now() - began} ms; ${this.#connects} connections`)
    }
    await pause(stay.maxMs)
    this.#going = false
    await Promise.all([...publishing, ...cutting])
    await Promise.all(this.#owners.map((owner) => this.#settle(owner)))
    return this.#result()
  }

  get #connects(): number {
    const counts = this.#owners.flatMap(({ keyed, positions }) => [
      ...keyed.map(({ client }) => client.connects),
      ...positions.map(({ client }) => client.subscriptions.length),
    ])
    return counts.reduce((sum, count) => sum + count, 0)
  }

  async #open(client: string, index: number): Promise<void> {
    const { replicas, random } = this.#parts
    const query = `mutation ($input: CreateClientChannelInput!) {
      createClientChannel(input: $input) { token channel { cursor } }
    }`
    const input = { clientId: client, name: client, email: `${client}@example.com`, password: 'a password' }
    const backEnd = await testToken({ sub: 'backend', scope: 'publish' }, { ttl: '24h' })
    const { createClientChannel } = await callGraphql<{
      createClientChannel: { token: string; channel: { cursor: string } }
    }>(random.pick(replicas), { token: backEnd, query, variables: { input } })
    const { token, channel } = createClientChannel
    const changes: KeyedChange[] = []
    const attempted = () => changes.length
    const keyed = [undefined, undefined, every].map((pace) => ({
      client: new KeyedClient({ client, token, replicas, random: random.fork(), every: pace, attempted }),
      isPaced: pace !== undefined,
    }))
    // The devices of one client share its positions, so each owner has one of a kind.
    const acksDelivered = index % 2 === 1
    const position = new PositionClient({ client, token, replicas, random: random.fork(), acksDelivered })
    await position.start(channel.cursor)
    for (const one of keyed) one.client.start()
    this.#owners.push({
      client,
      changes,
      publishedAt: new Map(),
      keyed,
      positions: [{ client: position, acksDelivered }],
      random: random.fork(),
    })
  }

  async #cutNowAndThen(client: KeyedClient, random: Seeded): Promise<void> {
    while (this.#going) {
      await pause(random.between(stay.minMs, stay.maxMs))
      if (this.#going) client.cut()
    }
  }

  /** One number after another, so that their order is defined. */
  async #publish(owner: Owner): Promise<void> {
    while (this.#going) {
      await this.#parts.acts.publishNext(owner, drawn(owner.random))
      await pause(owner.random.between(pace.minMs, pace.maxMs))
    }
  }

  /** A last change that every client must receive, and a last takeover of each position. */
  async #settle(owner: Owner): Promise<void> {
    const { acts } = this.#parts
    const last = () => acts.publishNext(owner, { key: 'last', removed: false })
    const until = async (what: string, is: () => boolean): Promise<void> => {
      const told = `${what} of ${owner.client}`
      await eventually(told, is, { withinMs: settleMs }).catch((error: unknown) => this.#faults.push(String(error)))
    }
    for (const { client } of owner.positions) {
      await client.settle()
      client.cut()
      await last()
      await client.takeOver(last, until)
    }
    const number = await last()
    for (const { client } of owner.keyed) await until(`number ${number}`, () => client.newest === number)
    await Promise.all(owner.keyed.map(({ client }) => client.stop()))
    await Promise.all(owner.positions.map(({ client }) => client.stop()))
  }

  #result(): StateLedgerResult {
    const { acts, watch } = this.#parts
    const counts = { compared: 0, snapshots: 0, rebased: 0, lost: 0, takeovers: 0, subscriptions: 0, acks: 0 }
    const [faults, extra] = [[...this.#faults, ...acts.problems, ...watch.problems], { refusals: 0, gaps: 0 }]
    for (const { client: owner, changes, publishedAt, keyed, positions } of this.#owners) {
      const lost = acts.lostOf(owner)
      counts.lost += lost.size
      for (const { client, isPaced } of keyed) {
        const balance = settleKeyed({ changes, lost, records: client.records, isPaced })
        counts.compared += balance.compared
        counts.snapshots += balance.snapshots
        counts.rebased += balance.rebased
        extra.refusals += client.refusals
        const name = `${owner}${isPaced ? ', paced' : ''}`
        faults.push(...[...client.problems, ...balance.problems].map((problem) => `${name}: ${problem}`))
      }
      for (const { client, acksDelivered } of positions) {
        const { subscriptions, acks, listed } = client
        const { disturbances } = acts
        const problems = settlePosition({ subscriptions, acks, listed, publishedAt, disturbances, acksDelivered })
        faults.push(...[...client.problems, ...problems].map((problem) => `${owner}'s position: ${problem}`))
        counts.subscriptions += subscriptions.length
        counts.takeovers += client.takeovers
        counts.acks += acks.length
        extra.refusals += client.refusals
        extra.gaps += client.gaps.length
        if (client.gaps.some((reason) => reason !== 'RETENTION' || acts.trims === 0))
          faults.push(`${owner}'s position: gaps without a cause: ${client.gaps.join(' ')}`)
      }
    }
    return {
      published: this.#owners.reduce((sum, { changes }) => sum + changes.length, 0),
      connects: this.#connects,
      ...counts,
      fences: watch.state?.fence ?? 0,
      ...extra,
      faults,
    }
  }
}

function drawn(random: Seeded): KeyedChange {
  return { key: `k${Math.floor(random.next() * keys)}`, removed: random.next() < removalRate }
}
