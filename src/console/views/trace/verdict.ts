import type { TraceQuery } from '../../api/generated/graphql.ts'
import { count, plural } from '../../parts/format.ts'
import { type OutcomeName, outcomeOf } from '../../parts/outcome.ts'

type ReplicaTrace = TraceQuery['trace'][number]
export type Traced = ReplicaTrace['messages'][number]
export type SessionOfTrace = Traced['sessions'][number]

/** A message as all replicas saw it. */
export interface Case {
  readonly key: string
  readonly offset: number
  readonly cursor: string | null
  readonly seen: readonly { readonly replica: string; readonly message: Traced }[]
  /** Replicas that answered and do not remember it. */
  readonly forgotten: readonly ReplicaTrace[]
}

/** The found messages, newest first. One entry for each place in the journal. */
export function casesOf(traces: readonly ReplicaTrace[]): readonly Case[] {
  const byOffset = new Map<number, { replica: string; message: Traced }[]>()
  for (const { replica, messages } of traces)
    for (const message of messages)
      byOffset.set(message.offset, [...(byOffset.get(message.offset) ?? []), { replica, message }])
  return [...byOffset]
    .sort(([a], [b]) => b - a)
    .map(([offset, seen]) => ({
      key: String(offset),
      offset,
      cursor: seen.find(({ message }) => message.cursor !== null)?.message.cursor ?? null,
      seen,
      forgotten: traces.filter(({ replica }) => !seen.some((one) => one.replica === replica)),
    }))
}

/** Those with exactly this id first, before those with a longer one. */
export function exactFirst(cases: readonly Case[], id: string | null): readonly Case[] {
  const wanted = id?.trim().toLowerCase()
  const isExact = ({ seen }: Case): boolean => seen[0]?.message.messageId?.toLowerCase() === wanted
  return wanted === undefined ? cases : [...cases.filter(isExact), ...cases.filter((one) => !isExact(one))]
}

/** How many messages a replica finds at most: the newest. */
const maxFound = 20

/** `6 messages found`, or that there may be older ones. */
export function foundText(cases: readonly Case[], traces: readonly ReplicaTrace[]): string {
  return traces.some(({ messages }) => messages.length >= maxFound)
    ? `The newest ${count(cases.length)} messages found`
    : `${plural(cases.length, 'message')} found`
}

/** The messages of two answers, each once. */
export function mergedTraces(
  one: readonly ReplicaTrace[],
  other: readonly ReplicaTrace[] | undefined,
): readonly ReplicaTrace[] {
  if (!other) return one
  const replicas = [...new Set([...one, ...other].map(({ replica }) => replica))]
  return replicas.flatMap((name) => {
    const [first, ...rest] = [...one, ...other].filter(({ replica }) => replica === name)
    if (!first) return []
    const messages = new Map(
      [first, ...rest].flatMap((trace) => trace.messages.map((message) => [message.offset, message] as const)),
    )
    return [{ ...first, messages: [...messages.values()] }]
  })
}

/** Why it is not for the client that was asked for. Undefined: it is, or none was asked for. */
export function notForClient({ seen }: Case): string | undefined {
  const forClient = seen[0]?.message.forClient
  return forClient && !forClient.isFor ? forClient.reason : undefined
}

/** The worst that a replica reports decides the look; the sentence has the counts. */
export function verdictOf(
  { seen }: Case,
  sources: TracedSources,
): { readonly outcome: OutcomeName; readonly text: string } {
  const outcomes = seen.map(({ message }) => outcomeIn(message))
  const behind = seen.reduce((sum, { message }) => sum + behindOf(message), 0)
  const delivered = seen.reduce((sum, { message }) => sum + message.delivered, 0)
  const pending = seen.reduce((sum, { message }) => sum + message.pending, 0)
  const dropped = seen.reduce((sum, { message }) => sum + message.dropped, 0)
  const matched = delivered + pending + dropped
  const first = seen[0]?.message
  const readers = first ? readersOf(first) : ''
  if (matched > 0) {
    const rest = [
      ...(pending > 0
        ? [`${count(pending)} ${pending === 1 ? 'waits' : 'wait'} for slow clients and get it later`]
        : []),
      ...(behind > 0
        ? [`${count(behind)} ${behind === 1 ? 'is' : 'are'} behind and ${behind === 1 ? 'gets' : 'get'} it later`]
        : []),
      ...(dropped > 0 ? [`${count(dropped)} ended before or dropped it`] : []),
    ]
    const text = `It reached ${count(delivered)} of ${plural(matched, 'subscription')} of ${readers}.${rest.length > 0 ? ` ${rest.join('; ')}.` : ''}`
    const outcome = pending + behind > 0 ? 'WAITING' : delivered === 0 ? 'DROPPED' : 'DELIVERED'
    return { outcome, text: withMisfits(text, first) }
  }
  if (outcomes.includes('WAITING')) {
    const text = `${plural(behind, 'subscription')} of ${readers} ${behind === 1 ? 'is behind. It reads' : 'are behind. They read'} the journal at ${behind === 1 ? 'its' : 'their'} own pace and ${behind === 1 ? 'gets' : 'get'} it later.`
    return { outcome: 'WAITING', text: withMisfits(text, first) }
  }
  if (first && outcomes.includes('UNMATCHED')) return { outcome: 'UNMATCHED', text: withoutClientText(first, sources) }
  if (first && outcomes.includes('NO_SUBSCRIBER')) {
    const where = seen.length === 1 ? 'the replica that remembers it' : `any of ${count(seen.length)} replicas`
    const text =
      first.clientCount === 0
        ? `no subscription of ${readers} wanted it on ${where} when it arrived.`
        : `${readers} had no subscription on ${where} when it arrived. A client that resumes with an older cursor receives it.`
    return { outcome: 'NO_SUBSCRIBER', text: withMisfits(text, first) }
  }
  const known = outcomes.find((outcome) => outcome !== 'REPLAYED') ?? 'REPLAYED'
  const explanation = seen.find(({ message }) => outcomeIn(message) === known)?.message.explanation ?? ''
  return { outcome: known, text: explanation }
}

