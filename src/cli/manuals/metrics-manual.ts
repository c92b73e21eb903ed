import { createMetrics, type DescribedMetric } from '../../observability/metrics.ts'

/** `docs/metrics.md`. */
export function metricsManual(): string {
  const metrics = createMetrics()
  const { described } = metrics
  metrics.close()
  const parts = [
    '# Metrics',
    '<!-- Printed from src/observability/metrics.ts by `npm run generate`; do not edit. -->',
    [
      'Prometheus scrapes `/metrics` on the ops port (`WARREN_OPS_PORT`). Every series whose label values are listed here is there from the start, at 0.',
      'Label values come from lists in the code, never from clients; `source` is the id that `rabbitChannels { id }` shows. A dashboard and alert',
      'rules made of these: `k8s/monitoring`.',
    ].join('\n'),
    ['| metric | kind | labels | what |', '|---|---|---|---|', ...described.map(row)].join('\n'),
    [
      "Beside them are Node's own and the process's, as [prom-client](https://github.com/siimon/prom-client#default-metrics) has them:",
      '`nodejs_eventloop_lag_p99_seconds`, `nodejs_heap_size_used_bytes`, `process_resident_memory_bytes`, `process_cpu_seconds_total` and more.',
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
