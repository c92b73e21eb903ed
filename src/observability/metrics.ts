import { type Aggregator, Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { DeliveryCounter } from '../core/accounting/delivery-counter.ts'
import {
  dropReasons,
  type MessageOutcome,
  messageOutcomes,
  type QuarantineReason,
  quarantineReasons,
  type SessionEnd,
  sessionEnds,
  type TransportName,
  transportNames,
} from '../core/accounting/labels.ts'
import { type Observer } from '../core/ports/observer.ts'
import { type ErrorCode, errorTable } from '../errors.ts'
import { Buckets, printHistogram } from './buckets.ts'
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

  const connections = tally<[TransportName]>(['transport'], cross(transportNames))
  const subscriptions = tally<[TransportName]>(['transport'], cross(transportNames))
  const received = tally<[source: string]>(['source'], [])
  const quarantined = tally<[QuarantineReason]>(['reason'], cross(quarantineReasons))
  const redelivered = tally<[]>([], [])
  const unreadable = tally<[]>([], [[]])
  const notStored = tally<[]>([], [[]])
  const routed = tally<[MessageOutcome]>(['fate'], cross(messageOutcomes))
  const describedDelivery = ['warren_delivery_seconds', 'From broker receipt to socket write.'] as const
  const delivery = new Buckets(...describedDelivery, deliveryBuckets)
  // A clock that was set back must not make the delivery of a message throw.
  const took = (seconds: number, deliveries: number): void => {
    if (seconds >= 0) delivery.observe(seconds, deliveries)
  }
  const deliveries = (): SnapshotMetric => {
    for (const account of accounts.values()) account.tell()
    return delivery.snapshot()
  }
  const accounts = new Map(transportNames.map((transport) => [transport, new DeliveryCounter(took)]))
  const ofEvents = (read: (account: DeliveryCounter) => number): Series => ({
    labelNames: ['transport'],
    each: (see) => {
      for (const [transport, account] of accounts) see({ transport }, read(account))
    },
  })
  const dropped: Series = {
    labelNames: ['transport', 'reason'],
    each: (see) => {
      for (const [transport, account] of accounts) {
        for (const reason of dropReasons) see({ transport, reason }, account.dropped[reason])
      }
    },
  }
  const started = tally<[TransportName]>(['transport'], cross(transportNames))
  const resumes = tally<['resumed' | 'gap']>(['result'], [['resumed'], ['gap']])
  const ended = tally<[TransportName, SessionEnd]>(['transport', 'reason'], cross(transportNames, sessionEnds))
  const deliveriesFailed = tally<[TransportName]>(['transport'], cross(transportNames))
  const refusals = tally<[ErrorCode]>(['code'], cross(Object.keys(errorTable) as ErrorCode[]))
  let outboxBytes = (): number => 0
  const broker = tally<[]>([], [[]])
  const workers = tally<[]>([], [[]])
  workers.set(1)
  const workersLost = tally<[]>([], [[]])
  const executions = tally<[]>([], [[]])

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

  gauge('warren_connections', 'Connections that are open.', connections)
  gauge('warren_subscriptions', 'Subscriptions that are open.', subscriptions)
  counter('warren_messages_received_total', 'Messages that came from the journal, by the id of their source.', received)
  counter(
    'warren_messages_quarantined_total',
    'Messages that could not be delivered and went to the quarantine.',
    quarantined,
  )
  counter(
    'warren_messages_redelivered_total',
    'Messages of buffered sources that may have come before: a gateway ended before RabbitMQ knew.',
    redelivered,
  )
  counter(
    'warren_unreadable_messages_total',
    'Messages that RabbitMQ could hand to no consumer, so that the gateway stepped over them.',
    unreadable,
  )
  counter(
    'warren_messages_not_stored_total',
    'Messages of this gateway that RabbitMQ confirmed and did not store, so that they were published again.',
    notStored,
  )
  counter('warren_messages_routed_total', 'Messages that came from the journal, by what became of them here.', routed)
  counter(
    'warren_events_matched_total',
    'Events that subscriptions were given by their channels or from the journal: delivered, dropped or pending.',
    ofEvents(({ matched }) => matched),
  )
  counter(
    'warren_deliveries_total',
    'Events that were handed to subscribers.',
    ofEvents(({ delivered }) => delivered),
  )
  counter('warren_events_dropped_total', 'Events that subscriptions had and no client was handed, by why.', dropped)
  gauge(
    'warren_events_pending',
    'Events that wait for clients which are slower than their channels.',
    ofEvents(({ pending }) => pending),
  )
  counter(
    'warren_subscriptions_behind_total',
    'Times that a subscription fell behind its channel, and went on from the journal at its own pace.',
    ofEvents(({ fellBehind }) => fellBehind),
  )
  counter('warren_resumes_total', 'Subscriptions that began at a cursor, by what was found there.', resumes)
  counter('warren_sessions_started_total', 'Sessions that began.', started)
  counter('warren_sessions_ended_total', 'Sessions that ended, by why.', ended)
  counter(
    'warren_deliveries_failed_total',
    'Subscriptions that were ended because the gateway failed to give them an event: a bug, which the log tells of.',
    deliveriesFailed,
  )
  counter('warren_refusals_total', 'Requests answered with an error, and connections not taken, by code.', refusals)
  gauge('warren_outbox_bytes', 'Bytes that wait for sockets.', {
    labelNames: [],
    each: (see) => see({}, outboxBytes()),
  })
  // Of several workers, the worst value matters.
  gauge('warren_broker_up', '1 while the broker is there and the journal is tailed.', broker, 'min')
  counter('warren_executions_total', 'GraphQL executions.', executions)
  gauge('warren_workers', 'Processes that run: more than one with `WARREN_WORKERS`.', workers)
  counter('warren_workers_lost_total', 'Workers that ended unasked, each of which was started again.', workersLost)
  const [name, help] = describedDelivery
  described.push({ name, kind: 'histogram', help, labels: new Map() })

  return {
    messageReceived: (source) => received.add(1, source),
    messageQuarantined: (reason) => quarantined.add(1, reason),
    messageRedelivered: () => redelivered.add(1),
    messageUnreadable: () => unreadable.add(1),
    messagesNotStored: (messages) => notStored.add(messages),
    messageRouted: (fate) => routed.add(1, fate),
    eventsOf: (transport) => accounts.get(transport) ?? new DeliveryCounter(took),
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

interface Series {
  readonly labelNames: string[]
  readonly each: (see: (labels: Record<string, string>, value: number) => void) => void
}

function labelsOf({ labelNames, each }: Series): Map<string, string[]> {
  const values = new Map(labelNames.map((name) => [name, new Set<string>()]))
  each((labels) => {
    for (const [name, value] of Object.entries(labels)) values.get(name)?.add(value)
  })
  return new Map([...values].map(([name, found]) => [name, [...found]]))
}

/** The values of at most two labels. */
type LabelValues = [first?: string, second?: string]

interface MetricFamily<Values extends LabelValues> extends Series {
  readonly add: (change: number, ...values: Values) => void
  readonly set: (value: number, ...values: Values) => void
}

/**
 * Numbers by label values. Every combination in `known` exists from the start, because a series
 * that appears late hides its first increase.
 */
function tally<Values extends LabelValues>(labelNames: string[], known: readonly Values[]): MetricFamily<Values> {
  const numbers = new Map<string, { value: number }>()
  const numberOf = (first = '', second?: string): { value: number } => {
    const key = second === undefined ? first : `${first}\n${second}`
    let number = numbers.get(key)
    if (!number) {
      number = { value: 0 }
      numbers.set(key, number)
    }
    return number
  }
  for (const values of known) numberOf(...values)
  return {
    labelNames,
    // Takes no array of values, because some numbers are counted for each message.
    add(change: number, first?: string, second?: string) {
      numberOf(first, second).value += change
    },
    set(value: number, first?: string, second?: string) {
      numberOf(first, second).value = value
    },
    each(see) {
      for (const [key, { value }] of numbers) {
        const values = key.split('\n')
        see(Object.fromEntries(labelNames.map((name, index) => [name, values[index] ?? ''])), value)
      }
    },
  }
}

function cross<A extends string>(first: readonly A[]): [A][]
function cross<A extends string, B extends string>(first: readonly A[], second: readonly B[]): [A, B][]
function cross(first: readonly string[], second?: readonly string[]): string[][] {
  return first.flatMap((a) => (second ? second.map((b) => [a, b]) : [[a]]))
}
