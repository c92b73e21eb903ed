import type { DeploymentKey } from '../../../src/core/clients/deployment-keys.ts'
import type { Source } from '../../../src/core/model/source.ts'
import type { Client, ClientBar, ClientRegistry, Revocation } from '../../../src/core/ports/client-registry.ts'
import type { PositionKey, PositionStore } from '../../../src/core/positions/position-store.ts'
import { MemoryPositions } from '../../core/memory-positions.ts'
import { MemoryStates } from '../../core/memory-states.ts'
import type { PositionWatch } from '../oracle/positions.ts'
import type { StateWatch } from '../oracle/state-watch.ts'
import type { Choices } from '../time/seeded.ts'
import type { VirtualClock } from '../time/virtual-clock.ts'

/** How often a statement that waits for the database is tried, in milliseconds. */
const lateMs = 50

/** The database that all replicas share. */
export class SimulatedDatabase {
  readonly clients = new Map<string, Client>()
  readonly sources = new Map<string, Source>()
  readonly revocations = new Map<string, Revocation>()
  readonly bars = new Map<string, ClientBar>()
  readonly keys = new Map<string, DeploymentKey>()
  readonly positions = new MemoryPositions()
  readonly states = new MemoryStates()
  /** Checks each fold. */
  stateWatch: StateWatch | undefined
  /** Checks each change of a position. */
  watch: PositionWatch | undefined
  isAway = false
  /** The replicas that cannot reach it. */
  readonly cut = new Set<number>()
  readonly #clock: VirtualClock
  readonly #random: Choices
  readonly #latencyMs: number

  constructor(clock: VirtualClock, random: Choices, latencyMs: number) {
    this.#clock = clock
    this.#random = random
    this.#latencyMs = latencyMs
  }

  isReachableFor(owner: number): boolean {
    return !this.isAway && !this.cut.has(owner)
  }

  /**
   * As `query`, but a statement of a replica that cannot reach the database is not lost: it comes
   * when the replica can reach it again, as that of a process that was stopped.
   */
  queryLate<Result>(work: () => Result): Promise<Result> {
    const { owner } = this.#clock
    const isSent = new Promise<void>((resolve) => {
      const send = (): void => {
        if (this.isReachableFor(owner)) resolve()
        else this.#clock.at(lateMs, send, owner)
      }
      this.#clock.at(this.#latencyMs, send, owner)
    })
    return isSent.then(() => this.query(work))
  }

  /** Runs one statement for its caller. The request and the answer each take some time. */
  query<Result>(work: () => Result): Promise<Result> {
    const { owner } = this.#clock
    const delay = (): number => this.#latencyMs * (0.5 + this.#random.next())
    return new Promise((resolve, reject) => {
      const fail = (): void => void this.#clock.at(delay(), () => reject(new Error('the database is away')), owner)
      this.#clock.at(
        delay(),
        () => {
          if (!this.isReachableFor(owner)) return fail()
          const result = work()
          // The statement may have been executed although its answer is lost.
          if (!this.isReachableFor(owner)) return fail()
          this.#clock.at(delay(), () => resolve(result), owner)
        },
        0,
      )
    })
  }
}

/** A replica's connection to the database. */
export class SimulatedRegistry implements ClientRegistry {
  readonly #database: SimulatedDatabase

  constructor(database: SimulatedDatabase) {
    this.#database = database
  }

