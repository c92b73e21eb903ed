import type { Aggregator } from 'prom-client'

/** All metrics of one process at one moment, as plain values that can be sent between processes. */
export type Snapshot = readonly SnapshotMetric[]

export interface SnapshotMetric {
  readonly name: string
  readonly help: string
  readonly type: string
  /** How prom-client combines the values of several processes. */
  readonly aggregator: Aggregator
  readonly values: readonly {
    readonly labels: Readonly<Record<string, string | number>>
    readonly value: number
    readonly metricName?: string
  }[]
}
