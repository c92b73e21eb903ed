import type { Cluster } from '../cluster/cluster.ts'
import type { Member } from '../cluster/members.ts'
import { type Identity, printScope } from '../model/identity.ts'
import type { ClientDirectory } from '../ports/client-directory.ts'
import type { Observer } from '../ports/observer.ts'
import type { Presence } from '../presence/presence.ts'
import type { Feed } from '../sessions/feeds/feed.ts'
import type { BrokerInspector } from './broker-inspector.ts'
import { ClientInspector } from './clients/client-inspector.ts'
import { PresenceInspector } from './clients/presence-inspector.ts'
import { ConfigurationInspector, type ConfigurationReader } from './definitions/configuration-inspector.ts'
import type { SchemaReader } from './definitions/field-definition.ts'
import { type MakeDraft, SchemaDrafts } from './definitions/schema-drafts.ts'
import { SchemaInspector } from './definitions/schema-inspector.ts'
import { JournalBrowser } from './journal/journal-browser.ts'
import { JournalHistogram } from './journal/journal-histogram.ts'
import { QuarantineInspector } from './quarantine-inspector.ts'
import { ReplicaOutcomes } from './replica-outcomes.ts'
import { type Accounts, accountsOf, type GatheredReports, type Stats } from './replicas/gateway-stats.ts'
import { LoadHistory } from './replicas/load-history.ts'
import { type DrainableReplica, type DrainListener, type DrainOptions, ReplicaDrain } from './replicas/replica-drain.ts'
import { ReplicaInspector, type ReplicaInspectorParts } from './replicas/replica-inspector.ts'
import { type ReplicaReport, readReplicaReport } from './replicas/replica-report.ts'
import { StatsFeeds } from './replicas/stats-feeds.ts'
import { SourceInspector } from './source-inspector.ts'
import { TailFeeds } from './tail-feeds.ts'
import { TraceInspector } from './trace-inspector.ts'

/** How old the reports are at most that `recentReports` returns, in milliseconds. */
const recentMs = 1_000

export interface InspectionParts extends Omit<ReplicaInspectorParts, 'version' | 'startedAt' | 'history'> {
  readonly cluster: Cluster
  readonly directory: ClientDirectory
  /** Undefined: presence is off. */
  readonly presence: Presence | undefined
  readonly broker: BrokerInspector
  readonly maxDecodedBytes: () => number
  /** As in `ReplicaDrainParts`. */
  readonly drainMs: () => number
  readonly isWorker: boolean
  readonly configuration: ConfigurationReader
  readonly schema: SchemaReader
  readonly makeDraft: MakeDraft
}

/** Who asked for a change, for the log. */
export interface Actor {
  readonly identity: Identity
  readonly address: string
}

/** A replica of the deployment, and its report if it answered in time. */
export interface InspectedReplica {
  readonly member: Member
  readonly report: ReplicaReport | undefined
}

/**
 * Answers what operators ask about the whole deployment: gathered from all replicas, in bounded
 * time, and with the names of those that did not answer. It costs nothing while no operator asks.
 */
export class Inspection {
  readonly #cluster: Cluster
  readonly #stats: StatsFeeds
  readonly #observer: Observer
  readonly #directory: ClientDirectory
  readonly clients: ClientInspector
  readonly presence: PresenceInspector
  readonly journal: JournalBrowser
  readonly histogram: JournalHistogram
  readonly history: LoadHistory
  readonly traces: TraceInspector
  readonly tail: TailFeeds
  readonly sources: SourceInspector
  readonly quarantine: QuarantineInspector
  readonly #drain: ReplicaDrain
  readonly configuration: ConfigurationInspector
  readonly schema: SchemaInspector
  readonly drafts: SchemaDrafts

