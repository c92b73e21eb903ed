import { type Aggregator, Counter, Gauge, Registry } from 'prom-client'
import { metricsOfNode } from './node-metrics.ts'
import { labelsOf, type Series } from './series.ts'

export interface DescribedMetric {
  readonly name: string
  readonly kind: 'gauge' | 'counter' | 'histogram'
  readonly help: string
  /**
   * The values of each label that exist from the start. Empty if operators create them later
   * (sources).
   */
  readonly labels: ReadonlyMap<string, readonly string[]>
}

/** Registers series with prom-client, which reads them at a scrape. */
export class MetricRegistry {
  /** In print order, without Node's default metrics. */
  readonly described: DescribedMetric[] = []
  readonly #registry = Registry.merge([metricsOfNode()])

  get contentType(): string {
    return this.#registry.contentType
  }

  /** `aggregator`: how the values of several workers become one. */
  gauge(name: string, help: string, { labelNames, each }: Series, aggregator: Aggregator = 'sum'): void {
    this.described.push({ name, kind: 'gauge', help, labels: labelsOf({ labelNames, each }) })
    const gauge = new Gauge({
      name,
      help,
      aggregator,
      registers: [this.#registry],
      labelNames,
      collect() {
        // A field that the schema no longer has must not keep its last value.
        gauge.reset()
        each((labels, value) => gauge.set(labels, value))
      },
    })
  }

  counter(name: string, help: string, { labelNames, each }: Series): void {
    this.described.push({ name, kind: 'counter', help, labels: labelsOf({ labelNames, each }) })
    const counter = new Counter({
      name,
      help,
      registers: [this.#registry],
      labelNames,
      collect() {
        counter.reset()
        each((labels, value) => counter.inc(labels, value))
      },
    })
  }

  print(): Promise<string> {
    return this.#registry.metrics()
  }

  values(): ReturnType<Registry['getMetricsAsJSON']> {
    return this.#registry.getMetricsAsJSON()
  }

  close(): void {
    this.#registry.clear()
  }
}
