import { type Aggregator, Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { ClusterCounts } from '../core/accounting/cluster-counts.ts'
import type { Counts, TransportCounts } from '../core/accounting/counts.ts'
import { DeliveryCounter } from '../core/accounting/delivery-counter.ts'
import { FieldCounter } from '../core/accounting/field-counter.ts'
import {
  dropReasons,
  type FormerOutcome,
  formerOutcomes,
  type MessageOutcome,
  messageOutcomes,
  type PublicationResult,
  publicationResults,
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
import { clusterSeries } from './series/cluster-series.ts'
import { positionSeries } from './series/position-series.ts'
import { cross, labelsOf, metricFamily, type Series } from './series/series.ts'
import { stateSeries } from './series/state-series.ts'
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

/**
 * From broker receipt to socket write, in seconds: from below a millisecond to a delay that needs
 * an alert.
 */
const deliveryBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })

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
  let fields = new Map<string, FieldCounter>()
  const ofFields = (read: (counter: FieldCounter) => number): Series => ({
    labelNames: ['field'],
    each: (visit) => {
      for (const [field, count] of fields) visit({ field }, read(count))
    },
  })
  let published = new Map<string, Record<PublicationResult, number>>()
  const publications: Series = {
    labelNames: ['field', 'result'],
    each: (visit) => {
      for (const [field, counts] of published)
        for (const result of publicationResults) visit({ field, result }, counts[result])
    },
  }
  let clusterCounts = (): ClusterCounts => ({ replicas: 0, presence: undefined })
  const ofCluster = clusterSeries(() => clusterCounts())
  let stateCounts = (): readonly StateCounts[] => []
  const ofStates = stateSeries(() => stateCounts())
  let positionCounts: () => PositionCounts | undefined = () => undefined
  const ofPositions = positionSeries(() => positionCounts())
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

  const described: DescribedMetric[] = []
  const gauge = (name: string, help: string, { labelNames, each }: Series, aggregator: Aggregator = 'sum') => {
    described.push({ name, kind: 'gauge', help, labels: labelsOf({ labelNames, each }) })
    return new Gauge({
      name,
      help,
      aggregator,
      registers,
      labelNames,
      collect() {
        // A field that the schema no longer has must not keep its last value.
        this.reset()
        each((labels, value) => this.set(labels, value))
      },
    })
  }
  const counter = (name: string, help: string, { labelNames, each }: Series) => {
    described.push({ name, kind: 'counter', help, labels: labelsOf({ labelNames, each }) })
    return new Counter({
      name,
      help,
      registers,
      labelNames,
      collect() {
        this.reset()
        each((labels, value) => this.inc(labels, value))
      },
    })
  }

  gauge('warren_connections', 'Open connections.', connections)
  gauge('warren_subscriptions', 'Open subscriptions.', subscriptions)
  counter('warren_messages_received_total', 'Messages read from the journal, by the id of their source.', received)
  counter(
    'warren_messages_quarantined_total',
    'Messages that could not be delivered and were moved to the quarantine.',
    quarantined,
  )
  counter(
    'warren_messages_redelivered_total',
    'Messages of buffered sources that may be repeated, because a gateway ended before it acknowledged them.',
    redelivered,
  )
  counter(
    'warren_unreadable_messages_total',
    'Messages that RabbitMQ could not deliver to any consumer, so the gateway skipped them.',
    unreadable,
  )
  counter(
    'warren_messages_not_stored_total',
    'Messages of this gateway that RabbitMQ confirmed but did not store, so the gateway published them again.',
    notStored,
  )
  counter(
    'warren_message_outcomes_total',
    'Messages read from the journal, by their outcome on this replica.',
    outcomes,
  )
  counter(
    'warren_messages_routed_total',
    'Deprecated, removed in the next release: `warren_message_outcomes_total` with the former label values.',
    routed,
  )
  counter(
    'warren_events_matched_total',
    'Events that subscriptions took, live or in a replay: delivered, dropped or pending.',
    ofEvents(({ matched }) => matched),
  )
  counter(
    'warren_deliveries_total',
    'Events delivered to clients.',
    ofEvents(({ delivered }) => delivered),
  )
  counter('warren_events_dropped_total', 'Events that subscriptions dropped before delivery, by reason.', dropped)
  gauge(
    'warren_events_pending',
    'Events that wait for slow clients.',
    ofEvents(({ pending }) => pending),
  )
  counter(
    'warren_events_passed_over_total',
    'Messages that subscriptions with `every` passed over for a newer one. They count neither as matched nor as dropped.',
    ofEvents(({ passedOver }) => passedOver),
  )
  counter(
    'warren_subscriptions_behind_total',
    'Times that a subscription fell behind its channel and continued from the journal at the pace of its client.',
    ofEvents(({ fellBehind }) => fellBehind),
  )
  counter(
    'warren_event_matched_total',
    'Messages that matched a subscription of a typed field when they arrived.',
    ofFields(({ matched }) => matched),
  )
  counter(
    'warren_event_delivered_total',
    'Events of a typed field that were delivered to clients.',
    ofFields(({ delivered }) => delivered),
  )
  counter(
    'warren_event_filtered_total',
    'Messages that a typed field excluded by their event type or by a condition of the schema.',
    ofFields(({ filtered }) => filtered),
  )
  counter(
    'warren_event_invalid_total',
    'Messages that did not fit the type of a typed field.',
    ofFields(({ invalid }) => invalid),
  )
  gauge(
    'warren_event_subscriptions',
    'Open subscriptions of a typed field.',
    ofFields(({ subscriptions: open }) => open),
  )
  counter(
    'warren_event_published_total',
    'Calls of a field with `@publish`, by result: RabbitMQ confirmed the message, or it was refused.',
    publications,
  )
  counter('warren_resumes_total', 'Subscriptions that started at a cursor, by result.', resumes)
  counter('warren_sessions_started_total', 'Started sessions.', started)
  counter('warren_sessions_ended_total', 'Ended sessions, by reason.', ended)
  counter(
    'warren_deliveries_failed_total',
    'Subscriptions that ended because the gateway failed to deliver an event. This is a bug; the log has details.',
    deliveriesFailed,
  )
  counter('warren_refusals_total', 'Requests answered with an error and rejected connections, by code.', refusals)
  gauge('warren_outbox_bytes', 'Bytes that wait to be written to sockets.', {
    labelNames: [],
    each: (visit) => visit({}, outboxBytes()),
  })
  // Of several workers, the worst value matters.
  gauge('warren_broker_up', '1 while the broker is reachable and the gateway reads the journal.', broker, 'min')
  counter('warren_executions_total', 'GraphQL executions.', executions)
  // Each replica has the whole picture, so the worst of several workers counts.
  gauge(
    'warren_replicas',
    'Running replicas that this one knows, itself included. Each worker is a replica.',
    ofCluster.replicas,
    'min',
  )
  gauge(
    'warren_presence_online',
    'Clients that are online on any replica, as this one knows. 0 with `WARREN_PRESENCE=off`.',
    ofCluster.online,
    'max',
  )
  counter(
    'warren_presence_changes_total',
    'Clients that came online or went offline. One replica counts each change.',
    ofCluster.changes,
  )
  counter(
    'warren_presence_publications_total',
    'Changes that were published to the exchange `<namespace>.presence`, by result.',
    ofCluster.publications,
  )
  gauge(
    'warren_presence_unpublished',
    'Changes of presence that wait to be published, because the broker cannot be reached.',
    ofCluster.unpublished,
  )
  counter(
    'warren_offline_notices_total',
    'Notices about clients without a session that were published to the exchange `<namespace>.offline`, by result. One replica publishes each.',
    ofCluster.notices,
  )
  gauge(
    'warren_offline_waiting',
    'Notices that wait: for the grace time of their client, for WARREN_MAX_OFFLINE_RATE, or for the broker. Every replica has the whole number.',
    ofCluster.noticesWaiting,
    'max',
  )
  gauge(
    'warren_offline_quiet_clients',
    'Clients that got a notice within WARREN_OFFLINE_QUIET and have not come back. Every replica has the whole number.',
    ofCluster.quietClients,
    'max',
  )
  counter(
    'warren_offline_bounds_total',
    'How often a bound of the notices took effect: `evicted` ended a quiet period early, `dropped` lost a notice (WARREN_MAX_OFFLINE_CLIENTS), `rate` let notices wait (WARREN_MAX_OFFLINE_RATE; checked four times a second).',
    ofCluster.offlineBounds,
  )
  gauge(
    'warren_state_keys',
    'Keys that the keyed state of a typed field holds, removed ones included. 0 on a replica that does not fold it.',
    ofStates.keys,
  )
  gauge(
    'warren_state_bytes',
    'Bytes of the messages that the keyed state of a typed field holds. 0 on a replica that does not fold it.',
    ofStates.bytes,
  )
  gauge(
    'warren_state_lag',
    'Entries of the journal that are not folded into the keyed state of a typed field yet. 0 on a replica that does not fold it.',
    ofStates.lag,
  )
  gauge(
    'warren_state_offset',
    'Offset in the journal up to which the keyed state of a typed field is folded. 0 on a replica that does not fold it.',
    ofStates.offset,
  )
  gauge(
    'warren_state_folding',
    '1 on the replica that has the lease of the keyed state of a typed field, and folds it. At most one replica does.',
    ofStates.folding,
  )
  gauge(
    'warren_state_full',
    '1 if this replica found that the keyed state of a typed field exceeds WARREN_MAX_STATE_KEYS or WARREN_MAX_STATE_BYTES, so that no replica folds it.',
    ofStates.full,
    'max',
  )
  counter(
    'warren_state_folded_total',
    'Messages that this replica folded into the keyed state of a typed field.',
    ofStates.folded,
  )
  counter(
    'warren_state_snapshots_total',
    'Subscriptions that received the keyed state of a typed field, or what changed in it since their cursor.',
    ofStates.snapshots,
  )
  counter(
    'warren_state_missed_total',
    'Times that retention deleted messages before they were folded into the keyed state of a typed field.',
    ofStates.missed,
  )
  gauge('warren_position_subscriptions', 'Open subscriptions with a named position.', ofPositions.held)
  gauge(
    'warren_position_acks_waiting',
    'Named positions with an ack that is not stored in the registry yet. Acks are stored within a second while the registry is available.',
    ofPositions.waiting,
  )
  counter(
    'warren_positions_taken_total',
    'Subscriptions that took a named position, by what is known of its former subscription: none, it was on this replica, its replica answered how far it acked, or did not answer.',
    ofPositions.taken,
  )
  gauge('warren_workers', 'Running processes; more than one with `WARREN_WORKERS`.', workers)
  counter('warren_workers_lost_total', 'Workers that exited unexpectedly and were restarted.', workersLost)
  const [name, help] = describedDelivery
  described.push({ name, kind: 'histogram', help, labels: new Map() })

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
    fieldCounter(field) {
      const known = fields.get(field)
      if (known) return known
      const added = new FieldCounter()
      fields.set(field, added)
      return added
    },
    fieldsServed(names, withPublish) {
      published = new Map(withPublish.map((name) => [name, published.get(name) ?? { confirmed: 0, failed: 0 }]))
      fields = new Map(names.map((name) => [name, fields.get(name) ?? new FieldCounter()]))
    },
    fieldPublished(field, result) {
      const counts = published.get(field)
      if (counts) counts[result] += 1
    },
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
          [...fields].map(([field, { matched, delivered, filtered, invalid }]) => [
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
    described,
    print: async () => `${await registry.metrics()}\n${printHistogram(deliveries())}`,
    snapshot: async () => [...(await registry.getMetricsAsJSON()), deliveries()] as Snapshot,
    close: () => registry.clear(),
  }
}
