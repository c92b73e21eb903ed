import type { SnapshotMetric } from './snapshot.ts'

/**
 * A histogram without labels. An observation with prom-client takes 8 µs, as long as a write to a
 * socket. https://prometheus.io/docs/instrumenting/exposition_formats/#histograms-and-summaries
 */
export class Buckets {
  readonly #name: string
  readonly #help: string
  readonly #bounds: readonly number[]
  /**
   * Observations of each bucket alone, not cumulative. The last bucket has the values above all
   * bounds.
   */
  readonly #counts: number[]
  #sum = 0

  constructor(name: string, help: string, bounds: readonly number[]) {
    this.#name = name
    this.#help = help
    this.#bounds = bounds
    this.#counts = [...bounds, Number.POSITIVE_INFINITY].map(() => 0)
  }

  /** Adds `times` observations of the same value. */
  observe(value: number, times: number): void {
    let index = 0
    while (index < this.#bounds.length && value > (this.#bounds[index] as number)) index += 1
    this.#counts[index] = (this.#counts[index] as number) + times
    this.#sum += value * times
  }

  /** The observations of each bucket alone. `upTo` null: above all bounds. */
  get counts(): { readonly upTo: number | null; readonly count: number }[] {
    return this.#counts.map((count, index) => ({ upTo: this.#bounds[index] ?? null, count }))
  }

  snapshot(): SnapshotMetric {
    const name = this.#name
    let count = 0
    const buckets = [...this.#bounds, '+Inf'].map((le, index) => {
      count += this.#counts[index] as number
      return { metricName: `${name}_bucket`, labels: { le: String(le) }, value: count }
    })
    const sum = { metricName: `${name}_sum`, labels: {}, value: this.#sum }
    const values = [...buckets, sum, { metricName: `${name}_count`, labels: {}, value: count }]
    return { name, help: this.#help, type: 'histogram', aggregator: 'sum', values }
  }
}

/** In the text exposition format. */
export function printHistogram({ name, help, values }: SnapshotMetric): string {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`]
  for (const { metricName, labels, value } of values) {
    lines.push(`${metricName}${'le' in labels ? `{le="${labels['le']}"}` : ''} ${value}`)
  }
  return `${lines.join('\n')}\n`
}
