import type { Counts, FieldCounts } from '../../accounting/counts.ts'
import { announceMs } from '../../cluster/members.ts'
import type { Gateway } from '../../gateway.ts'
import type { HotWindow } from '../../ports/hot-window.ts'
import type { Journal } from '../../ports/journal.ts'
import type { Observer } from '../../ports/observer.ts'
import { within } from '../../timing/deadline.ts'
import type { BrokerInspector } from '../broker-inspector.ts'
import type { LoadHistory, LoadTotals } from './load-history.ts'
import { maxNamedClients, type ProcessLoad, type ReplicaReport } from './replica-report.ts'

/** Reads what the process uses. Implemented outside the core. */
export interface ProcessUsage {
  /** Called every few seconds, so that `load` is of the time since the call before. */
  sample(): void
  /** The first call begins to measure the event loop, until there was no call for a minute. */
  load(): ProcessLoad
  memory(): { readonly rssBytes: number; readonly heapBytes: number }
}

export interface ReplicaInspectorParts {
  readonly gateway: Gateway
  readonly journal: Journal
  readonly hotWindow: HotWindow
  readonly observer: Observer
  readonly usage: ProcessUsage
  readonly broker: BrokerInspector
  readonly version: string
  readonly startedAt: number
  readonly history: LoadHistory
}

/** A replica further behind than this is reported as behind, in milliseconds. */
const behindMs = 1_000
/** How long a report waits for a new measurement of the lag, in milliseconds. */
const lagWaitMs = 150
/** A measurement of the lag serves for this long, in milliseconds. */
const lagFreshMs = 900

interface Sample extends LoadTotals {
  readonly at: number
  readonly fields: ReadonlyMap<string, FieldCounts>
}

/** What a typed field has counted, and how fast; null if there are no two samples yet. */
export interface FieldRate extends FieldCounts {
  readonly matchedPerSecond: number | null
  readonly deliveredPerSecond: number | null
}

/** Makes the report of this replica. Between two questions it only reads three sums every 2 s. */
export class ReplicaInspector {
  readonly #parts: ReplicaInspectorParts
  #previous: Sample | undefined
  #last: Sample
  #lagMs: number | undefined
  #lagMeasuredAt = Number.NEGATIVE_INFINITY
  #measuring: { readonly since: number; readonly done: Promise<void> } | undefined

  constructor(parts: ReplicaInspectorParts) {
    this.#parts = parts
    this.#last = this.#sampleNow()
  }

  /** Called every few seconds. */
  sample(): void {
    this.#previous = this.#last
    this.#last = this.#sampleNow()
    this.#parts.history.add(this.#last)
    this.#parts.usage.sample()
  }

  async report(): Promise<ReplicaReport> {
    const { gateway, hotWindow, observer, usage, broker, version, startedAt } = this.#parts
    const lagMs = gateway.up ? await this.#lag() : null
    const counts = observer.counts()
    let since: number | null = null
    hotWindow.visit(-1, ({ receivedAt }) => {
      since = receivedAt
      return false
    })
    let bufferedBytes = 0
    let waitingSessions = 0
    const waitingClients = new Set<string>()
    let oldestNeeded: number | null = null
    let catchingUp = 0
    const catchingUpClients = new Set<string>()
    const { notLive } = gateway
    for (const session of gateway.sessions) {
      const { clientId } = session.identity
      for (const subscription of session.openSubscriptions) {
        const { behind, position } = subscription
        // A page of the history is no client.
        if (notLive.has(subscription) && !subscription.endsAtLive) {
          catchingUp += 1
          if (clientId !== undefined && catchingUpClients.size < maxNamedClients) catchingUpClients.add(clientId)
        }
        if (behind && typeof position === 'object')
          oldestNeeded = Math.min(oldestNeeded ?? position.offset, position.offset)
      }
      if (session.bufferedBytes === 0) continue
      bufferedBytes += session.bufferedBytes
      waitingSessions += 1
      if (clientId !== undefined && waitingClients.size < maxNamedClients) waitingClients.add(clientId)
    }
    return {
      version,
      startedAt,
      state: gateway.draining
        ? gateway.endsAll || gateway.leaving > 0
          ? 'draining'
          : 'drained'
        : !gateway.up
          ? 'broker-down'
          : (lagMs ?? 0) > behindMs
            ? 'behind'
            : 'serving',
      reason: gateway.up ? null : gateway.downReason,
      sessions: gateway.sessions.size,
      subscriptions: [...counts.transports.values()].reduce((sum, { subscriptions }) => sum + subscriptions, 0),
      catchingUp,
      catchingUpClients: [...catchingUpClients],
      ...this.#rates(counts),
      lagMs,
      position: hotWindow.last?.offset ?? null,
      oldestNeeded,
      brokerNodes: broker.nodes,
      load: usage.load(),
      memory: usage.memory(),
      window: { bytes: hotWindow.bytes, firstOffset: hotWindow.first ?? null, since },
      outboxBytes: counts.outboxBytes,
      bufferedBytes,
      waitingSessions,
      waitingClients: [...waitingClients],
      withoutClient: gateway.withoutClient,
      received: [...counts.received],
      outcomes: [...counts.outcomes],
      transports: [...counts.transports],
      fields: [...counts.fields],
      deliveryTimes: counts.deliveryTimes,
    }
  }

