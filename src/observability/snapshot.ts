import type { Aggregator } from 'prom-client'

/** All metrics of one process at one moment: plain values, as they go from process to process. */
export type Snapshot = readonly SnapshotMetric[]

export interface SnapshotMetric {
  readonly name: string
  readonly help: string
  readonly type: string
  /** How prom-client makes one value of those of several processes. */
  readonly aggregator: Aggregator
  readonly values: readonly {
    readonly labels: Readonly<Record<string, string | number>>
    readonly value: number
    readonly metricName?: string
  }[]
}
