import { EndedSessionsDocument, type EndedSessionsQuery } from '../../api/generated/graphql.ts'
import { useQuery } from '../../api/use-query.ts'
import { count } from '../../parts/format.ts'
import { Icon } from '../../parts/icon.tsx'
import { Time } from '../../parts/time.tsx'
import { Link } from '../../shell/router.tsx'
import { endedText } from '../overview/concerns-of.ts'

type Ended = EndedSessionsQuery['endedSessions']['sessions'][number]

const maxRows = 10
const refreshMs = 5_000

/**
 * Sessions that were cut off or dropped events, newest first. Their clients may have no session any
 * more, so no other list names them. `clientId`: only its sessions.
 */
export function CutOffSessions({ clientId }: { clientId?: string | undefined }) {
  const question = { clientId: clientId ?? null, first: maxRows }
  const answer = useQuery(EndedSessionsDocument, question, { everyMs: refreshMs })
  const sessions = answer.data?.endedSessions.sessions ?? []
  const [last, ...others] = sessions
  if (!last) return null
  if (clientId !== undefined)
    return (
      <section>
        <h3>Recently cut off, or ended with dropped events</h3>
        <CutOffRows sessions={sessions} />
      </section>
    )
  return (
    <details className="panel cut-off">
      <summary>
        <span className="fail">
          <Icon name="fail" />
        </span>
        <span>
          Recently cut off: <strong className="strong">{endedText(last)}</strong>, <Time at={last.endedAt} ms={false} />
          {others.length > 0 && <span className="muted"> and {count(others.length)} more</span>}
        </span>
      </summary>
      <CutOffRows sessions={sessions} />
    </details>
  )
}

function CutOffRows({ sessions }: { sessions: readonly Ended[] }) {
  return (
    <ul className="rows">
      {sessions.map((session) => (
        <li key={session.id}>
          <div className="grow">
            {session.clientId === null ? (
              endedText(session)
            ) : (
              <Link to="clients" params={{ client: session.clientId }}>
                {endedText(session)}
              </Link>
            )}
            <p>
              {session.transport} from {session.address || 'this process'}, on {session.replica}
            </p>
          </div>
          <span className="when mono">
            <Time at={session.endedAt} ms={false} />
          </span>
        </li>
      ))}
    </ul>
  )
}
