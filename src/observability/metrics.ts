import type { ClusterCounts } from '../core/accounting/cluster-counts.ts'
import type { Counts, TransportCounts } from '../core/accounting/counts.ts'
import { DeliveryCounter } from '../core/accounting/delivery-counter.ts'
import {
  dropReasons,
  type FormerOutcome,
  formerOutcomes,
  type MessageOutcome,
  messageOutcomes,
  type QuarantineReason,
  quarantineReasons,
  type SessionEnd,
  sessionEnds,
  type TransportName,
  transportNames,
} from '../core/accounting/labels.ts'
import type { StateCounts } from '../core/accounting/state-counts.ts'
import type { Observer } from '../core/ports/observer.ts'
import type { PositionCounts } from '../core/positions/position-counts.ts'
import { type ErrorCode, errorTable } from '../errors.ts'
import { Buckets, printHistogram } from './buckets.ts'
import { registerCluster } from './series/cluster-series.ts'
import { FieldMetrics } from './series/field-metrics.ts'
import { type DescribedMetric, MetricRegistry } from './series/metric-registry.ts'
import { registerPositions } from './series/position-series.ts'
import { cross, metricFamily, type Series } from './series/series.ts'
import { registerStates } from './series/state-series.ts'
import type { Snapshot, SnapshotMetric } from './snapshot.ts'

export type Measured = Omit<Observer, 'log'>

/**
 * The metrics of the gateway for Prometheus. Counting is one addition; everything else is computed
 * at a scrape.
 */
export interface Metrics extends Measured {
  readonly contentType: string
  /**
   * Totals for the log line when the gateway ends. Matched events are delivered, dropped or
   * pending, and started sessions are open or ended.
   */
  balance(): Record<string, number>
  /** Call it when a worker process was lost. */
  workerLost(): void
  /** The text exposition format. */
  print(): Promise<string>
  /** All metrics as plain values, for `sumOf`. */
  snapshot(): Promise<Snapshot>
  /**
   * Warren's metrics without Node's default ones, in print order. `docs/metrics.md` is printed from
   * this list.
   */
  readonly described: readonly DescribedMetric[]
  close(): void
}

/**
 * From broker receipt to socket write, in seconds: from below a millisecond to a delay that needs
 * an alert.
 */
const deliveryBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

