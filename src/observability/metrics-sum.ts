import { AggregatorRegistry } from 'prom-client'
import type { Snapshot, SnapshotMetric } from './snapshot.ts'

/**
 * Merges the metrics of several processes into one set. Each metric uses its own aggregator, mostly
 * the sum.
 */
export async function sumOf(snapshots: readonly Snapshot[]): Promise<Snapshot> {
  return (await registryOf(snapshots).getMetricsAsJSON()) as unknown as Snapshot
}

/** Like `sumOf`, in the text exposition format. */
export function printSum(snapshots: readonly Snapshot[]): Promise<string> {
  return registryOf(snapshots).metrics()
}

/**
 * The metrics to keep of a process that has exited: counters and histograms, not gauges. What was
 * open ended with the process: its sessions are lost, and its pending events are dropped. Otherwise
 * the accounts of sessions and events would never balance again.
 */
export function ofExited(snapshot: Snapshot): Snapshot {
  return snapshot
    .map((metric) => {
      if (metric.name === 'warren_sessions_ended_total') return withOpen(metric, snapshot, 'warren_connections', 'lost')
      if (metric.name === 'warren_events_dropped_total')
        return withOpen(metric, snapshot, 'warren_events_pending', 'ended')
      return metric
    })
    .filter(({ type }) => type === 'counter' || type === 'histogram')
}

/** Adds the values of a gauge by transport to a counter by transport and reason. */
function withOpen(counter: SnapshotMetric, snapshot: Snapshot, gauge: string, reason: string): SnapshotMetric {
  const open = snapshot.find(({ name }) => name === gauge)?.values ?? []
  const values = counter.values.map((series) => {
    if (series.labels['reason'] !== reason) return series
    const { transport } = series.labels
    const left = open.find(({ labels }) => labels['transport'] === transport)?.value ?? 0
    return { ...series, value: series.value + left }
  })
  return { ...counter, values }
}

/**
 * The metrics that the primary adds to the sum: its own resource usage and its count of lost
 * workers.
 */
export function primaryMetrics(snapshot: Snapshot): Snapshot {
  return snapshot.filter(({ name }) => name.startsWith('process_') || name === 'warren_workers_lost_total')
}

function registryOf(snapshots: readonly Snapshot[]): AggregatorRegistry<'text/plain; version=0.0.4; charset=utf-8'> {
  // The declared types are those of prom-client's own metrics, which a snapshot consists of.
  return AggregatorRegistry.aggregate(snapshots as unknown as object[]) as never
}
