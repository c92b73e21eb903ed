import { type MessageOutcome, messageOutcomes } from '../../accounting/labels.ts'
import type { Gathered } from '../../cluster/gathering.ts'
import type { ReplicaReport } from './replica-report.ts'

/** The reports of all replicas that answered, at one moment. */
export interface GatheredReports extends Gathered<ReplicaReport> {
  /** In milliseconds since the epoch. */
  readonly at: number
}

export interface Account {
  readonly matched: number
  readonly delivered: number
  readonly dropped: number
  readonly pending: number
}

export interface Accounts {
  readonly at: number
  readonly byTransport: readonly (Account & { readonly transport: string })[]
  readonly byReplica: readonly { readonly replica: string; readonly startedAt: number; readonly account: Account }[]
  readonly total: Account
  readonly unanswered: readonly string[]
}

/** A counter, and how fast it grew; null if there is no earlier reading. */
export interface Rate {
  readonly name: string
  readonly total: number
  readonly perSecond: number | null
}

/** Rates of all replicas together. */
export interface Stats {
  readonly reports: GatheredReports
  /** The time between the two readings that the rates compare, in milliseconds; 0: only one. */
  readonly spanMs: number
  readonly receivedPerSecond: number | null
  readonly deliveredPerSecond: number | null
  readonly bySource: readonly Rate[]
  /** Messages for which sources found no client. */
  readonly withoutClient: Omit<Rate, 'name'>
  readonly byOutcome: readonly (Rate & { readonly name: MessageOutcome })[]
  readonly byTransport: readonly {
    readonly transport: string
    readonly sessions: number
    readonly subscriptions: number
    readonly deliveredPerSecond: number | null
    readonly droppedPerSecond: number | null
  }[]
  readonly byField: readonly {
    readonly field: string
    readonly matchedPerSecond: number | null
    readonly deliveredPerSecond: number | null
    readonly filteredPerSecond: number | null
    readonly invalidPerSecond: number | null
  }[]
  /** Upper bounds of the delivery times between the two readings; null: nothing was delivered. */
  readonly delivery: { readonly p50Ms: number | null; readonly p99Ms: number | null }
}

const noAccount: Account = { matched: 0, delivered: 0, dropped: 0, pending: 0 }

export function accountsOf({ answers, unanswered, at }: GatheredReports): Accounts {
  const byTransport = new Map<string, Account>()
  const byReplica = answers.map(({ replica, value }) => {
    let account = noAccount
    for (const [transport, counts] of value.transports) {
      byTransport.set(transport, sumOf(byTransport.get(transport) ?? noAccount, counts))
      account = sumOf(account, counts)
    }
    return { replica, startedAt: value.startedAt, account }
  })
  return {
    at,
    byTransport: [...byTransport].map(([transport, account]) => ({ transport, ...account })),
    byReplica,
    total: byReplica.reduce((total, { account }) => sumOf(total, account), noAccount),
    unanswered,
  }
}

function sumOf(one: Account, other: Account): Account {
  return {
    matched: one.matched + other.matched,
    delivered: one.delivered + other.delivered,
    dropped: one.dropped + other.dropped,
    pending: one.pending + other.pending,
  }
}

/**
 * Compares two readings. Only replicas that answered both times, in one life, count for rates. All
 * replicas read every message, so what is received is the largest rate of a replica, and what is
 * delivered is the sum.
 */