  addKey(key: DeploymentKey): Promise<void> {
    return this.#database.query(() => {
      const known = this.#database.keys.get(key.id)
      this.#database.keys.set(key.id, known ? { ...known, adoptedAt: key.adoptedAt } : key)
    })
  }

  listKeys(): Promise<DeploymentKey[]> {
    return this.#database.query(() => [...this.#database.keys.values()])
  }

  addClient(client: Client): Promise<{ client: Client; created: boolean }> {
    return this.#database.query(() => insert(this.#database.clients, client.clientId, client, 'client'))
  }

  findClient(clientId: string): Promise<Client | undefined> {
    return this.#database.query(() => this.#database.clients.get(clientId))
  }

  findClientIds(): Promise<string[]> {
    return this.#database.query(() => [...this.#database.clients.keys()].sort())
  }

  countClients(): Promise<number> {
    return this.#database.query(() => this.#database.clients.size)
  }

  removeClient(clientId: string): Promise<boolean> {
    return this.#database.query(() => this.#database.clients.delete(clientId))
  }

  addSource(source: Source): Promise<{ source: Source; created: boolean }> {
    return this.#database.query(() => insert(this.#database.sources, source.id, source, 'source'))
  }

  renewSource(source: Source): Promise<Source> {
    return this.#database.query(() => {
      const known = this.#database.sources.get(source.id)
      const renewed =
        known && known.createdAt >= source.createdAt ? known : { ...source, ...known, createdAt: source.createdAt }
      this.#database.sources.set(source.id, renewed)
      return renewed
    })
  }

  listSources(): Promise<Source[]> {
    return this.#database.query(() => [...this.#database.sources.values()])
  }

  removeSource(id: string, createdUpTo?: Date): Promise<Source | undefined> {
    return this.#database.query(() => {
      const source = this.#database.sources.get(id)
      if (createdUpTo && source && source.createdAt > createdUpTo) return undefined
      this.#database.sources.delete(id)
      return source
    })
  }

  addRevocation(revocation: Revocation): Promise<void> {
    return this.#database.query(() => {
      const known = this.#database.revocations.get(revocation.clientId)
      if (!known || known.at < revocation.at) this.#database.revocations.set(revocation.clientId, revocation)
    })
  }

  listRevocations(behind?: Date): Promise<Revocation[]> {
    return this.#database.query(() => newer([...this.#database.revocations.values()], ({ at }) => at, behind))
  }

  changeClientBar(clientId: string, change: Partial<ClientBar>): Promise<ClientBar> {
    return this.#database.query(() => {
      const known = this.#database.bars.get(clientId)
      const changedAt = new Date(Math.max(Date.now(), (known?.changedAt.getTime() ?? 0) + 1))
      const none = { clientId, loginLocked: false, banned: false, deletedAt: undefined, origin: undefined }
      const bar = { ...(known ?? none), ...change, changedAt }
      this.#database.bars.set(clientId, bar)
      return bar
    })
  }

  findClientBar(clientId: string): Promise<ClientBar | undefined> {
    return this.#database.query(() => this.#database.bars.get(clientId))
  }

  listClientBars(behind?: Date): Promise<ClientBar[]> {
    return this.#database.query(() => newer([...this.#database.bars.values()], ({ changedAt }) => changedAt, behind))
  }

  async close(): Promise<void> {}
}

/** A replica's connection to the positions in the database. */
export function simulatedPositions(database: SimulatedDatabase): PositionStore {
  const { positions } = database
  const rowOf = ({ clientId, name }: PositionKey) => positions.rows.get(`${name} ${clientId}`)
  const run = <Result>(work: () => Promise<Result>): Promise<Result> => database.query(work).then((result) => result)
  return {
    take: (take) =>
      run(async () => {
        const before = rowOf(take)
        const taken = await positions.take(take)
        if (taken.kind === 'taken') database.watch?.taken(take, before, taken.position)
        return taken
      }),
    begin: (begun, at) =>
      run(async () => {
        const before = rowOf(begun)
        const row = await positions.begin(begun, at)
        if (row) database.watch?.taken(begun, before, row)
        return row
      }),
    add: (added) =>
      run(async () => {
        const before = rowOf(added)
        const row = await positions.add(added)
        database.watch?.changed(added, before, row)
        return row
      }),
    move: (moves, at) =>
      run(async () => {
        const before = moves.map(rowOf)
        await positions.move(moves, at)
        for (const [index, move] of moves.entries()) database.watch?.changed(move, before[index], rowOf(move))
      }),
    find: (keys) => run(() => positions.find(keys)),
    listOf: (clientId) => run(() => positions.listOf(clientId)),
    touch: (keys, at) => run(() => positions.touch(keys, at)),
    remove: (key) => run(() => positions.remove(key)),
    removeAllOf: (clientId) => run(() => positions.removeAllOf(clientId)),
    removeUnused: (before) => run(() => positions.removeUnused(before)),
  }
}

function insert<Row, Name extends string>(
  table: Map<string, Row>,
  id: string,
  row: Row,
  name: Name,
): { created: boolean } & Record<Name, Row> {
  const known = table.get(id)
  if (known === undefined) table.set(id, row)
  return { created: known === undefined, [name]: known ?? row } as { created: boolean } & Record<Name, Row>
}

function newer<Row>(rows: readonly Row[], timeOf: (row: Row) => Date, behind: Date | undefined): Row[] {
  const found = rows.filter((row) => !behind || timeOf(row) > behind)
  return found.sort((one, other) => timeOf(one).getTime() - timeOf(other).getTime())
}
