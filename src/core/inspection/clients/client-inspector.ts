import { badInput } from '../../../errors.ts'
import { transportNames } from '../../accounting/labels.ts'
import { compareClientIds } from '../../clients/client-order.ts'
import type { Gathering } from '../../cluster/gathering.ts'
import { listOf, objectOf, textOf, textOrNull } from '../../cluster/wire-values.ts'
import type { Gateway } from '../../gateway.ts'
import type { ClientDirectory } from '../../ports/client-directory.ts'
import type { Client } from '../../ports/client-registry.ts'
import type { EndedSession } from '../../sessions/ended-sessions.ts'
import { type EndedPage, readEndedSessions } from './ended-report.ts'
import {
  type ClientSort,
  largestFirst,
  maxClients,
  mergeClients,
  type OnlineAnswer,
  type OnlineClient,
  type OnlineQuestion,
  onlineClients,
  readOnlineAnswer,
  readOnlineQuestion,
} from './online-clients.ts'
import { readSessionReport, reportSession, type SessionReport } from './session-report.ts'

/** How many sessions of a client one replica reports. */
const maxSessions = 200
/** How many pages of registered clients are read to fill one page of those that are offline. */
const maxRounds = 20

export const clientFilters = ['ONLINE', 'OFFLINE', 'SLOW', 'DROPPING', 'BANNED'] as const
export type ClientFilter = (typeof clientFilters)[number]

export interface ClientQuery {
  readonly search: string
  readonly only: ClientFilter | undefined
  /** Only clients with a session over it, with the figures of those sessions. */
  readonly transport: string | undefined
  readonly sort: ClientSort
  readonly first: number
  /** `endCursor` of the page before. */
  readonly after: string | undefined
}

/** A client that is registered, online, banned, or several of these. */
export interface InspectedClient {
  readonly clientId: string
  readonly registered: Client | undefined
  readonly online: OnlineClient | undefined
}

export interface ClientPage {
  readonly clients: readonly InspectedClient[]
  readonly endCursor: string | undefined
  readonly hasMore: boolean
  readonly counts: { readonly online: number; readonly slow: number; readonly dropping: number }
  readonly unanswered: readonly string[]
  readonly at: number
}

export interface ClientSessions {
  readonly clientId: string
  readonly sessions: readonly (SessionReport & { readonly replica: string })[]
  readonly unanswered: readonly string[]
}

export interface ClientInspectorParts {
  readonly gateway: Gateway
  readonly gathering: Gathering
  readonly directory: ClientDirectory
}

/** Finds clients and their sessions on all replicas. */
export class ClientInspector {
  readonly #parts: ClientInspectorParts

