import type { ReactNode } from 'react'
import { ClientStateDocument } from '../../api/generated/graphql.ts'
import { useQuery } from '../../api/use-query.ts'
import { count, duration, plural, waitText } from '../../parts/format.ts'
import { Icon, type IconName } from '../../parts/icon.tsx'
import { clientStates, outcomes, type Tone } from '../../parts/status.tsx'
import { Time } from '../../parts/time.tsx'
import { Link } from '../../shell/router.tsx'
import {
  type Case,
  isQuarantined,
  misfitsOf,
  outcomeIn,
  readersOf,
  type SessionOfTrace,
  sourceName,
  type Traced,
  type TracedSources,
} from './verdict.ts'

export const sessionLooks = {
  DELIVERED: { tone: 'ok', icon: 'ok', word: 'has taken it' },
  WAITING: { tone: 'wait', icon: 'wait', word: 'has not come that far' },
  STARTED_LATER: { tone: 'quiet', icon: 'quiet', word: 'began after it' },
} as const satisfies Record<SessionOfTrace['outcome'], { tone: Tone; icon: IconName; word: string }>

/** `, read by nadia`, if another identity than the client reads its channel. */
export function readerOf({ openedBy }: Pick<SessionOfTrace, 'openedBy'>): string {
  if (openedBy === null) return ''
  return openedBy === '' ? ', read by another token' : `, read by ${openedBy}`
}

/** The same facts as the picture, in order. */
export function InWords({ found, sources }: { found: Case; sources: TracedSources }) {
  const { seen, forgotten, offset } = found
  const first = seen[0]?.message
  if (!first) return null
  const matching = first.sourceReasons.filter(({ matched }) => matched)
  const others = first.sourceReasons.filter(({ matched }) => !matched)
  return (
    <ol className="rows">
      <Row tone="ok" icon="send" title="Published" when={<Time at={first.receivedAt} />}>
        Exchange <code>{first.exchange}</code>, key <code>{first.routingKey}</code>
        {first.messageId !== null && (
          <>
            , message id <code>{first.messageId}</code>
          </>
        )}
        .
      </Row>
      <Row tone="ok" icon="journal" title="In the journal">
        Offset {count(offset)}.
      </Row>
      <Row {...audienceLook(first)}>
        {[...matching, ...others].map(({ source, reason }, index) => (
          <span key={source}>
            {index > 0 && <br />}
            <code>{sourceName(sources, source)}</code>: {reason}
          </span>
        ))}
        {first.fields.map(({ field, outcome, detail }) => (
          <span key={field}>
            <br />
            field <code>{field}</code>: {outcome.toLowerCase().replaceAll('_', ' ')}
            {detail !== null && `, ${detail}`}
          </span>
        ))}
      </Row>
      {seen.map(({ replica, message }) => {
        const { tone, icon, word } = outcomes[outcomeIn(message)]
        return (
          <Row tone={tone} icon={icon} title={`${replica}: ${word}`} key={replica}>
            {message.explanation}
            {message.sessions.map((session) => (
              <span key={session.session}>
                <br />
                {session.clientId}
                {readerOf(session)}, {session.transport} from {session.address}: {sessionLooks[session.outcome].word}
                {session.pending > 0 && `, ${plural(session.pending, 'event')} queued for it`}
              </span>
            ))}
          </Row>
        )
      })}
      {isQuarantined(found) && (
        <Row
          tone="poison"
          icon="poison"
          title={`${first.reason === 'schema' ? 'A copy' : 'It'} went to the quarantine`}
        >
          {misfitsOf(first).map(({ field, detail }) => (
            <span key={field}>
              It does not fit the typed field <code>{field}</code>
              {detail !== null && `, ${detail}`}.{' '}
            </span>
          ))}
          <Link to="quarantine" params={{ offset: String(offset) }}>
            Read and mend it
          </Link>
        </Row>
      )}
      {first.clients.slice(0, 1).map((clientId) => (
        <ClientNow clientId={clientId} key={clientId} />
      ))}
      {forgotten.map(({ replica, since }) => (
        <Row tone="quiet" icon="quiet" title={`${replica} does not remember it`} key={replica}>
          {since === null ? (
            'It has read nothing yet.'
          ) : (
            <>
              It remembers messages since <Time at={since} />.
            </>
          )}
        </Row>
      ))}
    </ol>
  )
}

function audienceLook(message: Traced): { tone: Tone; icon: IconName; title: string } {
  const { clientCount, withoutClient, fields } = message
  if (clientCount !== 0) return { tone: 'ok', icon: 'ok', title: `It is for ${readersOf(message)}` }
  if (!withoutClient && fields.length > 0)
    return { tone: 'quiet', icon: 'schema', title: `It is for subscriptions of ${readersOf(message)}` }
  return { tone: 'lostid', icon: 'lostid', title: 'No source finds a client' }
}

/** Why it may not have taken the message: it is not there, or is barred, or is slow. */
function ClientNow({ clientId }: { clientId: string }) {
  const { data } = useQuery(ClientStateDocument, { clientId })
  if (!data) return null
  const { client, sessions } = data
  const toClient = (
    <Link to="clients" params={{ client: clientId }}>
      Sessions and positions
    </Link>
  )
  if (!client?.online && sessions.unanswered.length > 0)
    return (
      <Row tone="quiet" icon="warn" title={`Whether ${clientId} is online is not known`}>
        {sessions.unanswered.join(', ')} did not answer within 0.5 s. {toClient}
      </Row>
    )
  const state = !client
    ? clientStates.offline
    : client.banned
      ? clientStates.banned
      : client.slow
        ? clientStates.slow
        : client.online
          ? clientStates.online
          : clientStates.offline
  return (
    <Row tone={state.tone} icon={state.icon} title={`${clientId} is ${state.word} now`}>
      {!client && 'It is not registered, and has no session. '}
      {client && !client.online && client.lastSeen && (
        <>
          Last seen <Time at={client.lastSeen} ms={false} />.{' '}
        </>
      )}
      {client?.slow && `It is ${duration(client.lagMs)} behind, ${waitText(client.pending)}. `}
      {toClient}
    </Row>
  )
}

function Row({
  tone,
  icon,
  title,
  when,
  children,
}: {
  tone: Tone
  icon: IconName
  title: string
  when?: ReactNode
  children: ReactNode
}) {
  return (
    <li>
      <span className={tone}>
        <Icon name={icon} />
      </span>
      <div className="grow">
        <strong className="strong">{title}</strong>
        <p>{children}</p>
      </div>
      {when && <span className="when mono">{when}</span>}
    </li>
  )
}
