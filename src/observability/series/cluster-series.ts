import type { ClusterCounts, OfflineCounts, PresenceCounts } from '../../core/accounting/cluster-counts.ts'
import { offlineBounds, publicationResults } from '../../core/accounting/labels.ts'
import type { MetricRegistry } from './metric-registry.ts'
import type { Series } from './series.ts'

const noPresence: PresenceCounts = {
  online: 0,
  changes: { online: 0, offline: 0 },
  publications: { confirmed: 0, failed: 0 },
  unpublished: 0,
}

const noOffline: OfflineCounts = {
  notices: { confirmed: 0, failed: 0 },
  bounds: { evicted: 0, dropped: 0, rate: 0 },
  waiting: 0,
  quiet: 0,
}

/** Registers what a replica knows of all replicas. `read` is called at each scrape. */
export function registerCluster(registry: MetricRegistry, read: () => ClusterCounts): void {
  const series = clusterSeries(read)
  // Each replica has the whole picture, so the worst of several workers counts.
  registry.gauge(
    'warren_replicas',
    'Running replicas that this one knows, itself included. Each worker is a replica.',
    series.replicas,
    'min',
  )
  registry.gauge(
    'warren_presence_online',
    'Clients that are online on any replica, as this one knows. 0 with `WARREN_PRESENCE=off`.',
    series.online,
    'max',
  )
  registry.counter(
    'warren_presence_changes_total',
    'Clients that came online or went offline. One replica counts each change.',
    series.changes,
  )
  registry.counter(
    'warren_presence_publications_total',
    'Changes that were published to the exchange `<namespace>.presence`, by result.',
    series.publications,
  )
  registry.gauge(
    'warren_presence_unpublished',
    'Changes of presence that wait to be published, because the broker cannot be reached.',
    series.unpublished,
  )
  registry.counter(
    'warren_offline_notices_total',
    'Notices about clients without a session that were published to the exchange `<namespace>.offline`, by result. One replica publishes each.',
    series.notices,
  )
  registry.gauge(
    'warren_offline_waiting',
    'Notices that wait: for the grace time of their client, for WARREN_MAX_OFFLINE_RATE, or for the broker. Every replica has the whole number.',
    series.noticesWaiting,
    'max',
  )
  registry.gauge(
    'warren_offline_quiet_clients',
    'Clients that got a notice within WARREN_OFFLINE_QUIET and have not come back. Every replica has the whole number.',
    series.quietClients,
    'max',
  )
  registry.counter(
    'warren_offline_bounds_total',
    'How often a bound of the notices took effect: `evicted` ended a quiet period early, `dropped` lost a notice (WARREN_MAX_OFFLINE_CLIENTS), `rate` let notices wait (WARREN_MAX_OFFLINE_RATE; checked four times a second).',
    series.offlineBounds,
  )
}

/** The series of what a replica knows of all replicas. */
function clusterSeries(read: () => ClusterCounts) {
  const presence = (): PresenceCounts => read().presence ?? noPresence
  const offline = (): OfflineCounts => read().offline ?? noOffline
  const one = (value: () => number): Series => ({ labelNames: [], each: (visit) => visit({}, value()) })
  const by = <Label extends string>(
    name: string,
    labels: readonly Label[],
    counts: () => Readonly<Record<Label, number>>,
  ): Series => ({
    labelNames: [name],
    each: (visit) => {
      const values = counts()
      for (const label of labels) visit({ [name]: label }, values[label])
    },
  })
  return {
    replicas: one(() => read().replicas),
    online: one(() => presence().online),
    changes: by('change', ['online', 'offline'], () => presence().changes),
    publications: by('result', publicationResults, () => presence().publications),
    unpublished: one(() => presence().unpublished),
    notices: by('result', publicationResults, () => offline().notices),
    noticesWaiting: one(() => offline().waiting),
    quietClients: one(() => offline().quiet),
    offlineBounds: by('bound', offlineBounds, () => offline().bounds),
  }
}
