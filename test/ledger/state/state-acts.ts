import { eventually } from '../../support/eventually.ts'
import type { GatewayProcess } from '../../support/gateway/gateway-process.ts'
import type { Postgres } from '../../support/processes/postgres.ts'
import type { RabbitNode } from '../../support/rabbitmq/broker.ts'
import type { CarefulPublisher } from '../careful-publisher.ts'
import { readJournal } from '../cluster/raw-journal.ts'
import { pause } from '../pause.ts'
import type { Seeded } from '../seeded.ts'
import type { DatabaseWatch } from './database-watch.ts'
import type { KeyedChange } from './keyed-account.ts'
import type { KeyedClient } from './keyed-client.ts'
import type { Disturbance } from './position-account.ts'
import type { PositionClient } from './position-client.ts'

export const stateActs = [
  'storm',
  'kill the folding gateway',
  'stop the folding gateway',
  'restart the database',
  'trim the stream',
  'trim beneath the fold',
  'kill the broker',
] as const
export type StateAct = (typeof stateActs)[number]

/** What the acts use of an owner. */
export interface Published {
  readonly client: string
  readonly changes: KeyedChange[]
  /** When each number was first sent. */
  readonly publishedAt: Map<number, number>
  readonly keyed: readonly { readonly client: KeyedClient }[]
  readonly positions: readonly { readonly client: PositionClient }[]
}

export interface StateActsParts {
  readonly rabbit: RabbitNode
  readonly postgres: Postgres
  readonly databaseUrl: string
  /** Of the first start; killed ones are started again on the same ports. */
  readonly gateways: readonly GatewayProcess[]
  readonly publisher: CarefulPublisher
  readonly watch: DatabaseWatch
  readonly random: Seeded
}

const fillerBytes = 100_000
const fillers = 45
const fillersAtOnce = 5
const fillPauseMs = 150
/** How long a stopped replica keeps its lease. */
const leaseMs = 10_000
const readyMs = 60_000

/** The faults of the ledger, and what they cost: numbers that were never folded. */
export class StateActs {
  readonly problems: string[] = []
  readonly disturbances: Disturbance[] = []
  trims = 0
  readonly #parts: StateActsParts
  readonly #running: GatewayProcess[]
  readonly #lost = new Map<string, Set<number>>()
  /** The last number of each owner that RabbitMQ has confirmed. */
  readonly #confirmed = new Map<string, number>()

  constructor(parts: StateActsParts) {
    this.#parts = parts
    this.#running = [...parts.gateways]
  }

  /** The numbers of an owner that retention deleted before they were folded. */
  lostOf(owner: string): ReadonlySet<number> {
    return this.#lost.get(owner) ?? new Set()
  }

