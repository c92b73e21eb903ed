import { FieldCounter } from '../../core/accounting/field-counter.ts'
import { type PublicationResult, publicationResults } from '../../core/accounting/labels.ts'
import type { MetricRegistry } from './metric-registry.ts'
import type { Series } from './series.ts'

/** The metrics of typed fields: those that the schema has now. */
export class FieldMetrics {
  #fields = new Map<string, FieldCounter>()
  #published = new Map<string, Record<PublicationResult, number>>()

  get counters(): ReadonlyMap<string, FieldCounter> {
    return this.#fields
  }

  counterOf(field: string): FieldCounter {
    const known = this.#fields.get(field)
    if (known) return known
    const added = new FieldCounter()
    this.#fields.set(field, added)
    return added
  }

  served(names: readonly string[], withPublish: readonly string[]): void {
    const published = this.#published
    this.#published = new Map(withPublish.map((name) => [name, published.get(name) ?? { confirmed: 0, failed: 0 }]))
    const fields = this.#fields
    this.#fields = new Map(names.map((name) => [name, fields.get(name) ?? new FieldCounter()]))
  }

  publicationEnded(field: string, result: PublicationResult): void {
    const counts = this.#published.get(field)
    if (counts) counts[result] += 1
  }

  register(registry: MetricRegistry): void {
    registry.counter(
      'warren_event_matched_total',
      'Messages that matched a subscription of a typed field when they arrived.',
      this.#by(({ matched }) => matched),
    )
    registry.counter(
      'warren_event_delivered_total',
      'Events of a typed field that were delivered to clients.',
      this.#by(({ delivered }) => delivered),
    )
    registry.counter(
      'warren_event_filtered_total',
      'Messages that a typed field excluded by their event type or by a condition of the schema.',
      this.#by(({ filtered }) => filtered),
    )
    registry.counter(
      'warren_event_invalid_total',
      'Messages that did not fit the type of a typed field.',
      this.#by(({ invalid }) => invalid),
    )
    registry.gauge(
      'warren_event_subscriptions',
      'Open subscriptions of a typed field.',
      this.#by(({ subscriptions }) => subscriptions),
    )
    registry.counter(
      'warren_event_published_total',
      'Calls of a field with `@publish`, by result: RabbitMQ confirmed the message, or it was refused.',
      {
        labelNames: ['field', 'result'],
        each: (visit) => {
          for (const [field, counts] of this.#published)
            for (const result of publicationResults) visit({ field, result }, counts[result])
        },
      },
    )
  }

  #by(read: (counter: FieldCounter) => number): Series {
    return {
      labelNames: ['field'],
      each: (visit) => {
        for (const [field, counter] of this.#fields) visit({ field }, read(counter))
      },
    }
  }
}