  constructor(given: InspectionParts) {
    const { cluster, directory, presence, broker, maxDecodedBytes, configuration, schema, makeDraft, ...parts } = given
    this.#cluster = cluster
    this.#observer = parts.observer
    this.#directory = directory
    this.clients = new ClientInspector({ gateway: parts.gateway, gathering: cluster.gathering, directory })
    this.presence = new PresenceInspector(parts.gateway, presence)
    const outcomes = new ReplicaOutcomes({ ...parts, gathering: cluster.gathering })
    this.journal = new JournalBrowser(parts.gateway, parts.journal, parts.hotWindow, outcomes)
    this.histogram = new JournalHistogram(parts.gateway, parts.journal, parts.hotWindow, this.journal)
    this.history = new LoadHistory(cluster.gathering)
    this.traces = new TraceInspector(parts.gateway, cluster.gathering, this.journal, parts.hotWindow)
    this.sources = new SourceInspector({ ...parts, broker, browser: this.journal, maxDecodedBytes })
    this.quarantine = new QuarantineInspector(parts.gateway, broker)
    this.#drain = new ReplicaDrain({ ...parts, gathering: cluster.gathering })
    this.configuration = new ConfigurationInspector(configuration, cluster.gathering)
    this.tail = new TailFeeds({ gateway: parts.gateway, outcomes })
    const { gateway } = parts
    this.drafts = new SchemaDrafts({ gateway, broker, sources: this.sources, browser: this.journal, make: makeDraft })
    const { version, startedAt } = cluster
    const inspector = new ReplicaInspector({ ...parts, broker, version, startedAt, history: this.history })
    this.schema = new SchemaInspector({
      ...parts,
      gathering: cluster.gathering,
      browser: this.journal,
      reader: schema,
      rates: () => inspector.fieldRates(),
    })
    cluster.gathering.answer('replica', () => inspector.report())
    cluster.listen({ onTick: () => inspector.sample() })
    this.#stats = new StatsFeeds(() => this.reports())
  }

  /**
   * Writes one line to the log for a change that an operator made. `action`: a verb, `target`: what
   * it was done to, `reason`: why, if the operator gave a reason.
   */
  audit({ identity, address }: Actor, action: string, target: string, reason?: string | null): void {
    this.#observer.log('info', `audit: ${action}`, {
      by: identity.clientId ?? 'a token without a client id',
      scope: printScope(identity.scope).slice(0, 20).join(' '),
      from: address,
      target,
      ...(reason ? { reason: reason.slice(0, 500) } : {}),
    })
  }

  /** The reports of the replicas that answered. */
  async reports(): Promise<GatheredReports> {
    const gathered = await this.#cluster.gathering.ask('replica', null, readReplicaReport)
    return { ...gathered, at: Date.now() }
  }

  /**
   * As `reports`, or what was gathered in the last second for the rates that a console follows.
   */
  async recentReports(): Promise<GatheredReports> {
    const last = this.#stats.last
    return last && Math.abs(Date.now() - last.at) < recentMs ? last : this.reports()
  }

  /** All known replicas, sorted by name; this one, too. */
  replicasOf({ answers }: GatheredReports): InspectedReplica[] {
    const { members, replica, version, startedAt } = this.#cluster
    const own: Member = { replica, version, startedAt, lastSeenAt: Date.now(), endedAt: undefined }
    return [own, ...members.others]
      .map((member) => ({ member, report: answers.find((answer) => answer.replica === member.replica)?.value }))
      .toSorted((one, other) => (one.member.replica < other.member.replica ? -1 : 1))
  }

  /** Called once. The listener is called when this replica is drained and put back. */
  onDrain(listener: DrainListener): void {
    this.#drain.listen(listener)
  }

  /** As `ReplicaDrain.drain`. */
  async drain(replica: string, options: DrainOptions): Promise<void> {
    await this.#drain.drain(replica, await this.#drainable(), options)
  }

  /** As `ReplicaDrain.undrain`. */
  async undrain(replica: string): Promise<void> {
    await this.#drain.undrain(replica, await this.#drainable())
  }

  async #drainable(): Promise<DrainableReplica[]> {
    const all = this.replicasOf(await this.reports())
    return all.map(({ member, report }) => ({ name: member.replica, state: report?.state }))
  }

  countRegistered(): Promise<number> {
    return this.#directory.countClients()
  }

  async accounts(): Promise<Accounts> {
    return accountsOf(await this.reports())
  }

  /** Fills the feed until it ends. */
  followStats(feed: Feed<Stats>, everyMs: number): void {
    this.#stats.begin(feed, everyMs)
  }
}