  async publishNext(owner: Published, { key, removed }: KeyedChange): Promise<number> {
    const { client, changes, publishedAt } = owner
    const name = `${client}/${key}`
    const number = changes.push({ key: name, removed })
    publishedAt.set(number, Date.now())
    await this.#parts.publisher.publish({
      exchange: 'warren.events',
      routingKey: `client.${client}`,
      body: Buffer.from(JSON.stringify({ client, key: name, number })),
      messageId: `${client}-${number}`,
      type: removed ? 'item.removed' : 'item.changed',
    })
    this.#confirmed.set(client, number)
    return number
  }

  async act(act: StateAct, owners: readonly Published[]): Promise<void> {
    const from = Date.now()
    // While it lasts, its end is not known.
    this.disturbances.push({ from, to: Number.POSITIVE_INFINITY })
    await this.#act(act, owners)
    this.disturbances.pop()
    this.disturbances.push({ from, to: Date.now() })
  }

  async end(): Promise<void> {
    await Promise.all(this.#running.map((gateway) => gateway.kill()))
  }

  async #act(act: StateAct, owners: readonly Published[]): Promise<void> {
    const { rabbit, postgres, publisher } = this.#parts
    switch (act) {
      case 'storm':
        for (const { keyed, positions } of owners) for (const { client } of [...keyed, ...positions]) client.cut()
        return
      case 'kill the folding gateway':
        return this.#killFolding()
      case 'stop the folding gateway':
        return this.#stopFolding()
      case 'restart the database':
        await postgres.crash()
        await postgres.start()
        return this.#allReady()
      case 'trim the stream':
        return this.#trim(owners)
      case 'trim beneath the fold':
        return this.#trimBeneath(owners)
      case 'kill the broker':
        publisher.hold()
        await rabbit.kill()
        await rabbit.start()
        publisher.release()
        return this.#allReady()
    }
  }

  async #folding(): Promise<number> {
    return eventually('a replica to fold', async () => {
      const folds = await Promise.all(
        this.#running.map(async (gateway) => /^warren_state_folding\{.*\} 1$/m.test(await gateway.metrics())),
      )
      const index = folds.indexOf(true)
      return index >= 0 && { index }
    }).then(({ index }) => index)
  }

  async #killFolding(): Promise<void> {
    const index = await this.#folding()
    await this.#running[index]?.kill()
    await this.#again(index)
  }

  async #again(index: number): Promise<void> {
    const again = await this.#running[index]?.again()
    if (again) this.#running[index] = again
  }

  /** Another replica folds meanwhile. What the stopped one has read before must not be written. */
  async #stopFolding(): Promise<void> {
    const { watch } = this.#parts
    const gateway = this.#running[await this.#folding()]
    const before = watch.state
    gateway?.freeze()
    const isTaken = (): boolean => (watch.state?.fence ?? 0) > (before?.fence ?? 0)
    await eventually('another gateway to fold', isTaken, { withinMs: leaseMs + readyMs }).catch((error: unknown) =>
      this.problems.push(String(error)),
    )
    gateway?.thaw()
    await this.#allReady()
  }

  /** Retention removes what some disconnected clients have not received. */
  async #trim(owners: readonly Published[]): Promise<void> {
    const clients = owners.flatMap(({ keyed }) => keyed.map(({ client }) => client))
    const away = this.#parts.random.some(clients, Math.ceil(clients.length / 2))
    for (const client of away) client.leave()
    await this.#fill(() => this.#keepUp())
    for (const client of away) client.reconnect()
  }

  /** While no replica runs, retention removes what none has folded. */
  async #trimBeneath(owners: readonly Published[]): Promise<void> {
    const { rabbit, postgres, databaseUrl, random } = this.#parts
    await Promise.all(this.#running.map((gateway) => gateway.kill()))
    await eventually('the connections of the gateways to end', async () => {
      const others = `select count(*) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'`
      return Number((await postgres.query(others, databaseUrl))[0]?.['count']) === 0
    })
    const [state] = await postgres.query('select folded_offset from warren_states', databaseUrl)
    const folded = Number(state?.['folded_offset'])
    await pause(random.between(0, 3_000))
    const before = await readJournal([rabbit.url()])
    await this.#fill()
    // Of these, what the journal does not have is gone.
    const confirmed = new Map(this.#confirmed)
    const after = await readJournal([rabbit.url()])
    for (const { client } of owners) {
      const known = before.byClient.get(client) ?? []
      const kept = new Set(after.byClient.get(client)?.map(({ number }) => number))
      const folds = known.filter(({ offset }) => offset <= folded).map(({ number }) => number)
      const first = known.find(({ offset }) => offset > folded)?.number ?? Math.max(0, ...folds) + 1
      const last = Math.max(confirmed.get(client) ?? 0, ...kept)
      const lost = this.#lost.get(client) ?? new Set()
      for (let number = first; number <= last; number += 1) if (!kept.has(number)) lost.add(number)
      this.#lost.set(client, lost)
    }
    await Promise.all(this.#running.map((_, index) => this.#again(index)))
  }

  /** Otherwise retention would overtake the fold, and it would not be known what it missed. */
  async #keepUp(): Promise<void> {
    await pause(fillPauseMs)
    await eventually('the fold to be at the end', async () => {
      const texts = await Promise.all(this.#running.map((gateway) => gateway.metrics()))
      return texts.some(
        (text) => /^warren_state_folding\{.*\} 1$/m.test(text) && /^warren_state_lag\{.*\} [0-9]$/m.test(text),
      )
    })
  }

  async #fill(between: () => Promise<void> = async () => {}): Promise<void> {
    this.trims += 1
    const body = Buffer.from(JSON.stringify('x'.repeat(fillerBytes)))
    for (let index = 0; index < fillers; index += 1) {
      if (index % fillersAtOnce === 0) await between()
      const messageId = `filler-${this.trims}-${index}`
      await this.#parts.publisher.publish({
        exchange: 'warren.events',
        routingKey: 'client.filler',
        body,
        messageId,
      })
    }
  }

  async #allReady(): Promise<void> {
    await Promise.all(this.#running.map((gateway) => gateway.ready(readyMs)))
  }
}
