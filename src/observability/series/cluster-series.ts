import type { ClusterCounts, OfflineCounts, PresenceCounts } from '../../core/accounting/cluster-counts.ts'
import { offlineBounds, publicationResults } from '../../core/accounting/labels.ts'
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

/** The series of what a replica knows of all replicas. `read` is called at each scrape. */
export function clusterSeries(read: () => ClusterCounts) {
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