  constructor(parts: ClientInspectorParts) {
    this.#parts = parts
    const { gathering, gateway } = parts
    gathering.answer('clients', (args) => onlineClients(gateway.sessions, gateway.replica, readOnlineQuestion(args)))
    gathering.answer('sessions', (args) => this.#sessionsHere(textOf(objectOf(args)['clientId'])))
    gathering.answer('ended-sessions', (args) => this.#endedHere(textOrNull(objectOf(args)['clientId'])))
    gathering.answer('disconnect', (args) => this.#disconnectHere(textOf(objectOf(args)['session'])))
  }

  get #directory(): ClientDirectory {
    return this.#parts.directory
  }

  /** Throws `BAD_USER_INPUT` for `after` and `transport`. */
  async clients(query: ClientQuery): Promise<ClientPage> {
    checkTransport(query)
    if (query.only === 'BANNED') return this.#banned(query)
    return query.sort === 'CLIENT_ID' ? this.#byId(query) : this.#bySort(query, query.sort)
  }

  /** The client with this id. Undefined if it is neither registered nor online nor banned. */
  async client(clientId: string): Promise<InspectedClient | undefined> {
    const [registered, { sessions }] = await Promise.all([
      this.#directory.findClientsById([clientId]),
      this.sessions(clientId),
    ])
    const online = onlineOf(clientId, sessions)
    if (registered.length === 0 && !online && !this.#parts.gateway.bans.isBanned(clientId)) return undefined
    return { clientId, registered: registered[0], online }
  }

  /** The sessions of a client on all replicas, those that began last first. */
  async sessions(clientId: string): Promise<ClientSessions> {
    const { answers, unanswered } = await this.#parts.gathering.ask('sessions', { clientId }, (value) =>
      Array.isArray(value)
        ? listOf(value, maxSessions)
            .map(readSessionReport)
            .filter((report) => report !== undefined)
        : undefined,
    )
    const sessions = answers.flatMap(({ replica, value }) => value.map((report) => ({ ...report, replica })))
    return { clientId, sessions: sessions.toSorted((one, other) => other.since - one.since), unanswered }
  }

  /** The last sessions that were cut off or dropped events. `clientId`: only those of this one. */
  async endedSessions(clientId: string | null, first: number): Promise<EndedPage> {
    const { answers, unanswered } = await this.#parts.gathering.ask('ended-sessions', { clientId }, readEndedSessions)
    const sessions = answers.flatMap(({ replica, value }) => value.map((session) => ({ ...session, replica })))
    return { sessions: sessions.toSorted((one, other) => other.endedAt - one.endedAt).slice(0, first), unanswered }
  }

  /** Ends a session with 1012, so that its client comes back. False: no replica has it. */
  async disconnect(session: string): Promise<boolean> {
    const { answers } = await this.#parts.gathering.ask('disconnect', { session }, (value) => value === true)
    return answers.some(({ value }) => value)
  }

  async #byId({ search, only, transport, first, after = '' }: ClientQuery): Promise<ClientPage> {
    const { answers, unanswered } = await this.#askOnline({
      search,
      only: onlineFilters[only ?? 'ONLINE'],
      transport,
      sort: 'CLIENT_ID',
      after,
      first: first + 1,
    })
    const online = mergedById(answers)
    const found =
      only === undefined && transport === undefined
        ? await this.#directory.findClients({ containing: search, behind: after, first: first + 1 })
        : only === 'OFFLINE'
          ? await this.#offline(search, after, first + 1)
          : await this.#directory.findClientsById([...online.keys()])
    const registered = new Map(found.map((client) => [client.clientId, client]))
    const listed = only === 'OFFLINE' ? [...registered.keys()] : [...new Set([...online.keys(), ...registered.keys()])]
    const ids = listed.toSorted(compareClientIds)
    const page = ids.slice(0, first)
    return {
      clients: page.map((clientId) => ({
        clientId,
        registered: registered.get(clientId),
        online: online.get(clientId),
      })),
      endCursor: page.at(-1),
      hasMore: ids.length > first,
      counts: countsOf(answers),
      unanswered,
      at: Date.now(),
    }
  }

  /** Registered clients without a session. */
  async #offline(search: string, after: string, first: number): Promise<Client[]> {
    const offline: Client[] = []
    let behind = after
    for (let round = 0; round < maxRounds && offline.length < first; round += 1) {
      const page = await this.#directory.findClients({ containing: search, behind, first: maxClients })
      const { answers } = await this.#askOnline({
        search,
        sort: 'CLIENT_ID',
        after: behind,
        first: maxClients,
      })
      const online = mergedById(answers)
      offline.push(...page.filter(({ clientId }) => !online.has(clientId)))
      behind = page.at(-1)?.clientId ?? behind
      if (page.length < maxClients) break
    }
    return offline.slice(0, first)
  }

  /** `after`: how many clients the pages before had. */
  async #bySort(
    { search, only, transport, first, after = '0' }: ClientQuery,
    sort: Exclude<ClientSort, 'CLIENT_ID'>,
  ): Promise<ClientPage> {
    const skip = Number(after)
    if (!/^\d{1,4}$/.test(after)) throw badInput('after', 'expected the endCursor of the page before')
    if (only === 'OFFLINE')
      throw badInput('sort', 'expected CLIENT_ID, because only clients that are online have other values')
    const wanted = Math.min(maxClients, skip + first + 1)
    const { answers, unanswered } = await this.#askOnline({
      search,
      only: onlineFilters[only ?? 'ONLINE'],
      transport,
      sort,
      after: '',
      first: wanted,
    })
    // A client with sessions on two replicas may be among the first of only one of them.
    const sorted = largestFirst([...mergedById(answers).values()], sort)
    const page = sorted.slice(skip, skip + first)
    const found = await this.#directory.findClientsById(page.map(({ clientId }) => clientId))
    const registered = new Map(found.map((client) => [client.clientId, client]))
    return {
      clients: page.map((online) => ({
        clientId: online.clientId,
        registered: registered.get(online.clientId),
        online,
      })),
      endCursor: page.length > 0 ? String(skip + page.length) : undefined,
      hasMore: sorted.length > skip + first && skip + first < maxClients,
      counts: countsOf(answers),
      unanswered,
      at: Date.now(),
    }
  }

  async #banned({ search, first, after = '' }: ClientQuery): Promise<ClientPage> {
    const text = search.toLowerCase()
    const ids = this.#parts.gateway.bans.banned
      .filter((id) => compareClientIds(id, after) > 0 && id.toLowerCase().includes(text))
      .toSorted(compareClientIds)
    const page = ids.slice(0, first)
    const [found, { answers, unanswered }] = await Promise.all([
      this.#directory.findClientsById(page),
      this.#askOnline({ search, sort: 'CLIENT_ID', after, first: 0 }),
    ])
    const registered = new Map(found.map((client) => [client.clientId, client]))
    return {
      clients: page.map((clientId) => ({ clientId, registered: registered.get(clientId), online: undefined })),
      endCursor: page.at(-1),
      hasMore: ids.length > first,
      counts: countsOf(answers),
      unanswered,
      at: Date.now(),
    }
  }

  #askOnline(question: Pick<OnlineQuestion, 'search' | 'sort' | 'after' | 'first'> & OnlineFilter) {
    return this.#parts.gathering.ask('clients', question, readOnlineAnswer)
  }

  #sessionsHere(clientId: string): SessionReport[] {
    const reports: SessionReport[] = []
    for (const session of this.#parts.gateway.sessions) {
      if (session.identity.clientId !== clientId) continue
      reports.push(reportSession(session))
      if (reports.length === maxSessions) break
    }
    return reports
  }

  #endedHere(clientId: string | null): readonly EndedSession[] {
    const { recent } = this.#parts.gateway.endedSessions
    return clientId === null ? recent : recent.filter((session) => session.clientId === clientId)
  }

  #disconnectHere(id: string): boolean {
    for (const session of this.#parts.gateway.sessions) {
      if (session.id !== id) continue
      session.close('RESTART')
      return true
    }
    return false
  }
}