export function statsOf(now: GatheredReports, before: GatheredReports | undefined): Stats {
  const spanMs = before ? now.at - before.at : 0
  const seconds = spanMs / 1000
  const pairs = now.answers.flatMap(({ replica, value }) => {
    const earlier = before?.answers.find((answer) => answer.replica === replica)?.value
    return earlier && earlier.startedAt === value.startedAt ? [{ value, earlier }] : []
  })
  const perSecond = (change: number): number | null =>
    pairs.length === 0 || seconds <= 0 ? null : Math.max(0, change / seconds)
  const grown = (
    read: (report: ReplicaReport) => number,
    combine: (one: number, other: number) => number = (one, other) => one + other,
  ): number | null => perSecond(pairs.reduce((sum, { value, earlier }) => combine(sum, read(value) - read(earlier)), 0))
  const total = (read: (report: ReplicaReport) => number): number =>
    now.answers.reduce((most, { value }) => Math.max(most, read(value)), 0)
  const names = (read: (report: ReplicaReport) => readonly (readonly [string, unknown])[]): string[] => [
    ...new Set(now.answers.flatMap(({ value }) => read(value).map(([name]) => name))),
  ]
  const delivered = (report: ReplicaReport): number =>
    report.transports.reduce((sum, [, counts]) => sum + counts.delivered, 0)
  const received = (report: ReplicaReport): number => report.received.reduce((sum, [, count]) => sum + count, 0)
  return {
    reports: now,
    spanMs,
    receivedPerSecond: grown(received, Math.max),
    deliveredPerSecond: grown(delivered),
    bySource: names(({ received: counts }) => counts).map((name) => {
      const read = ({ received: counts }: ReplicaReport): number => countIn(counts, name)
      return { name, total: total(read), perSecond: grown(read, Math.max) }
    }),
    withoutClient: {
      total: total(({ withoutClient }) => withoutClient),
      perSecond: grown(({ withoutClient }) => withoutClient, Math.max),
    },
    byOutcome: messageOutcomes.map((name) => {
      const read = ({ outcomes }: ReplicaReport): number => countIn(outcomes, name)
      if (name === 'no_subscriber') return { name, ...withoutSubscriber(now, pairs, perSecond) }
      return { name, total: total(read), perSecond: grown(read, Math.max) }
    }),
    byTransport: names(({ transports }) => transports).map((transport) => {
      const of = (report: ReplicaReport) => report.transports.find(([name]) => name === transport)?.[1]
      const sum = (read: (report: ReplicaReport) => number | undefined): number =>
        now.answers.reduce((all, { value }) => all + (read(value) ?? 0), 0)
      return {
        transport,
        sessions: sum((report) => of(report)?.sessions),
        subscriptions: sum((report) => of(report)?.subscriptions),
        deliveredPerSecond: grown((report) => of(report)?.delivered ?? 0),
        droppedPerSecond: grown((report) => of(report)?.dropped ?? 0),
      }
    }),
    byField: names(({ fields }) => fields).map((field) => {
      const of = (report: ReplicaReport) => report.fields.find(([name]) => name === field)?.[1]
      return {
        field,
        matchedPerSecond: grown((report) => of(report)?.matched ?? 0, Math.max),
        deliveredPerSecond: grown((report) => of(report)?.delivered ?? 0),
        filteredPerSecond: grown((report) => of(report)?.filtered ?? 0, Math.max),
        invalidPerSecond: grown((report) => of(report)?.invalid ?? 0, Math.max),
      }
    }),
    delivery: { p50Ms: quantile(pairs, 0.5), p99Ms: quantile(pairs, 0.99) },
  }
}

/**
 * A replica counts a message as `no_subscriber` if its clients are on another one. Of a message
 * that was delivered on one replica the others count exactly one each, so the number for all
 * replicas is what each replica misses, less what the others delivered. A message with clients on
 * several replicas is counted several times there: the number is the least that it can be.
 */
function withoutSubscriber(
  { answers }: GatheredReports,
  pairs: readonly { value: ReplicaReport; earlier: ReplicaReport }[],
  perSecond: (change: number) => number | null,
): { total: number; perSecond: number | null } {
  const missing = ({ outcomes }: ReplicaReport): number => countIn(outcomes, 'no_subscriber')
  const delivered = ({ outcomes }: ReplicaReport): number => countIn(outcomes, 'delivered')
  /** As each replica sees it. */
  const least = (counts: readonly { readonly missing: number; readonly delivered: number }[]): number[] => {
    const all = counts.reduce((sum, one) => sum + one.delivered, 0)
    return counts.map((one) => one.missing - (all - one.delivered))
  }
  const changes = least(
    pairs.map(({ value, earlier }) => ({
      missing: missing(value) - missing(earlier),
      delivered: delivered(value) - delivered(earlier),
    })),
  )
  return {
    // A replica that started later has counted less.
    total: Math.max(
      0,
      ...least(answers.map(({ value }) => ({ missing: missing(value), delivered: delivered(value) }))),
    ),
    // Replicas are some messages apart, so that the largest one would never be 0.
    perSecond: perSecond(changes.length === 0 ? 0 : Math.min(...changes)),
  }
}

function countIn(counts: readonly (readonly [string, number])[], name: string): number {
  return counts.find(([known]) => known === name)?.[1] ?? 0
}

/** The upper bound of the bucket with this share of what was delivered between two readings. */
function quantile(pairs: readonly { value: ReplicaReport; earlier: ReplicaReport }[], share: number): number | null {
  const counts = new Map<number | null, number>()
  let all = 0
  for (const { value, earlier } of pairs) {
    for (const [index, { upToMs, count }] of value.deliveryTimes.entries()) {
      const grown = count - (earlier.deliveryTimes[index]?.count ?? 0)
      counts.set(upToMs, (counts.get(upToMs) ?? 0) + grown)
      all += grown
    }
  }
  if (all <= 0) return null
  let seen = 0
  for (const [upToMs, count] of counts) {
    seen += count
    if (seen >= share * all) return upToMs
  }
  return null
}
