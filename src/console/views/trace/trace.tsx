import { TraceDocument } from '../../api/generated/graphql.ts'
import { useQuery } from '../../api/use-query.ts'
import { CopyLink } from '../../parts/copy.tsx'
import { count, plural } from '../../parts/format.ts'
import { Icon } from '../../parts/icon.tsx'
import { Empty, FailureBanner, Head, Loading, PanelSkeleton } from '../../parts/states.tsx'
import { outcomes, Status } from '../../parts/status.tsx'
import { Time } from '../../parts/time.tsx'
import { Link, useParams } from '../../shell/router.tsx'
import { InWords } from './in-words.tsx'
import { TracedMessagePanel } from './message-panel.tsx'
import { TraceForm } from './trace-form.tsx'
import { type Case, casesOf, sourcesOf, type TracedSources, verdictOf } from './verdict.ts'
import { WayPicture } from './way-picture.tsx'

/** Why did it (not) arrive? */
export default function Trace() {
  const [params, change] = useParams()
  const answer = useQuery(TraceDocument, questionOf(params))
  const traces = answer.data?.trace
  const sources = sourcesOf(answer.data ?? { rabbitChannels: [] })
  const cases = traces ? casesOf(traces) : []
  const chosen = cases.find(({ key }) => key === params.get('offset')) ?? cases[0]
  return (
    <>
      <Head title="Trace" sub="One message’s way, with the reason at each branch." />
      <TraceForm />
      <FailureBanner answer={answer} what="The trace" />
      {!traces && answer.loading && (
        <Loading>
          <div className="mt">
            <PanelSkeleton rows={8} />
          </div>
        </Loading>
      )}
      {traces && cases.length === 0 && !answer.loading && <NotFound traces={traces} params={params} />}
      {cases.length > 1 && (
        <section className="panel mt" aria-labelledby="several-title">
          <header>
            <h2 id="several-title">{plural(cases.length, 'message')} found</h2>
          </header>
          <ul className="rows">
            {cases.slice(0, 20).map((one) => (
              <li key={one.key}>
                <Status is={outcomes[verdictOf(one, sources).outcome]} />
                <button
                  type="button"
                  className="row-button grow mono small"
                  onClick={() => change({ offset: one.key })}
                >
                  {one.seen[0]?.message.exchange} {one.seen[0]?.message.routingKey}
                </button>
                <span className="when mono">
                  <Time at={one.seen[0]?.message.receivedAt} />
                </span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {chosen && answer.data && <Found found={chosen} answered={answer.data.trace.length} sources={sources} />}
    </>
  )
}

function questionOf(params: URLSearchParams) {
  const id = params.get('id')
  const cursor = params.get('cursor')
  if (id) return { messageId: id }
  if (cursor) return { cursor }
  const [exchange, routingKey, text, clientId] = ['exchange', 'key', 'text', 'client'].map((name) => params.get(name))
  if (!exchange && !routingKey && !text && !clientId) return undefined
  return { look: { exchange, routingKey, text, clientId } }
}

function Found({ found, answered, sources }: { found: Case; answered: number; sources: TracedSources }) {
  const { outcome, text } = verdictOf(found, sources)
  const { icon, tone } = outcomes[outcome]
  const client = found.seen[0]?.message.clients[0]
  return (
    <>
      <div className="verdict mt" role="status">
        <Icon name={icon} className={tone} />
        <p>
          <strong className="strong cap">{outcomes[outcome].word}</strong>: {text}
        </p>
        <div className="line-up">
          {client !== undefined && (
            <Link className="btn" to="clients" params={{ client }}>
              <Icon name="clients" />
              {client}
            </Link>
          )}
          <CopyLink />
        </div>
      </div>
      <section className="panel only-wide" aria-label="The way as a picture">
        <div className="pad way-pad">
          <WayPicture found={found} sources={sources} />
        </div>
      </section>
      <div className="grid g-32 mt">
        <section className="panel" aria-labelledby="words-title">
          <header>
            <h2 id="words-title">In words</h2>
            <span className="more">{plural(answered, 'replica')} answered within 0.5 s</span>
          </header>
          <InWords found={found} sources={sources} />
        </section>
        {found.cursor !== null && <TracedMessagePanel cursor={found.cursor} />}
      </div>
    </>
  )
}

function NotFound({
  traces,
  params,
}: {
  traces: readonly { readonly replica: string; readonly since: string | null }[]
  params: URLSearchParams
}) {
  const id = params.get('id')
  return (
    <div className="panel mt">
      <Empty
        title="No replica remembers such a message"
        action={
          <Link className="btn" to="journal" params={id ? { id } : {}}>
            Search the journal
          </Link>
        }
      >
        Replicas remember what is in their hot window:{' '}
        {traces.map(({ replica, since }, index) => (
          <span key={replica}>
            {index > 0 && ', '}
            {replica}{' '}
            {since ? (
              <>
                since <Time at={since} />
              </>
            ) : (
              'nothing yet'
            )}
          </span>
        ))}
        . Older messages are in the journal, without their outcome. {count(traces.length)} answered.
      </Empty>
    </div>
  )
}
