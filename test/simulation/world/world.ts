import type { ChannelEvent } from '../../../src/core/model/channel-event.ts'
import type { Identity } from '../../../src/core/model/identity.ts'
import { connectTo } from '../broker/connect.ts'
import { SimulatedRabbit } from '../broker/rabbit.ts'
import { checkAccounts, checkBounds } from '../oracle/bounds.ts'
import { checkLeftBehind, checkSettled } from '../oracle/end.ts'
import { mayReceive } from '../oracle/grants.ts'
import { GroundTruth } from '../oracle/ground-truth.ts'
import { PositionWatch } from '../oracle/positions.ts'
import { StateWatch } from '../oracle/state-watch.ts'
import { Digest } from '../time/digest.ts'
import { simulateTime, startsAt } from '../time/install.ts'
import { Choices } from '../time/seeded.ts'
import type { VirtualClock, VirtualTimer } from '../time/virtual-clock.ts'
import { act } from './act.ts'
import { BackEnd } from './back-end.ts'
import { SimulatedDatabase } from './registry.ts'
import { journalName, Replica } from './replica.ts'
import { extraSources, type Script } from './script.ts'
import { Subscriber } from './subscriber.ts'

/** A promise that does not hold. It ends the run. */
export class Violation extends Error {
  readonly promise: string

  constructor(promise: string, details: string) {
    super(`${promise}: ${details}`)
    this.promise = promise
  }
}

export interface RunResult {
  readonly violation: { readonly promise: string; readonly details: string } | undefined
  /** Of everything that was observed, in order. */
  readonly digest: string
  readonly simulatedMs: number
  readonly events: number
  readonly delivered: number
  readonly confirmed: number
  readonly resumed: number
  readonly gaps: number
  readonly log: readonly string[]
}

/** A source that the script creates and deletes. */
export interface SimulatedSource {
  readonly exchange: string
  readonly buffered: boolean
  /** `unknown`: a change of it was rejected, and may have happened. */
  state: 'missing' | 'pending' | 'there' | 'unknown'
  /** Once it has existed. */
  id: string | undefined
  readonly mayBeDeleted: boolean
}

/** How long everything may take to settle after the last fault, in milliseconds. */
const settleMs = 90_000
/** After this time nothing of a replica may be left, in milliseconds. */
const closeMs = 15_000
const checkEveryMs = 500
/** More events than this in one run, and in each simulated second, are a loop without progress. */
const maxEvents = { run: 3_000_000, second: 200 }

/** One simulated deployment: replicas, RabbitMQ, a database, clients and publishers. */
export class World {
  readonly script: Script
  readonly clock: VirtualClock
  readonly skew: Map<number, number>
  readonly random: Choices
  readonly rabbit: SimulatedRabbit
  readonly database: SimulatedDatabase
  readonly truth = new GroundTruth(journalName)
  readonly positions = new PositionWatch(this)
  readonly states = new StateWatch(this)
  readonly replicas: Replica[] = []
  /** Replicas that ended, for checks of what they left behind. */
  readonly ended: Replica[] = []
  readonly clients: Subscriber[]
  readonly backEnd: BackEnd
  /** By the guide, what goes to a queue has a channel of its own. */
  readonly bufferingBackEnd: BackEnd
  /**
   * Tokens of a client that were issued until then are invalid, on the owner's replica since
   * `since`.
   */
  barred: { clientId: string; until: number; since: number; owner: number }[] = []
  /** When the database became reachable for a replica, by its owner. */
  readonly reachableSince = new Map<number, number>()
  /** When a replica's clock was last moved, by its owner. */
  readonly skewedSince = new Map<number, number>()
  readonly sources: SimulatedSource[]
  /** Undo functions of faults that still last. */
  readonly faults = new Set<() => void>()
  isOver = false
  #owners = 0
  #violation: Violation | undefined
  readonly #digest = new Digest()
  readonly #log: string[] = []
  readonly #keepsLog: boolean

