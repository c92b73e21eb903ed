import type { EndedSessionsQuery } from '../../api/generated/graphql.ts'
import { count, duration, plural, rate, time, type Zone } from '../../parts/format.ts'
import type { IconName } from '../../parts/icon.tsx'
import type { Tone } from '../../parts/status.tsx'
import type { Params } from '../../shell/router.tsx'
import type { ConsoleStats } from '../../shell/stats.tsx'

/** Something that wants a look, with the place where its reason is. */
export interface Concern {
  readonly tone: Tone
  readonly icon: IconName
  readonly title: string
  readonly text: string
  readonly link: string
  readonly view: string
  readonly params: Params
}

type Ended = EndedSessionsQuery['endedSessions']['sessions'][number]

interface Seen {
  readonly brokerAway: boolean
  /** Sessions that were cut off or dropped events, newest first. */
  readonly ended: readonly Ended[]
  readonly zone: Zone
  /** How many messages the quarantine holds. */
  readonly quarantined: number
}

/** The worst first. */
export function concernsOf(stats: ConsoleStats, seen: Seen): readonly Concern[] {
  return [
    ...accountConcerns(stats),
    ...replicaConcerns(stats, seen.brokerAway),
    ...droppedConcerns(stats, seen),
    ...messageConcerns(stats, seen.quarantined),
  ]
}

/** These stay when their cause has gone: a client that was cut off has no session any more. */
function* droppedConcerns({ accounts: { total } }: ConsoleStats, { ended, zone }: Seen): Generator<Concern> {
  const last = ended.find(({ dropped }) => dropped > 0) ?? ended[0]
  if (total.dropped === 0 && !last) return
  const clients = new Set(ended.map(({ clientId }) => clientId ?? 'a client without an id'))
  const title =
    total.dropped > 0
      ? `${plural(total.dropped, 'event was', 'events were')} dropped`
      : `${plural(clients.size, 'client was', 'clients were')} cut off`
  if (!last) {
    const text = 'By the overflow policy, in sessions that are open.'
    yield { tone: 'fail', icon: 'fail', title, text, link: 'Show', view: 'clients', params: { only: 'DROPPING' } }
    return
  }
  const others = clients.size > 1 ? ` ${plural(clients.size - 1, 'other client')} before.` : ''
  const text = `Last at ${time(new Date(last.endedAt), zone, { ms: false })}: ${endedText(last)}.${others}`
  const params = last.clientId === null ? {} : { client: last.clientId }
  yield { tone: 'fail', icon: 'fail', title, text, link: 'Show', view: 'clients', params }
}

/** `tablet-17, slow consumer, 42 dropped`. */
export function endedText({ clientId, reason, dropped }: Pick<Ended, 'clientId' | 'reason' | 'dropped'>): string {
  const parts = [clientId ?? 'a client without an id', reason.replaceAll('-', ' ')]
  return [...parts, ...(dropped > 0 ? [`${count(dropped)} dropped`] : [])].join(', ')
}

function* accountConcerns({ accounts: { total } }: ConsoleStats): Generator<Concern> {
  if (total.difference !== 0) {
    yield {
      tone: 'fail',
      icon: 'fail',
      title: `${plural(Math.abs(total.difference), 'event is', 'events are')} not accounted for`,
      text: 'Matched is not the sum of delivered, filtered, dropped and waiting. The table names the replica.',
      link: 'Replicas',
      view: 'replicas',
      params: {},
    }
  }
}

function* replicaConcerns({ replicas }: ConsoleStats, brokerAway: boolean): Generator<Concern> {
  for (const { name, state, reason, lagMs, load, sessions, outbox } of replicas) {
    const cpu = load?.cpu ?? undefined
    const at = { link: 'Replica', view: 'replicas', params: { replica: name } }
    // Replicas answer each other over the broker.
    if (state === 'SILENT' && brokerAway) continue
    if (state === 'SILENT') {
      const text = 'It did not answer within 0.5 s. Its sessions are not in the sums.'
      yield { tone: 'fail', icon: 'fail', title: `${name} does not answer`, text, ...at }
    } else if (state === 'BROKER_DOWN') {
      yield { tone: 'fail', icon: 'fail', title: `${name} does not reach the broker`, text: reason ?? '', ...at }
    } else if (state === 'BEHIND') {
      const text = `${cpu === undefined ? '' : `CPU ${count(cpu * 100)} %. `}${count(sessions)} sessions; its clients get events late, none is lost.`
      yield { tone: 'wait', icon: 'wait', title: `${name} is ${duration(lagMs)} behind the journal’s end`, text, ...at }
    } else if (cpu !== undefined && cpu > 0.85) {
      const text = `CPU ${count(cpu * 100)} %, its event loop turns ${duration(load?.loopDelayMs)} late.`
      yield { tone: 'wait', icon: 'replicas', title: `${name} is nearly at its limit`, text, ...at }
    }
    const waiting = outbox?.waitingSessions ?? 0
    if (waiting > 0) {
      yield {
        tone: 'wait',
        icon: 'wait',
        title: `${plural(waiting, 'session is', 'sessions are')} slow on ${name}${slowNames(outbox?.waitingClients ?? [])}`,
        text: 'They take less than their channels have. Events wait for them.',
        link: 'Show',
        view: 'clients',
        params: { only: 'SLOW' },
      }
    }
  }
}

function* messageConcerns({ byOutcome, withoutClient }: ConsoleStats, quarantined: number): Generator<Concern> {
  const of = (outcome: string) => byOutcome.find((one) => one.outcome === outcome)
  if (withoutClient.total > 0) {
    const now = withoutClient.perSecond ? `${rate(withoutClient.perSecond)} a second now` : 'none now'
    yield {
      tone: 'lostid',
      icon: 'lostid',
      title: `${plural(withoutClient.total, 'message')} found no client`,
      text: `Since the replicas started, ${now}. The sources show samples with the reason.`,
      link: 'See why',
      view: 'sources',
      params: {},
    }
  }
  const invalid = of('INVALID')
  if (invalid && invalid.total > 0) {
    yield {
      tone: 'poison',
      icon: 'schema',
      title: `${plural(invalid.total, 'message does', 'messages do')} not fit the typed fields`,
      text: 'Their bodies differ from the schema.',
      link: 'Watch',
      view: 'live',
      params: { outcome: 'INVALID' },
    }
  }
  if (quarantined > 0) {
    yield {
      tone: 'poison',
      icon: 'poison',
      title: `${plural(quarantined, 'message is', 'messages are')} in the quarantine`,
      text: 'A body that cannot be read, or that does not fit the schema. The messages around them were delivered.',
      link: 'Read them',
      view: 'quarantine',
      params: {},
    }
  }
}

/** `: tablet-17 and 2 more`. */
function slowNames(clients: readonly string[]): string {
  if (clients.length === 0) return ''
  const shown = clients.slice(0, 3).join(', ')
  return clients.length > 3 ? `: ${shown} and more` : `: ${shown}`
}