interface OnlineFilter {
  readonly only?: OnlineQuestion['only'] | undefined
  readonly transport?: string | undefined
}

/** What a replica leaves out. */
const onlineFilters: Readonly<Record<ClientFilter, OnlineQuestion['only']>> = {
  ONLINE: null,
  OFFLINE: null,
  SLOW: 'slow',
  DROPPING: 'dropping',
  BANNED: null,
}

/** Throws `BAD_USER_INPUT`. */
function checkTransport({ transport, only }: ClientQuery): void {
  if (transport === undefined) return
  if (!transportNames.some((known) => known === transport))
    throw badInput('transport', `expected one of ${transportNames.join(', ')}, got "${transport}"`)
  if (only === 'OFFLINE' || only === 'BANNED')
    throw badInput('transport', `expected no transport with ${only}, because those clients have no session`)
}

type OnlineAnswers = readonly { readonly value: OnlineAnswer }[]

function mergedById(answers: OnlineAnswers): Map<string, OnlineClient> {
  const merged = new Map<string, OnlineClient>()
  for (const { value } of answers) {
    for (const client of value.clients) {
      const known = merged.get(client.clientId)
      merged.set(client.clientId, known ? mergeClients(known, client) : client)
    }
  }
  return merged
}

/** A client with sessions on two replicas counts twice. */
function countsOf(answers: OnlineAnswers): ClientPage['counts'] {
  const sum = (read: (answer: OnlineAnswer) => number): number =>
    answers.reduce((all, { value }) => all + read(value), 0)
  return {
    online: sum(({ online }) => online),
    slow: sum(({ slow }) => slow),
    dropping: sum(({ dropping }) => dropping),
  }
}

function onlineOf(clientId: string, sessions: ClientSessions['sessions']): OnlineClient | undefined {
  const each = sessions.map((session): OnlineClient => {
    const offsets = session.subscriptions.flatMap(({ offset }) => (offset === null ? [] : [offset]))
    return {
      clientId,
      sessions: 1,
      transports: [session.transport],
      replicas: [session.replica],
      offset: offsets.length === 0 ? null : Math.min(...offsets),
      lagMs: Math.max(0, ...session.subscriptions.map(({ lagMs }) => lagMs)),
      pending: session.pending,
      queuedBytes: session.queuedBytes,
      delivered: session.delivered,
      dropped: session.dropped,
      slow: session.slow,
    }
  })
  const [first, ...others] = each
  return first && others.reduce(mergeClients, first)
}
