import type { FieldCounts, TransportCounts } from '../../accounting/counts.ts'
import { type MessageOutcome, messageOutcomes } from '../../accounting/labels.ts'
import {
  listOf,
  numberOf,
  numberOrNull,
  objectOf,
  textOf,
  textOrNull,
  textsOf,
  type WireObject,
} from '../../cluster/wire-values.ts'
import type { ConnectedNode } from '../broker-inspector.ts'

/** How many sources, fields and transports one report names. */
const maxNamed = 1_000
const maxNodes = 100
/** How many of the clients that events wait for one report names. */
export const maxNamedClients = 5

/** What a replica reports of itself. Sent between replicas, so it is plain JSON. */
export interface ReplicaReport {
  readonly version: string
  /** In milliseconds since the epoch. */
  readonly startedAt: number
  readonly state: ReportedState
  /** Why it is not serving; null if it is. */
  readonly reason: string | null
  readonly sessions: number
  readonly subscriptions: number
  /** Subscriptions that are not live: they read the journal, or their clients are too slow. */
  readonly catchingUp: number
  /** Some of their clients, each once. */
  readonly catchingUpClients: readonly string[]
  /** Per second, since the sample before; null if there is none. */
  readonly receivedPerSecond: number | null
  readonly deliveredPerSecond: number | null
  /** How long a mark takes from here into the journal and back; null if it is not known. */
  readonly lagMs: number | null
  /** The offset that the tail read last. */
  readonly position: number | null
  /**
   * The oldest offset that a subscription of a slow client has to read from the journal next. Null:
   * none has to.
   */
  readonly oldestNeeded: number | null
  readonly brokerNodes: readonly ConnectedNode[]
  readonly load: ProcessLoad
  readonly memory: { readonly rssBytes: number; readonly heapBytes: number }
  readonly window: {
    readonly bytes: number
    readonly firstOffset: number | null
    /** When its oldest entry was received, in milliseconds since the epoch. */
    readonly since: number | null
  }
  readonly outboxBytes: number
  /** Bytes that subscriptions queue for slow clients. */
  readonly bufferedBytes: number
  readonly waitingSessions: number
  /** Some of their clients, each once. */
  readonly waitingClients: readonly string[]
  /** Messages for which sources found no client. */
  readonly withoutClient: number
  readonly received: readonly (readonly [source: string, count: number])[]
  readonly outcomes: readonly (readonly [outcome: MessageOutcome, count: number])[]
  readonly transports: readonly (readonly [transport: string, counts: TransportCounts])[]
  readonly fields: readonly (readonly [field: string, counts: FieldCounts])[]
  readonly deliveryTimes: readonly { readonly upToMs: number | null; readonly count: number }[]
}

export const reportedStates = ['serving', 'behind', 'broker-down', 'draining', 'drained'] as const
export type ReportedState = (typeof reportedStates)[number]

export interface ProcessLoad {
  /** Processor time in the last seconds, as a share of one processor. Null: not measured yet. */
  readonly cpu: number | null
  /** How late the event loop ran its timers in 99 of 100 cases. Null: not measured yet. */
  readonly loopDelayMs: number | null
}

/** Reads a report from another replica. Returns undefined if its form is wrong. */
export function readReplicaReport(value: unknown): ReplicaReport | undefined {
  const { load, memory, window, ...report } = objectOf(value)
  const state = reportedStates.find((known) => known === report['state'])
  if (state === undefined || typeof report['startedAt'] !== 'number') return undefined
  const { cpu, loopDelayMs } = objectOf(load)
  const { rssBytes, heapBytes } = objectOf(memory)
  const { bytes, firstOffset, since } = objectOf(window)
  return {
    version: textOf(report['version']),
    startedAt: report['startedAt'],
    state,
    reason: textOrNull(report['reason']),
    sessions: numberOf(report['sessions']),
    subscriptions: numberOf(report['subscriptions']),
    catchingUp: numberOf(report['catchingUp']),
    // Replicas of the previous release send none.
    catchingUpClients: textsOf(report['catchingUpClients'], maxNamedClients),
    receivedPerSecond: numberOrNull(report['receivedPerSecond']),
    deliveredPerSecond: numberOrNull(report['deliveredPerSecond']),
    lagMs: numberOrNull(report['lagMs']),
    position: numberOrNull(report['position']),
    // Replicas of the previous release send neither.
    oldestNeeded: numberOrNull(report['oldestNeeded']),
    brokerNodes: listOf(report['brokerNodes'], maxNodes).map(brokerNodeOf),
    load: { cpu: numberOrNull(cpu), loopDelayMs: numberOrNull(loopDelayMs) },
    memory: { rssBytes: numberOf(rssBytes), heapBytes: numberOf(heapBytes) },
    window: { bytes: numberOf(bytes), firstOffset: numberOrNull(firstOffset), since: numberOrNull(since) },
    outboxBytes: numberOf(report['outboxBytes']),
    bufferedBytes: numberOf(report['bufferedBytes']),
    waitingSessions: numberOf(report['waitingSessions']),
    // Replicas of the previous release send none.
    waitingClients: textsOf(report['waitingClients'], maxNamedClients),
    withoutClient: numberOf(report['withoutClient']),
    received: pairsOf(report['received'], numberOf),
    outcomes: pairsOf(report['outcomes'], numberOf).flatMap(([name, count]) => {
      const outcome = messageOutcomes.find((known) => known === name)
      return outcome ? [[outcome, count] as const] : []
    }),
    transports: pairsOf(report['transports'], (counts) => transportCountsOf(objectOf(counts))),
    fields: pairsOf(report['fields'], (counts) => fieldCountsOf(objectOf(counts))),
    deliveryTimes: listOf(report['deliveryTimes'], 100).map((bucket) => {
      const { upToMs, count } = objectOf(bucket)
      return { upToMs: numberOrNull(upToMs), count: numberOf(count) }
    }),
  }
}

function brokerNodeOf(value: unknown): ConnectedNode {
  const { address, connections, product, version, cluster } = objectOf(value)
  return {
    address: textOf(address),
    connections: numberOf(connections),
    product: textOf(product),
    version: textOf(version),
    cluster: textOf(cluster),
  }
}

function pairsOf<Value>(value: unknown, read: (value: unknown) => Value): (readonly [string, Value])[] {
  return listOf(value, maxNamed).flatMap((pair) => {
    const [name, found] = listOf(pair, 2)
    return typeof name === 'string' ? [[name, read(found)] as const] : []
  })
}

function transportCountsOf(counts: WireObject): TransportCounts {
  return {
    sessions: numberOf(counts['sessions']),
    subscriptions: numberOf(counts['subscriptions']),
    matched: numberOf(counts['matched']),
    delivered: numberOf(counts['delivered']),
    dropped: numberOf(counts['dropped']),
    pending: numberOf(counts['pending']),
    fellBehind: numberOf(counts['fellBehind']),
  }
}

function fieldCountsOf(counts: WireObject): FieldCounts {
  return {
    matched: numberOf(counts['matched']),
    delivered: numberOf(counts['delivered']),
    filtered: numberOf(counts['filtered']),
    invalid: numberOf(counts['invalid']),
  }
}
