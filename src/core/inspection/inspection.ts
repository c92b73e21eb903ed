import type { Cluster } from '../cluster/cluster.ts'
import type { Member } from '../cluster/members.ts'
import type { Feed } from '../sessions/feed.ts'
import { type Accounts, accountsOf, type GatheredReports, type Stats } from './gateway-stats.ts'
import { ReplicaInspector, type ReplicaInspectorParts } from './replica-inspector.ts'
import { type ReplicaReport, readReplicaReport } from './replica-report.ts'
import { StatsFeeds } from './stats-feeds.ts'

export interface InspectionParts extends Omit<ReplicaInspectorParts, 'version' | 'startedAt'> {
  readonly cluster: Cluster
}

/** A replica of the deployment, and its report if it answered in time. */
export interface InspectedReplica {
  readonly member: Member
  readonly report: ReplicaReport | undefined
}

/**
 * Answers what operators ask about the whole deployment: gathered from all replicas, in bounded
 * time, and with the names of those that did not answer. It costs nothing while nobody asks.
 */
export class Inspection {
  readonly #cluster: Cluster
  readonly #stats: StatsFeeds

  constructor({ cluster, ...parts }: InspectionParts) {
    this.#cluster = cluster
    const { version, startedAt } = cluster
    const inspector = new ReplicaInspector({ ...parts, version, startedAt })
    cluster.gathering.answer('replica', () => inspector.report())
    cluster.listen({ onTick: () => inspector.sample() })
    this.#stats = new StatsFeeds(() => this.reports())
  }

  /** The reports of the replicas that answered. */
  async reports(): Promise<GatheredReports> {
    const gathered = await this.#cluster.gathering.ask('replica', null, readReplicaReport)
    return { ...gathered, at: Date.now() }
  }

  /** All known replicas, sorted by name; this one, too. */
  replicasOf({ answers }: GatheredReports): InspectedReplica[] {
    const { members, replica, version, startedAt } = this.#cluster
    const own: Member = { replica, version, startedAt, heardAt: Date.now(), endedAt: undefined }
    return [own, ...members.others]
      .map((member) => ({ member, report: answers.find((answer) => answer.replica === member.replica)?.value }))
      .toSorted((one, other) => (one.member.replica < other.member.replica ? -1 : 1))
  }

  async accounts(): Promise<Accounts> {
    return accountsOf(await this.reports())
  }

  /** Fills the feed until it ends. */
  followStats(feed: Feed<Stats>, everyMs: number): void {
    this.#stats.begin(feed, everyMs)
  }
}