export function createMetrics(): Metrics {
  const registry = new MetricRegistry()

  const connections = metricFamily<[TransportName]>(['transport'], cross(transportNames))
  const subscriptions = metricFamily<[TransportName]>(['transport'], cross(transportNames))
  const received = metricFamily<[source: string]>(['source'], [])
  const quarantined = metricFamily<[QuarantineReason]>(['reason'], cross(quarantineReasons))
  const redelivered = metricFamily<[]>([], [])
  const unreadable = metricFamily<[]>([], [[]])
  const notStored = metricFamily<[]>([], [[]])
  const outcomes = metricFamily<[MessageOutcome]>(['outcome'], cross(messageOutcomes))
  const routed = metricFamily<[FormerOutcome]>(['fate'], cross(Object.values(formerOutcomes)))
  const describedDelivery = ['warren_delivery_seconds', 'From broker receipt to socket write.'] as const
  const delivery = new Buckets(...describedDelivery, deliveryBuckets)
  // A clock that was set back must not make the delivery of a message throw.
  const onTimed = (seconds: number, deliveries: number): void => {
    if (seconds >= 0) delivery.observe(seconds, deliveries)
  }
  const deliveries = (): SnapshotMetric => {
    for (const account of accounts.values()) account.flushTimes()
    return delivery.snapshot()
  }
  const accounts = new Map(transportNames.map((transport) => [transport, new DeliveryCounter(onTimed)]))
  const ofEvents = (read: (account: DeliveryCounter) => number): Series => ({
    labelNames: ['transport'],
    each: (visit) => {
      for (const [transport, account] of accounts) visit({ transport }, read(account))
    },
  })
  const dropped: Series = {
    labelNames: ['transport', 'reason'],
    each: (visit) => {
      for (const [transport, account] of accounts) {
        for (const reason of dropReasons) visit({ transport, reason }, account.dropped[reason])
      }
    },
  }
  const fields = new FieldMetrics()
  let clusterCounts = (): ClusterCounts => ({ replicas: 0, presence: undefined })
  let stateCounts = (): readonly StateCounts[] => []
  let positionCounts: () => PositionCounts | undefined = () => undefined
  const started = metricFamily<[TransportName]>(['transport'], cross(transportNames))
  const resumes = metricFamily<['resumed' | 'gap']>(['result'], [['resumed'], ['gap']])
  const ended = metricFamily<[TransportName, SessionEnd]>(['transport', 'reason'], cross(transportNames, sessionEnds))
  const deliveriesFailed = metricFamily<[TransportName]>(['transport'], cross(transportNames))
  const refusals = metricFamily<[ErrorCode]>(['code'], cross(Object.keys(errorTable) as ErrorCode[]))
  let outboxBytes = (): number => 0
  const broker = metricFamily<[]>([], [[]])
  const workers = metricFamily<[]>([], [[]])
  workers.set(1)
  const workersLost = metricFamily<[]>([], [[]])
  const executions = metricFamily<[]>([], [[]])

  registry.gauge('warren_connections', 'Open connections.', connections)
  registry.gauge('warren_subscriptions', 'Open subscriptions.', subscriptions)
  registry.counter(
    'warren_messages_received_total',
    'Messages read from the journal, by the id of their source.',
    received,
  )
  registry.counter(
    'warren_messages_quarantined_total',
    'Messages that could not be delivered and were moved to the quarantine.',
    quarantined,
  )
  registry.counter(
    'warren_messages_redelivered_total',
    'Messages of buffered sources that may be repeated, because a gateway ended before it acknowledged them.',
    redelivered,
  )
  registry.counter(
    'warren_unreadable_messages_total',
    'Messages that RabbitMQ could not deliver to any consumer, so the gateway skipped them.',
    unreadable,
  )
  registry.counter(
    'warren_messages_not_stored_total',
    'Messages of this gateway that RabbitMQ confirmed but did not store, so the gateway published them again.',
    notStored,
  )
  registry.counter(
    'warren_message_outcomes_total',
    'Messages read from the journal, by their outcome on this replica.',
    outcomes,
  )
  registry.counter(
    'warren_messages_routed_total',
    'Deprecated, removed in the next release: `warren_message_outcomes_total` with the former label values.',
    routed,
  )
  registry.counter(
    'warren_events_matched_total',
    'Events that subscriptions took, live or in a replay: delivered, dropped or pending.',
    ofEvents(({ matched }) => matched),
  )
  registry.counter(
    'warren_deliveries_total',
    'Events delivered to clients.',
    ofEvents(({ delivered }) => delivered),
  )
  registry.counter(
    'warren_events_dropped_total',
    'Events that subscriptions dropped before delivery, by reason.',
    dropped,
  )
  registry.gauge(
    'warren_events_pending',
    'Events that wait for slow clients.',
    ofEvents(({ pending }) => pending),
  )
  registry.counter(
    'warren_events_passed_over_total',
    'Messages that subscriptions with `every` passed over for a newer one. They count neither as matched nor as dropped.',
    ofEvents(({ passedOver }) => passedOver),
  )
  registry.counter(
    'warren_subscriptions_behind_total',
    'Times that a subscription fell behind its channel and continued from the journal at the pace of its client.',
    ofEvents(({ fellBehind }) => fellBehind),
  )
  fields.register(registry)
  registry.counter('warren_resumes_total', 'Subscriptions that started at a cursor, by result.', resumes)
  registry.counter('warren_sessions_started_total', 'Started sessions.', started)
  registry.counter('warren_sessions_ended_total', 'Ended sessions, by reason.', ended)
  registry.counter(
    'warren_deliveries_failed_total',
    'Subscriptions that ended because the gateway failed to deliver an event. This is a bug; the log has details.',
    deliveriesFailed,
  )
  registry.counter(
    'warren_refusals_total',
    'Requests answered with an error and rejected connections, by code.',
    refusals,
  )
  registry.gauge('warren_outbox_bytes', 'Bytes that wait to be written to sockets.', {
    labelNames: [],
    each: (visit) => visit({}, outboxBytes()),
  })
  // Of several workers, the worst value matters.
  registry.gauge(
    'warren_broker_up',
    '1 while the broker is reachable and the gateway reads the journal.',
    broker,
    'min',
  )
  registry.counter('warren_executions_total', 'GraphQL executions.', executions)
  registerCluster(registry, () => clusterCounts())
  registerStates(registry, () => stateCounts())
  registerPositions(registry, () => positionCounts())
  registry.gauge('warren_workers', 'Running processes; more than one with `WARREN_WORKERS`.', workers)
  registry.counter('warren_workers_lost_total', 'Workers that exited unexpectedly and were restarted.', workersLost)
  const [name, help] = describedDelivery
  registry.described.push({ name, kind: 'histogram', help, labels: new Map() })

  return {
    messageReceived: (source) => received.add(1, source),
    messageQuarantined: (reason) => quarantined.add(1, reason),
    messageRedelivered: () => redelivered.add(1),
    messageUnreadable: () => unreadable.add(1),
    messagesNotStored: (messages) => notStored.add(messages),
    messageRouted(outcome) {
      outcomes.add(1, outcome)
      routed.add(1, formerOutcomes[outcome])
    },
    eventsOf: (transport) => accounts.get(transport) ?? new DeliveryCounter(onTimed),
    fieldCounter: (field) => fields.counterOf(field),
    fieldsServed: (names, withPublish) => fields.served(names, withPublish),
    fieldPublished: (field, result) => fields.publicationEnded(field, result),
    clusterCounts: (read) => {
      clusterCounts = read
    },
    stateCounts: (read) => {
      stateCounts = read
    },
    positionCounts: (read) => {
      positionCounts = read
    },
    resumed: (result) => resumes.add(1, result),
    sessionStarted(transport) {
      connections.add(1, transport)
      started.add(1, transport)
    },
    sessionEnded(transport, reason) {
      connections.add(-1, transport)
      ended.add(1, transport, reason)
    },
    subscriptionStarted: (transport) => subscriptions.add(1, transport),
    subscriptionEnded: (transport) => subscriptions.add(-1, transport),
    deliveryFailed: (transport) => deliveriesFailed.add(1, transport),
    refused: (code) => refusals.add(1, code),
    brokerUp: (up) => broker.set(up ? 1 : 0),
    executed: () => executions.add(1),
    outboxBytes: (read) => {
      outboxBytes = read
    },
    workerLost: () => workersLost.add(1),
    counts(): Counts {
      const values = <Label extends string>(series: Series, label: string): Map<Label, number> => {
        const found = new Map<Label, number>()
        series.each((labels, value) => found.set(labels[label] as Label, value))
        return found
      }
      const sessions = values<TransportName>(connections, 'transport')
      const open = values<TransportName>(subscriptions, 'transport')
      const sessionsStarted = values<TransportName>(started, 'transport')
      const transports = new Map<TransportName, TransportCounts>()
      for (const [transport, account] of accounts) {
        if (!sessionsStarted.get(transport)) continue
        const { matched, delivered, pending, fellBehind } = account
        transports.set(transport, {
          sessions: sessions.get(transport) ?? 0,
          subscriptions: open.get(transport) ?? 0,
          matched,
          delivered,
          dropped: dropReasons.reduce((sum, reason) => sum + account.dropped[reason], 0),
          pending,
          fellBehind,
        })
      }
      for (const account of accounts.values()) account.flushTimes()
      return {
        received: values(received, 'source'),
        outcomes: values<MessageOutcome>(outcomes, 'outcome'),
        transports,
        fields: new Map(
          [...fields.counters].map(([field, { matched, delivered, filtered, invalid }]) => [
            field,
            { matched, delivered, filtered, invalid },
          ]),
        ),
        deliveryTimes: delivery.counts.map(({ upTo, count }) => ({
          upToMs: upTo === null ? null : upTo * 1000,
          count,
        })),
        outboxBytes: outboxBytes(),
      }
    },
    balance() {
      const sum = (series: Series) => {
        let total = 0
        series.each((_labels, value) => {
          total += value
        })
        return total
      }
      return {
        matched: sum(ofEvents((account) => account.matched)),
        delivered: sum(ofEvents((account) => account.delivered)),
        dropped: sum(dropped),
        pending: sum(ofEvents((account) => account.pending)),
        sessions: sum(started),
        ended: sum(ended),
      }
    },
    contentType: registry.contentType,
    described: registry.described,
    print: async () => `${await registry.print()}\n${printHistogram(deliveries())}`,
    snapshot: async () => [...(await registry.values()), deliveries()] as Snapshot,
    close: () => registry.close(),
  }
}
