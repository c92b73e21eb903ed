import type { ClusterCounts, PresenceCounts } from '../../core/accounting/cluster-counts.ts'
import { publicationResults } from '../../core/accounting/labels.ts'
import type { Series } from './series.ts'

const noPresence: PresenceCounts = {
  online: 0,
  changes: { online: 0, offline: 0 },
  publications: { confirmed: 0, failed: 0 },
  unpublished: 0,
}

/** The series of what a replica knows of all replicas. `read` is called at each scrape. */
export function clusterSeries(read: () => ClusterCounts) {
  const presence = (): PresenceCounts => read().presence ?? noPresence
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
  }
}
