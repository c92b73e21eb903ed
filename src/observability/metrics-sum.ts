import { AggregatorRegistry } from 'prom-client'
import type { Snapshot } from './snapshot.ts'

/**
 * What several processes have counted, as one would have: each metric by its own aggregator, sums
 * for the most.
 */
export async function sumOf(snapshots: readonly Snapshot[]): Promise<Snapshot> {
  return (await registryOf(snapshots).getMetricsAsJSON()) as unknown as Snapshot
}

/** The same in the text exposition format. */
export function printSum(snapshots: readonly Snapshot[]): Promise<string> {
  return registryOf(snapshots).metrics()
}

/** What remains of a process that is gone: what it counted was, and what it had it has no more. */
export function lasting(snapshot: Snapshot): Snapshot {
  return snapshot.filter(({ type }) => type === 'counter' || type === 'histogram')
}

/** What a process that serves nobody itself adds to the sum: its share of the machine. */
export function ofProcess(snapshot: Snapshot): Snapshot {
  return snapshot.filter(({ name }) => name.startsWith('process_') || name === 'warren_workers_lost_total')
}

function registryOf(snapshots: readonly Snapshot[]): AggregatorRegistry<'text/plain; version=0.0.4; charset=utf-8'> {
  // Its types are those of prom-client's own metrics, which a snapshot is made of.
  return AggregatorRegistry.aggregate(snapshots as unknown as object[]) as never
}