  /**
   * How long a mark takes into the journal and back to this tail. While one is under way, it is at
   * least the time that it has taken so far.
   */
  async #lag(): Promise<number | null> {
    if (!this.#measuring && performance.now() - this.#lagMeasuredAt > lagFreshMs) {
      const since = performance.now()
      const done = this.#parts.journal
        .mark()
        .then(
          () => {
            this.#lagMs = performance.now() - since
          },
          () => {
            this.#lagMs = undefined
          },
        )
        .then(() => {
          this.#lagMeasuredAt = performance.now()
          this.#measuring = undefined
        })
      this.#measuring = { since, done }
      await within(lagWaitMs, done)
    }
    const known = this.#lagMs
    if (!this.#measuring) return known === undefined ? null : Math.round(known)
    return Math.round(Math.max(known ?? 0, performance.now() - this.#measuring.since))
  }

  /** Of the typed fields that the replica serves. */
  fieldRates(): ReadonlyMap<string, FieldRate> {
    const now = this.#sampleNow()
    const from = this.#sampleBefore(now)
    const seconds = from ? (now.at - from.at) / 1000 : 0
    const rateOf = (name: string, counts: FieldCounts): FieldRate => {
      const earlier = from?.fields.get(name)
      if (!earlier) return { ...counts, matchedPerSecond: null, deliveredPerSecond: null }
      return {
        ...counts,
        matchedPerSecond: (counts.matched - earlier.matched) / seconds,
        deliveredPerSecond: (counts.delivered - earlier.delivered) / seconds,
      }
    }
    return new Map([...now.fields].map(([name, counts]) => [name, rateOf(name, counts)]))
  }

  #rates(counts: Counts): Pick<ReplicaReport, 'receivedPerSecond' | 'deliveredPerSecond'> {
    const now = this.#sampleNow(counts)
    const from = this.#sampleBefore(now)
    if (!from) return { receivedPerSecond: null, deliveredPerSecond: null }
    const seconds = (now.at - from.at) / 1000
    return {
      receivedPerSecond: (now.received - from.received) / seconds,
      deliveredPerSecond: (now.delivered - from.delivered) / seconds,
    }
  }

  /** The last sample may be a moment old, which is too short for a rate. */
  #sampleBefore({ at }: Sample): Sample | undefined {
    return at - this.#last.at < announceMs / 2 ? this.#previous : this.#last
  }

  #sampleNow({ received, transports, fields }: Counts = this.#parts.observer.counts()): Sample {
    let messages = 0
    for (const count of received.values()) messages += count
    let delivered = 0
    let dropped = 0
    for (const counts of transports.values()) {
      delivered += counts.delivered
      dropped += counts.dropped
    }
    return {
      at: performance.now(),
      received: messages,
      fields,
      delivered,
      dropped,
      sessions: this.#parts.gateway.sessions.size,
    }
  }
}