/** The reason of each source that looked for a client, and what typed fields did. */
function withoutClientText(message: Traced, sources: TracedSources): string {
  const { exchange, sourceReasons, fields } = message
  const looked = sourceReasons.filter(({ source, matched }) => !matched && sources.get(source)?.origin !== 'SCHEMA')
  if (looked.length === 0) return `no source takes messages of “${exchange}”.`
  const reasons = looked.map(({ source, reason }) => `${reason} (${sourceName(sources, source)})`).join('; ')
  const others = fields.filter(({ outcome }) => outcome !== 'INVALID').map(({ field }) => field)
  return [
    withMisfits(`${reasons}.`, message),
    ...(others.length === 0
      ? []
      : [`No subscription of the typed ${others.length === 1 ? 'field' : 'fields'} ${others.join(', ')} wanted it.`]),
  ].join(' ')
}

/** The typed fields that it does not fit, whatever became of it elsewhere. */
export function misfitsOf({ fields }: Pick<Traced, 'fields'>): readonly Traced['fields'][number][] {
  return fields.filter(({ outcome }) => outcome === 'INVALID')
}

function withMisfits(text: string, message: Traced | undefined): string {
  if (!message) return text
  const misfits = misfitsOf(message).map(
    ({ field, detail }) => `It does not fit the typed field ${field}${detail ? `, ${detail}` : ''}.`,
  )
  const copy = message.reason === 'schema' ? ['A copy went to the quarantine for that.'] : []
  return [text, ...misfits, ...(misfits.length > 0 ? copy : [])].join(' ')
}

/** Whether a replica reports that it, or a copy of it, went to the quarantine. */
export function isQuarantined({ seen }: Case): boolean {
  return seen.some(({ message }) => message.reason !== null)
}

/** What one replica made of a message. */
export function outcomeIn(message: Traced): OutcomeName {
  return outcomeOf({ ...message, behind: behindOf(message) })
}

/** Subscriptions that have not come to the message, beside those in which it is queued. */
function behindOf({ sessions, pending }: Traced): number {
  return Math.max(0, sessions.filter(({ outcome }) => outcome === 'WAITING').length - pending)
}

/** The sources of the deployment by their ids. */
export type TracedSources = ReadonlyMap<string, TraceQuery['rabbitChannels'][number]>

export function sourcesOf({ rabbitChannels }: Pick<TraceQuery, 'rabbitChannels'>): TracedSources {
  return new Map(rabbitChannels.map((source) => [source.id, source]))
}

/** A name for the id of a source, such as `orders orders.{clientId}`. */
export function sourceName(sources: TracedSources, id: string): string {
  const source = sources.get(id)
  return source ? `${source.exchange} ${source.routingKey}`.trim() : id
}

/** `alice and bob and 3 more`, or the typed fields of a message without a client. */
export function readersOf(message: Pick<Traced, 'clients' | 'clientCount' | 'fields'>): string {
  const { clients, clientCount, fields } = message
  if (clientCount === null) return 'everyone'
  if (clientCount === 0) {
    const matched = fields.filter(({ outcome }) => outcome === 'MATCHED')
    const named = (matched.length > 0 ? matched : fields).map(({ field }) => field)
    if (named.length === 0) return 'typed fields'
    return `the typed ${named.length === 1 ? 'field' : 'fields'} ${named.slice(0, 3).join(', ')}`
  }
  const shown = clients.slice(0, 2).join(' and ')
  return clientCount > 2 ? `${shown} and ${count(clientCount - 2)} more` : shown
}
