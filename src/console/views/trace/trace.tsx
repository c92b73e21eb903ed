import { type RefObject, useEffect, useRef } from 'react'
import { TraceDocument } from '../../api/generated/graphql.ts'
import { useQuery } from '../../api/use-query.ts'
import { CopyLink } from '../../parts/copy.tsx'
import { count, plural } from '../../parts/format.ts'
import { Icon } from '../../parts/icon.tsx'
import { isAlsoQuarantined } from '../../parts/outcome.ts'
import { Empty, FailureBanner, Head, Loading, PanelSkeleton } from '../../parts/states.tsx'
import { outcomes } from '../../parts/status.tsx'
import { Time } from '../../parts/time.tsx'
import { Link, useParams } from '../../shell/router.tsx'
import { FoundCases } from './found-cases.tsx'
import { InWords } from './in-words.tsx'
import { TracedMessagePanel } from './message-panel.tsx'
import { questionsOf } from './question.ts'
import { TraceForm } from './trace-form.tsx'
import {
  type Case,
  casesOf,
  exactFirst,
  foundText,
  isQuarantined,
  mergedTraces,
  notForClient,
  sourcesOf,
  type TracedSources,
  verdictOf,
} from './verdict.ts'
import { WayPicture } from './way-picture.tsx'

/** Why did it (not) arrive? */
export default function Trace() {
  const [params, change] = useParams()
  const { asked, forAnyClient } = questionsOf(params)
  const answer = useQuery(TraceDocument, asked)
  const ofAnyClient = useQuery(TraceDocument, forAnyClient)
  const traces = answer.data && mergedTraces(answer.data.trace, forAnyClient && ofAnyClient.data?.trace)
  const sources = sourcesOf(answer.data ?? { rabbitChannels: [] })
  const cases = traces ? exactFirst(casesOf(traces), params.get('q')) : []
  const chosen = cases.find(({ key }) => key === params.get('offset')) ?? cases[0]
  const headline = useHeadlineFocus(JSON.stringify(asked), {
    answeredAt: [answer.at, ofAnyClient.at],
    isAnswered: traces !== undefined && !answer.loading && !(forAnyClient && ofAnyClient.loading),
  })
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
      {traces && cases.length === 0 && !answer.loading && !(forAnyClient && ofAnyClient.loading) && (
        <NotFound traces={traces} params={params} headline={headline} />
      )}
      {cases.length > 1 && (
        <FoundCases
          title={foundText(cases, traces ?? [])}
          since={traces?.flatMap(({ since }) => since ?? []).sort()[0]}
          cases={cases}
          sources={sources}
          clientId={params.get('client')}
          headline={headline}
          selected={chosen?.key}
          onSelect={({ key }) => change({ offset: key })}
        />
      )}
      {chosen && answer.data && (
        <Found
          found={chosen}
          answered={answer.data.trace.length}
          sources={sources}
          clientId={params.get('client')}
          headline={cases.length > 1 ? undefined : headline}
        />
      )}
    </>
  )
}

/** Moves the focus to what was found when a question is answered, not when a row is chosen. */
function useHeadlineFocus(
  question: string | undefined,
  { answeredAt, isAnswered }: { answeredAt: readonly (Date | undefined)[]; isAnswered: boolean },
): RefObject<HTMLDivElement | null> {
  const headline = useRef<HTMLDivElement>(null)
  const shown = useRef<string>(undefined)
  useEffect(() => {
    if (!isAnswered || shown.current === question) return
    shown.current = question
    headline.current?.focus()
    // Only an answer moves the focus.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, answeredAt)
  return headline
}

function Found({
  found,
  answered,
  sources,
  clientId,
  headline,
}: {
  found: Case
  answered: number
  sources: TracedSources
  clientId: string | null
  headline: RefObject<HTMLDivElement | null> | undefined
}) {
  const { outcome, text } = verdictOf(found, sources)
  const notFor = notForClient(found)
  const { icon, tone } = outcomes[outcome]
  const first = found.seen[0]?.message
  const client = first?.clients[0]
  return (
    <>
      <div className="verdict mt" role="status" tabIndex={-1} ref={headline}>
        <Icon name={icon} className={tone} />
        <p>
          {notFor !== undefined && outcome !== 'UNMATCHED' && (
            <>
              <strong className="strong">Not for {clientId}</strong>: {notFor}.
              <br />
            </>
          )}
          <strong className="strong cap">
            {outcomes[outcome].word}
            {first && isAlsoQuarantined({ ...first, outcome }) && ', and in the quarantine'}
            {notFor !== undefined && outcome === 'UNMATCHED' && `, so not for ${clientId}`}
          </strong>
          : {text}
        </p>
        <div className="line-up">
          {client !== undefined && (
            <Link className="btn" to="clients" params={{ client }}>
              <Icon name="clients" />
              {client}
            </Link>
          )}
          {isQuarantined(found) && (
            <Link className="btn" to="quarantine" params={{ offset: String(found.offset) }}>
              <Icon name="poison" />
              In the quarantine
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
  headline,
}: {
  traces: readonly { readonly replica: string; readonly since: string | null }[]
  params: URLSearchParams
  headline: RefObject<HTMLDivElement | null>
}) {
  const id = params.get('id')
  const [exchange, key] = [params.get('exchange') ?? undefined, params.get('key') ?? undefined]
  const [text, words] = [params.get('text') ?? undefined, params.get('q') ?? undefined]
  const client = params.get('client') ?? undefined
  return (
    <div className="panel mt" tabIndex={-1} ref={headline}>
      <Empty
        title="No replica remembers such a message"
        action={
          <span className="line-up">
            {id !== null && (
              <Link className="btn" to="trace" params={{ q: id }}>
                Search ids, keys and bodies for it
              </Link>
            )}
            <Link className="btn" to="journal" params={id === null ? { exchange, key, client, text, words } : { id }}>
              Search the journal
            </Link>
          </span>
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
