import { createMetrics } from '../../observability/metrics.ts'
import type { DescribedMetric } from '../../observability/series/metric-registry.ts'

/** `docs/metrics.md`. */
export function metricsManual(): string {
  const metrics = createMetrics()
  const { described } = metrics
  metrics.close()
  const parts = [
    '# Metrics',
    '<!-- Printed from src/observability/metrics.ts by `npm run generate`; do not edit. -->',
    [
      'Prometheus scrapes `/metrics` on the ops port (`WARREN_OPS_PORT`). Every series with the label values listed here exists from the start, at 0.',
      'Label values come from lists in the code, never from clients. `source` is the id in `rabbitChannels { id }`. `k8s/monitoring` has a dashboard',
      'and alert rules.',
    ].join('\n'),
    ['| metric | type | labels | meaning |', '|---|---|---|---|', ...described.map(row)].join('\n'),
    [
      'The default metrics of [prom-client](https://github.com/siimon/prom-client#default-metrics) about Node.js and the process are also exported:',
      '`nodejs_eventloop_lag_p99_seconds`, `nodejs_heap_size_used_bytes`, `process_resident_memory_bytes`, `process_cpu_seconds_total` and more.',
      'The lag of the event loop is measured every 100 ms, without that interval, so that it is near 0 in a gateway that is not busy.',
    ].join('\n'),
  ]
  return `${parts.join('\n\n')}\n`
}

function row({ name, kind, help, labels }: DescribedMetric): string {
  const shown = [...labels].map(([label, values]) =>
    values.length === 0 ? `\`${label}\`` : `\`${label}\`: ${values.map((value) => `\`${value}\``).join(', ')}`,
  )
  return `| \`${name}\` | ${kind} | ${shown.join('<br>')} | ${help} |`
}
