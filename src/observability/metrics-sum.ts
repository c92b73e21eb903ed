import { AggregatorRegistry } from 'prom-client'
import type { Snapshot } from './snapshot.ts'

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

/** The metrics to keep of a process that has exited: counters and histograms, not gauges. */
export function withoutGauges(snapshot: Snapshot): Snapshot {
  return snapshot.filter(({ type }) => type === 'counter' || type === 'histogram')
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
