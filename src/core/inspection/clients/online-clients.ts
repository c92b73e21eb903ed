import { setImmediate as nextTurn } from 'node:timers/promises'
import { type TransportName, transportNames } from '../../accounting/labels.ts'
import { compareClientIds, SmallestIds } from '../../clients/client-order.ts'
import { listOf, numberOf, numberOrNull, objectOf, textOf, textsOf } from '../../cluster/wire-values.ts'
import { TimeSlice } from '../../delivery/time-slice.ts'
import type { Session } from '../../sessions/session.ts'
import { lagOf } from './session-report.ts'

/** The most clients in the answer of one replica. */
export const maxClients = 1_000

export const clientSorts = ['CLIENT_ID', 'LAG', 'PENDING', 'DELIVERED', 'DROPPED'] as const
export type ClientSort = (typeof clientSorts)[number]

/** Which clients with a session a replica names. */
export interface OnlineQuestion {
  readonly search: string
  readonly only: 'slow' | 'dropping' | null
  /** Only sessions over this one; null: all. */
  readonly transport: TransportName | null
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

/** Answers for the sessions of this replica. Other work runs in between. */
export async function onlineClients(
  sessions: Iterable<Session>,
  replica: string,
  { search, only, transport, sort, after, first }: OnlineQuestion,
): Promise<OnlineAnswer> {
  const text = search.toLowerCase()
  const byId = new Map<string, Session[]>()
  let slice = new TimeSlice()
  const rest = async (): Promise<void> => {
    await nextTurn()
    slice = new TimeSlice()
  }
  for (const session of sessions) {
    if (slice.isOver) await rest()
    const { clientId } = session.identity
    if (clientId === undefined) continue
    const known = byId.get(clientId)
    if (known) known.push(session)
    else byId.set(clientId, [session])
  }
  let slow = 0
  let dropping = 0
  const largest = new LargestClients(first)
  const smallest = new SmallestIds(first)
  const wantedOf = (own: readonly Session[]): readonly Session[] =>
    transport === null ? own : own.filter((session) => session.transport === transport)
  for (const [clientId, own] of byId) {
    if (slice.isOver) await rest()
    if (own.some(isSlow)) slow += 1
    if (own.some(isDropping)) dropping += 1
    const wanted = wantedOf(own)
    if (wanted.length === 0) continue
    if ((only === 'slow' && !wanted.some(isSlow)) || (only === 'dropping' && !wanted.some(isDropping))) continue
    if (text !== '' && !clientId.toLowerCase().includes(text)) continue
    if (sort !== 'CLIENT_ID') largest.add(clientId, valueOf(wanted, sort))
    else if (compareClientIds(clientId, after) > 0) smallest.add(clientId)
  }
  const describe = (clientId: string): OnlineClient =>
    describeClient(clientId, replica, wantedOf(byId.get(clientId) ?? []))
  const clients = (sort === 'CLIENT_ID' ? smallest.sorted : largest.sorted).map(describe)
  return { clients, online: byId.size, slow, dropping }
}

const isSlow = ({ slow }: Session): boolean => slow
const isDropping = ({ counts }: Session): boolean => counts.dropped > 0

/** What the clients are sorted by, without the rest of their description. */
function valueOf(sessions: readonly Session[], sort: Exclude<ClientSort, 'CLIENT_ID'>): number {
  let value = 0
  for (const session of sessions) {
    if (sort === 'DELIVERED') value += session.counts.delivered
    else if (sort === 'DROPPED') value += session.counts.dropped
    else if (session.slow) {
      for (const subscription of session.openSubscriptions) {
        if (sort === 'LAG') value = Math.max(value, lagOf(subscription))
        else value += subscription.queued.length
      }
    }
  }
  return value
}

/** Keeps the `count` clients with the largest values, without sorting them all. */
class LargestClients {
  readonly #count: number
  #found: { readonly clientId: string; readonly value: number }[] = []
  #bound = Number.NEGATIVE_INFINITY

  constructor(count: number) {
    this.#count = count
  }

  add(clientId: string, value: number): void {
    if (value < this.#bound) return
    this.#found.push({ clientId, value })
    if (this.#found.length >= 2 * this.#count + 1_000) this.#trim()
  }

  /** The largest first; of equal ones by id. */
  get sorted(): readonly string[] {
    this.#trim()
    return this.#found.map(({ clientId }) => clientId)
  }

  #trim(): void {
    this.#found = this.#found
      .toSorted((one, other) => other.value - one.value || compareClientIds(one.clientId, other.clientId))
      .slice(0, this.#count)
    if (this.#found.length === this.#count) this.#bound = this.#found.at(-1)?.value ?? this.#bound
  }
}

function describeClient(clientId: string, replica: string, sessions: readonly Session[]): OnlineClient {
  return sessions
    .map((session): OnlineClient => {
      let offset: number | null = null
      let lagMs = 0
      let pending = 0
      for (const subscription of session.openSubscriptions) {
        const { lastTaken } = subscription
        if (lastTaken) offset = Math.min(offset ?? Number.POSITIVE_INFINITY, lastTaken.cursor.offset)
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
  const { search, only, transport, sort, after, first } = objectOf(value)
  return {
    search: textOf(search),
    only: only === 'slow' || only === 'dropping' ? only : null,
    transport: transportNames.find((known) => known === transport) ?? null,
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
