import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from 'react'
import { BrokerDocument, type BrokerQuery, StatsDocument, type StatsSubscription } from '../api/generated/graphql.ts'
import type { Failure } from '../api/graphql.ts'
import { useQuery } from '../api/use-query.ts'
import { type LiveState, useSubscription } from '../api/use-subscription.ts'
import { useView } from './router.tsx'

export type ConsoleStats = StatsSubscription['gatewayStats']

/** A point of the history that the page has seen itself. */
export interface StatsPoint {
  readonly at: number
  readonly received: number | null
  readonly delivered: number | null
  readonly sessions: number | null
  readonly p99Ms: number | null
  readonly lagMs: number | null
  readonly lagByReplica: ReadonlyMap<string, number | null>
}

interface Shared {
  readonly stats: ConsoleStats | undefined
  readonly state: LiveState
  readonly failure: Failure | undefined
  /** The last ten minutes, oldest first. */
  readonly history: readonly StatsPoint[]
  readonly broker: BrokerQuery['broker'] | undefined
  /** When the page noticed that the replica that it asks does not reach the broker. */
  readonly brokerAwaySince: Date | undefined
  readonly version: string | undefined
}

/** Ten minutes of one point a second. */
const maxPoints = 600
/** Views that show rates get them each second. The others need only the state. */
const everyMs = { rates: 1_000, state: 5_000 }
const viewsOfRates = new Set(['', 'live', 'replicas', 'sources'])
/** The views that show more of it than whether it is up and how many messages are in the quarantine. */
const viewsOfBroker = new Set(['', 'journal', 'quarantine'])
const brokerEveryMs = { shown: 5_000, state: 15_000 }

const Context = createContext<Shared | undefined>(undefined)

/** One subscription for the whole page. */
export function StatsProvider({ children }: { children: ReactNode }) {
  const view = useView()
  const [stats, setStats] = useState<ConsoleStats>()
  const history = useRef<StatsPoint[]>([])
  const every = viewsOfRates.has(view) ? everyMs.rates : everyMs.state
  const { state, failure } = useSubscription(StatsDocument, { every }, ({ gatewayStats }) => {
    setStats(gatewayStats)
    history.current = [...history.current, pointOf(gatewayStats)].slice(-maxPoints)
  })
  const askBrokerMs = viewsOfBroker.has(view) ? brokerEveryMs.shown : brokerEveryMs.state
  const broker = useQuery(BrokerDocument, {}, { everyMs: askBrokerMs })
  const { reload } = broker
  const asked = stats?.replicas.find(({ name }) => name === broker.data?.gateway.replica)
  const isAway = asked ? asked.state === 'BROKER_DOWN' : broker.data?.broker.up === false
  const awaySince = useRef<Date>(undefined)
  if (!isAway) awaySince.current = undefined
  else awaySince.current ??= new Date()
  // The rates come more often: the reason is asked for as soon as they show a change. Another view
  // may show what was asked for long ago.
  useEffect(() => reload(), [isAway, askBrokerMs, reload])
  const shared = useMemo(
    () => ({
      stats,
      state,
      failure,
      history: history.current,
      broker: broker.data?.broker,
      brokerAwaySince: isAway ? awaySince.current : undefined,
      version: broker.data?.gateway.version,
    }),
    [stats, state, failure, broker.data, isAway],
  )
  return <Context value={shared}>{children}</Context>
}

export function useStats(): Shared {
  const shared = useContext(Context)
  if (!shared) throw new Error('expected a StatsProvider')
  return shared
}

/** The replica that is furthest behind. Undefined if none answers. */
export function slowest(
  replicas: readonly ConsoleStats['replicas'][number][],
): ConsoleStats['replicas'][number] | undefined {
  return replicas
    .filter(({ lagMs }) => lagMs !== null && lagMs !== undefined)
    .toSorted((a, b) => (b.lagMs ?? 0) - (a.lagMs ?? 0))[0]
}

function pointOf(stats: ConsoleStats): StatsPoint {
  return {
    at: new Date(stats.at).getTime(),
    received: stats.receivedPerSecond ?? null,
    delivered: stats.deliveredPerSecond ?? null,
    sessions: stats.sessions,
    p99Ms: stats.deliveryTimes.p99Ms ?? null,
    lagMs: slowest(stats.replicas)?.lagMs ?? null,
    lagByReplica: new Map(stats.replicas.map(({ name, lagMs }) => [name, lagMs ?? null])),
  }
}