  constructor(script: Script, keepsLog: boolean) {
    this.script = script
    this.#keepsLog = keepsLog
    this.random = new Choices(script.seed ^ 0x5bd1e995)
    const productRandom = this.random.fork()
    const { clock, skew } = simulateTime(productRandom.next)
    this.clock = clock
    clock.recordsOrigins = keepsLog
    this.skew = skew
    const { settings } = script
    this.rabbit = new SimulatedRabbit({
      clock,
      random: this.random.fork(),
      version: settings.version,
      nodes: settings.nodes,
      latencyMs: settings.latencyMs,
      journal: { segmentMessages: settings.segmentMessages, segments: settings.segments },
      onDeclared: (stream) => this.truth.onDeclared(stream),
      onStored: (stream, message) => {
        const intent = this.truth.onStored(stream, message)
        if (intent) this.note(`stored ${intent.number} at ${message.offset}`)
      },
    })
    connectTo(this.rabbit)
    this.database = new SimulatedDatabase(clock, this.random.fork(), settings.registryMs)
    this.database.watch = this.positions
    this.database.stateWatch = this.states
    this.clients = script.clients.map((client, index) => new Subscriber(this, index, client))
    this.backEnd = new BackEnd(this)
    this.bufferingBackEnd = new BackEnd(this)
    this.sources = extraSources.map((source, index) => ({
      ...source,
      state: 'missing',
      id: undefined,
      mayBeDeleted: script.actions.some((action) => action.kind === 'source-delete' && action.index === index),
    }))
  }

