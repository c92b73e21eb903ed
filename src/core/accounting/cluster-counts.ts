import type { OfflineBound, PublicationResult } from './labels.ts'

/** What a replica knows of the others, at one moment. */
export interface ClusterCounts {
  /** The replicas that are alive, this one included. */
  readonly replicas: number
  /** Undefined with `WARREN_PRESENCE=off`. */
  readonly presence: PresenceCounts | undefined
  /** Undefined with `WARREN_OFFLINE=off`. */
  readonly offline?: OfflineCounts | undefined
}

export interface OfflineCounts {
  /** Notices that this replica published. */
  readonly notices: Readonly<Record<PublicationResult, number>>
  /** How often each bound took effect. */
  readonly bounds: Readonly<Record<OfflineBound, number>>
  /** Clients with a notice that is still to be published, on any replica. */
  readonly waiting: number
  /** Clients that get no further notice in their quiet period. */
  readonly quiet: number
}

export interface PresenceCounts {
  /** Clients that are online, over all replicas. */
  readonly online: number
  /** Changes that this replica was responsible for. Of all replicas, one counts each change. */
  readonly changes: Readonly<Record<'online' | 'offline', number>>
  readonly publications: Readonly<Record<PublicationResult, number>>
  /** Changes that wait for the broker. */
  readonly unpublished: number
}
