import { compareClientIds, SmallestIds } from '../../clients/client-order.ts'
import { listOf, numberOf, numberOrNull, objectOf, textOf, textsOf } from '../../cluster/wire-values.ts'
import type { Session } from '../../sessions/session.ts'
import { lagOf, offsetOf } from './session-report.ts'

/** The most clients in the answer of one replica. */
export const maxClients = 1_000

export const clientSorts = ['CLIENT_ID', 'LAG', 'PENDING', 'DELIVERED', 'DROPPED'] as const
export type ClientSort = (typeof clientSorts)[number]

/** Which clients with a session a replica names. */
export interface OnlineQuestion {
  readonly search: string
  readonly only: 'slow' | 'dropping' | null
  readonly sort: ClientSort
  /** Only ids after this one. For the order of ids only. */
  readonly after: string
  readonly first: number
}

/** What the sessions of a client on one replica hold. */
export interface OnlineClient {
  readonly clientId: string
  readonly sessions: number
  readonly transports: readonly string[]
  readonly replicas: readonly string[]
  /** The oldest position of its subscriptions; null: none has one. */
  readonly offset: number | null
  readonly lagMs: number
  readonly pending: number
  readonly queuedBytes: number
  readonly delivered: number
  readonly dropped: number
  readonly slow: boolean
}

export interface OnlineAnswer {
  readonly clients: readonly OnlineClient[]
  readonly online: number
  readonly slow: number
  readonly dropping: number
}

const none: Omit<OnlineClient, 'clientId' | 'replicas'> = {
  sessions: 0,
  transports: [],
  offset: null,
  lagMs: 0,
  pending: 0,
  queuedBytes: 0,
  delivered: 0,
  dropped: 0,
  slow: false,
}

/** Answers for the sessions of this replica, in one pass over them. */
export function onlineClients(
  sessions: Iterable<Session>,
  replica: string,
  { search, only, sort, after, first }: OnlineQuestion,
): OnlineAnswer {
  const text = search.toLowerCase()
  const byId = new Map<string, Session[]>()
  for (const session of sessions) {
    const { clientId } = session.identity
    if (clientId === undefined) continue
    const known = byId.get(clientId)
    if (known) known.push(session)
    else byId.set(clientId, [session])
  }
  let slow = 0
  let dropping = 0
  const wanted: string[] = []
  const smallest = new SmallestIds(first)
  for (const [clientId, own] of byId) {
    const isSlow = own.some((session) => session.slow)
    const isDropping = own.some((session) => session.counts.dropped > 0)
    if (isSlow) slow += 1
    if (isDropping) dropping += 1
    if ((only === 'slow' && !isSlow) || (only === 'dropping' && !isDropping)) continue
    if (text !== '' && !clientId.toLowerCase().includes(text)) continue
    if (sort !== 'CLIENT_ID') wanted.push(clientId)
    else if (compareClientIds(clientId, after) > 0) smallest.add(clientId)
  }
  const describe = (clientId: string): OnlineClient => describeClient(clientId, replica, byId.get(clientId) ?? [])
  const clients =
    sort === 'CLIENT_ID' ? smallest.sorted.map(describe) : largestFirst(wanted.map(describe), sort).slice(0, first)
  return { clients, online: byId.size, slow, dropping }
}

function describeClient(clientId: string, replica: string, sessions: readonly Session[]): OnlineClient {
  return sessions
    .map((session): OnlineClient => {
      let offset: number | null = null
      let lagMs = 0
      let pending = 0
      for (const subscription of session.openSubscriptions) {
        const own = offsetOf(subscription.lastTaken)
        if (own !== null && (offset === null || own < offset)) offset = own
        lagMs = Math.max(lagMs, lagOf(subscription))
        pending += subscription.queued.length
      }
      const { transport, bufferedBytes: queuedBytes, counts, slow } = session
      return {
        clientId,
        sessions: 1,
        transports: [transport],
        replicas: [replica],
        offset,
        lagMs,
        pending,
        queuedBytes,
        ...counts,
        slow,
      }
    })
    .reduce(mergeClients, { clientId, replicas: [], ...none })
}

/** The same client on two replicas, or in two sessions. */
export function mergeClients(one: OnlineClient, other: OnlineClient): OnlineClient {
  return {
    clientId: one.clientId,
    sessions: one.sessions + other.sessions,
    transports: [...new Set([...one.transports, ...other.transports])],
    replicas: [...new Set([...one.replicas, ...other.replicas])],
    offset:
      one.offset === null || other.offset === null ? (one.offset ?? other.offset) : Math.min(one.offset, other.offset),
    lagMs: Math.max(one.lagMs, other.lagMs),
    pending: one.pending + other.pending,
    queuedBytes: one.queuedBytes + other.queuedBytes,
    delivered: one.delivered + other.delivered,
    dropped: one.dropped + other.dropped,
    slow: one.slow || other.slow,
  }
}

/** The largest value first; of equal ones by id. */
export function largestFirst(clients: readonly OnlineClient[], sort: Exclude<ClientSort, 'CLIENT_ID'>): OnlineClient[] {
  const read = {
    LAG: ({ lagMs }: OnlineClient) => lagMs,
    PENDING: ({ pending }: OnlineClient) => pending,
    DELIVERED: ({ delivered }: OnlineClient) => delivered,
    DROPPED: ({ dropped }: OnlineClient) => dropped,
  }[sort]
  return clients.toSorted((one, other) => read(other) - read(one) || compareClientIds(one.clientId, other.clientId))
}

export function readOnlineQuestion(value: unknown): OnlineQuestion {
  const { search, only, sort, after, first } = objectOf(value)
  return {
    search: textOf(search),
    only: only === 'slow' || only === 'dropping' ? only : null,
    sort: clientSorts.find((known) => known === sort) ?? 'CLIENT_ID',
    after: textOf(after),
    first: Math.min(maxClients, Math.max(0, numberOf(first))),
  }
}

export function readOnlineAnswer(value: unknown): OnlineAnswer | undefined {
  const { clients, online, slow, dropping } = objectOf(value)
  if (!Array.isArray(clients)) return undefined
  return {
    online: numberOf(online),
    slow: numberOf(slow),
    dropping: numberOf(dropping),
    clients: listOf(clients, maxClients).flatMap((item) => {
      const client = objectOf(item)
      if (typeof client['clientId'] !== 'string') return []
      return [
        {
          clientId: client['clientId'],
          sessions: numberOf(client['sessions']),
          transports: textsOf(client['transports'], 20),
          replicas: textsOf(client['replicas'], 1_000),
          offset: numberOrNull(client['offset']),
          lagMs: numberOf(client['lagMs']),
          pending: numberOf(client['pending']),
          queuedBytes: numberOf(client['queuedBytes']),
          delivered: numberOf(client['delivered']),
          dropped: numberOf(client['dropped']),
          slow: client['slow'] === true,
        },
      ]
    }),
  }
}