  async run(): Promise<RunResult> {
    const { script } = this
    for (let index = 0; index < script.settings.replicas; index += 1) this.startReplica(index)
    for (const client of this.clients) client.connect(client.script.connectsAt)
    for (const action of script.actions) this.at(action.at, () => act(this, action))
    this.#check()
    await this.#until(script.lengthMs)
    for (const undo of this.faults) undo()
    this.note('faults are over')
    await this.#settle()
    if (!this.#violation) checkSettled(this)
    // What follows is not counted: there is nothing to fail any more.
    const { simulatedMs } = this
    await this.#end()
    return {
      violation: this.#violation && { promise: this.#violation.promise, details: this.#violation.message },
      digest: this.#digest.text,
      simulatedMs,
      events: this.clock.events,
      delivered: this.clients.reduce((sum, { delivered }) => sum + delivered, 0),
      confirmed: this.truth.intents.filter(({ isConfirmed }) => isConfirmed).length,
      resumed: this.#sum(({ resumes }) => resumes.resumed),
      gaps: this.#sum(({ resumes }) => resumes.gap),
      log: this.#log,
    }
  }

  get simulatedMs(): number {
    return this.clock.now - startsAt
  }

  /** Records what happened: equal runs have equal records. */
  note(what: string): void {
    if (this.#violation) return
    this.#digest.add(this.simulatedMs, what)
    if (this.#keepsLog) this.#log.push(`${this.simulatedMs.toFixed(3)} ${what}`)
  }

  violated(promise: string, details: string): void {
    this.note(`VIOLATED ${promise}: ${details}`)
    this.#violation ??= new Violation(promise, details)
  }

  /** Whether a client subscribes to the typed field: replicas then have a schema. */
  get hasTypedClients(): boolean {
    return this.script.clients.some(({ typed }) => typed)
  }

  get isViolated(): boolean {
    return this.#violation !== undefined
  }

  at(delayMs: number, run: () => void, owner = 0): VirtualTimer {
    return this.clock.at(delayMs, run, owner)
  }

  wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.at(delayMs, resolve))
  }

  latency(): number {
    return this.script.settings.latencyMs * (0.5 + this.random.next())
  }

  pickReplica(): Replica | undefined {
    const open = this.replicas.filter(({ state }) => state === 'open')
    return open.length === 0 ? undefined : this.random.pick(open)
  }

  /** A replica that cannot read the registry at its start ends, and is started again. */
  startReplica(index: number): void {
    if (this.isOver) return
    this.#owners += 1
    const { nodes, windowBytes, windowMs, maxBufferedBytes, publishTimeoutMs } = this.script.settings
    const settings = {
      nodes,
      windowBytes,
      windowMs,
      maxBufferedBytes,
      publishTimeoutMs,
      maxConnections: 100,
      typed: this.hasTypedClients,
      statePageEvents: this.script.settings.statePageEvents,
    }
    const replica = new Replica(
      this.#owners,
      settings,
      (line) => this.#keepsLog && this.note(line),
      () => this.clock.now,
    )
    this.replicas[index] = replica
    this.at(
      0,
      () => {
        replica.open(this.database).catch((error: unknown) => {
          if (replica.state === 'killed') return
          this.note(`replica ${replica.owner} cannot start: ${String(error)}`)
          this.killReplica(index)
          this.at(1_000, () => this.startReplica(index))
        })
      },
      replica.owner,
    )
  }

  killReplica(index: number): void {
    const replica = this.replicas[index]
    if (!replica || replica.state === 'killed' || replica.state === 'closed') return
    replica.state = 'killed'
    this.ended.push(replica)
    this.clock.kill(replica.owner)
    for (const connection of this.rabbit.connections) if (connection.owner === replica.owner) connection.end(undefined)
    for (const client of this.clients) if (client.replica === replica) client.cut(false, this.latency())
  }

  checkDelivery(
    client: Subscriber,
    replica: Replica,
    identity: Identity,
    event: ChannelEvent,
    toleranceMs: number,
  ): void {
    const refusal = mayReceive(this, client, replica, identity, toleranceMs)
    if (refusal) this.violated('no delivery without a grant', `${client.clientId} ${refusal} got a ${event.kind}`)
    checkBounds(this, replica)
  }

  #check(): void {
    for (const replica of this.replicas) {
      checkBounds(this, replica)
      checkAccounts(this, replica)
    }
    const most = maxEvents.run + (maxEvents.second * this.simulatedMs) / 1_000
    if (this.clock.events > most) this.violated('no loop without progress', `${this.clock.events} events`)
    if (!this.isOver) this.at(checkEveryMs, () => this.#check())
  }

  #until(ms: number): Promise<void> {
    return this.clock.runUntil(startsAt + ms, () => this.isViolated)
  }

  async #settle(): Promise<void> {
    // The slowest client takes each message, at worst with a gap before it, at its own pace.
    const slowestMs = Math.max(...this.script.clients.map(({ frameMs }) => frameMs))
    const end = this.simulatedMs + settleMs + slowestMs * 2 * this.truth.intents.length
    // A checkpoint shows that idle clients are served, too.
    for (let at = this.simulatedMs + 1_000; at <= end && !this.isViolated; at += 2_000) {
      await this.#until(at)
      if (!checkSettled(this, true)) return
    }
  }

  /** Closes everything and looks for what is left behind. */
  async #end(): Promise<void> {
    this.isOver = true
    const closing = this.replicas.map((replica) => {
      this.at(
        0,
        () => void replica.close().catch((error: unknown) => this.violated('a replica closes', String(error))),
        replica.owner,
      )
      return replica
    })
    this.backEnd.close()
    this.bufferingBackEnd.close()
    const isGone = ({ state, owner }: Replica): boolean =>
      state === 'killed' || (state === 'closed' && this.clock.timersOf(owner).length === 0)
    const end = this.clock.now + closeMs
    while (this.clock.now < end && !closing.every(isGone)) await this.clock.runUntil(this.clock.now + 500, () => false)
    for (const replica of closing) if (!this.isViolated) checkLeftBehind(this, replica)
  }

  #sum(of: (replica: Replica) => number): number {
    return [...this.replicas, ...this.ended].reduce((sum, replica) => sum + of(replica), 0)
  }
}
