import { setImmediate as nextTurn } from 'node:timers/promises'
import { compareClientIds, SmallestIds } from '../../clients/client-order.ts'
import type { Gathering } from '../../cluster/gathering.ts'
import { listOf, numberOf, objectOf, textOf, textsOf } from '../../cluster/wire-values.ts'
import { TimeSlice } from '../../delivery/time-slice.ts'
import type { Gateway } from '../../gateway.ts'
import type { Session } from '../../sessions/session.ts'

/** The most clients in one answer. */
export const maxSubscribers = 500

/** A client that subscribes to a typed field. */
export interface FieldSubscriber {
  readonly clientId: string
  readonly subscriptions: number
  readonly sessions: number
  readonly transports: readonly string[]
  readonly replicas: readonly string[]
  readonly delivered: number
  readonly dropped: number
  readonly pending: number
}

export interface FieldSubscriberPage {
  /** By client id. */
  readonly clients: readonly FieldSubscriber[]
  readonly endCursor: string | undefined
  readonly hasMore: boolean
  /** Subscriptions of sessions without a client id, such as those of operators. */
  readonly withoutClient: number
  readonly unanswered: readonly string[]
}

interface Question {
  readonly field: string
  readonly after: string
  readonly first: number
}

interface Answer {
  readonly clients: readonly FieldSubscriber[]
  readonly withoutClient: number
}

/** Who subscribes to a typed field, on all replicas. */
export class FieldSubscribers {
  readonly #gateway: Gateway
  readonly #gathering: Gathering

  constructor(gateway: Gateway, gathering: Gathering) {
    this.#gateway = gateway
    this.#gathering = gathering
    gathering.answer('field-subscribers', (args) => this.#here(readQuestion(args)))
  }

  /** `after`: the `endCursor` of the page before. */
  async page(field: string, first: number, after: string | undefined): Promise<FieldSubscriberPage> {
    const question: Question = { field, after: after ?? '', first: first + 1 }
    const { answers, unanswered } = await this.#gathering.ask('field-subscribers', question, readAnswer)
    const merged = new Map<string, FieldSubscriber>()
    for (const { value } of answers) {
      for (const client of value.clients) {
        const known = merged.get(client.clientId)
        merged.set(client.clientId, known ? merge(known, client) : client)
      }
    }
    const sorted = [...merged.values()].toSorted((one, other) => compareClientIds(one.clientId, other.clientId))
    const clients = sorted.slice(0, first)
    return {
      clients,
      endCursor: clients.at(-1)?.clientId,
      hasMore: sorted.length > first,
      withoutClient: answers.reduce((sum, { value }) => sum + value.withoutClient, 0),
      unanswered,
    }
  }

  async #here({ field, after, first }: Question): Promise<Answer> {
    const bySession = new Map<string, Session[]>()
    const ids = new SmallestIds(first)
    let withoutClient = 0
    await visitInSlices(this.#gateway.sessions, (session) => {
      const subscriptions = countOf(session, field)
      if (subscriptions === 0) return
      const { clientId } = session.identity
      if (clientId === undefined) {
        withoutClient += subscriptions
      } else if (compareClientIds(clientId, after) > 0) {
        ids.add(clientId)
        bySession.set(clientId, [...(bySession.get(clientId) ?? []), session])
      }
    })
    const clients = ids.sorted.map((clientId) =>
      (bySession.get(clientId) ?? [])
        .map((session) => describe(clientId, this.#gateway.replica, session, field))
        .reduce(merge),
    )
    return { clients, withoutClient }
  }
}

/** Lets other work run in between. */
export async function visitInSlices<Item>(items: Iterable<Item>, visit: (item: Item) => void): Promise<void> {
  let slice = new TimeSlice()
  for (const item of items) {
    visit(item)
    if (!slice.isOver) continue
    await nextTurn()
    slice = new TimeSlice()
  }
}

function countOf(session: Session, field: string): number {
  let count = 0
  for (const { topic } of session.openSubscriptions) if (topic.kind === 'event' && topic.field === field) count += 1
  return count
}

function describe(clientId: string, replica: string, session: Session, field: string): FieldSubscriber {
  let subscriptions = 0
  let [delivered, dropped, pending] = [0, 0, 0]
  for (const subscription of session.openSubscriptions) {
    if (subscription.topic.kind !== 'event' || subscription.topic.field !== field) continue
    subscriptions += 1
    delivered += subscription.delivered
    dropped += subscription.dropped
    pending += subscription.queued.length
  }
  const { transport } = session
  return {
    clientId,
    subscriptions,
    sessions: 1,
    transports: [transport],
    replicas: [replica],
    delivered,
    dropped,
    pending,
  }
}

function merge(one: FieldSubscriber, other: FieldSubscriber): FieldSubscriber {
  return {
    clientId: one.clientId,
    subscriptions: one.subscriptions + other.subscriptions,
    sessions: one.sessions + other.sessions,
    transports: [...new Set([...one.transports, ...other.transports])],
    replicas: [...new Set([...one.replicas, ...other.replicas])],
    delivered: one.delivered + other.delivered,
    dropped: one.dropped + other.dropped,
    pending: one.pending + other.pending,
  }
}

function readQuestion(value: unknown): Question {
  const { field, after, first } = objectOf(value)
  return {
    field: textOf(field),
    after: textOf(after),
    first: Math.min(maxSubscribers + 1, Math.max(0, numberOf(first))),
  }
}

function readAnswer(value: unknown): Answer | undefined {
  const { clients, withoutClient } = objectOf(value)
  if (!Array.isArray(clients)) return undefined
  return {
    withoutClient: numberOf(withoutClient),
    clients: listOf(clients, maxSubscribers + 1).map((item) => {
      const client = objectOf(item)
      return {
        clientId: textOf(client['clientId']),
        subscriptions: numberOf(client['subscriptions']),
        sessions: numberOf(client['sessions']),
        transports: textsOf(client['transports'], 20),
        replicas: textsOf(client['replicas'], 1_000),
        delivered: numberOf(client['delivered']),
        dropped: numberOf(client['dropped']),
        pending: numberOf(client['pending']),
      }
    }),
  }
}
