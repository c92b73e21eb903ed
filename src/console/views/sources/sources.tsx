import { useState } from 'react'
import { DeleteSourceDocument, SourcesDocument, type SourcesQuery } from '../../api/generated/graphql.ts'
import { execute } from '../../api/graphql.ts'
import { useQuery } from '../../api/use-query.ts'
import { BodyView } from '../../parts/code/body-view.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Bar } from '../../parts/figures/figures.tsx'
import { count, percent, plural, rate } from '../../parts/format.ts'
import { Icon } from '../../parts/icon.tsx'
import { type SortableColumn, SortableTable } from '../../parts/lists/sortable-table.tsx'
import { useDefaultRow } from '../../parts/lists/use-default-row.ts'
import { Banner, FailureBanner, Head, Loading, PanelSkeleton } from '../../parts/states.tsx'
import { Time } from '../../parts/time.tsx'
import { Link, useParams } from '../../shell/router.tsx'
import { useChangeButton } from '../../shell/session.tsx'
import { toast } from '../../shell/toasts.tsx'
import { SourceForm } from './source-form.tsx'

type Source = SourcesQuery['sources'][number]

const refreshMs = 3_000

const columns: readonly SortableColumn<Source>[] = [
  {
    id: 'exchange',
    head: 'Exchange',
    cell: ({ source }) => (
      <>
        {source.exchange} <span className="tag">{source.exchangeType.toLowerCase()}</span>
      </>
    ),
    value: ({ source }) => source.exchange,
    className: 'nowrap',
    isName: true,
  },
  {
    id: 'key',
    head: 'Routing key',
    cell: ({ source }) => source.routingKey || <span className="faint">none</span>,
    className: 'mono small nowrap hide-phone',
  },
  {
    id: 'rule',
    head: 'Client',
    cell: ({ source }) => <span title={source.rule}>{source.rule}</span>,
    className: 'cut w-rule hide-phone',
  },
  {
    id: 'rate',
    head: 'In',
    cell: ({ receivedPerSecond }) => `${rate(receivedPerSecond)}/s`,
    value: ({ receivedPerSecond }) => receivedPerSecond,
    className: 'num nowrap',
  },
  {
    id: 'share',
    head: 'Found a client',
    // A source of typed fields seeks no client.
    cell: ({ source, unmatchedShare }) =>
      source.origin === 'SCHEMA' ? <span className="faint">typed fields</span> : <Share unmatched={unmatchedShare} />,
    value: ({ unmatchedShare }) => 1 - (unmatchedShare ?? 0),
    className: 'w-share',
  },
  {
    id: 'last',
    head: 'Last',
    cell: ({ lastMessageAt }) =>
      lastMessageAt ? <Time at={lastMessageAt} ms={false} /> : <span className="faint">none seen</span>,
    value: ({ lastMessageAt }) => lastMessageAt ?? '',
    className: 'mono small muted nowrap hide-phone hide-beside',
  },
]

/** What is listened to, what is missed, and why? */
export default function Sources() {
  const [params, change] = useParams()
  const answer = useQuery(SourcesDocument, {}, { everyMs: refreshMs })
  const [making, setMaking] = useState(false)
  const sources = answer.data?.sources ?? []
  const worst = sources.toSorted((a, b) => (b.unmatchedShare ?? 0) - (a.unmatchedShare ?? 0))[0]
  const ofExchange = sources.filter(({ source }) => source.exchange === params.get('exchange'))
  const named = ofExchange.find(({ source }) => source.origin !== 'SCHEMA') ?? ofExchange[0]
  const best = named?.id ?? (worst && worst.unmatched.length > 0 ? worst.id : sources[0]?.id)
  const shown = useDefaultRow(best, (key) => sources.some(({ id }) => id === key))
  const selected = params.get('source') ?? named?.id ?? shown
  const chosen = sources.find(({ id }) => id === selected)
  const select = (source: Source | undefined): void => change({ source: source?.id })
  return (
    <>
      <Head title="Sources" sub={answer.data ? sentence(sources) : 'Which exchanges are listened to.'}>
        <button className="btn" type="button" aria-pressed={making} onClick={() => setMaking(!making)}>
          <Icon name="plus" />
          New source
        </button>
      </Head>
      <FailureBanner answer={answer} what="The sources" />
      {!answer.data && answer.loading && (
        <Loading>
          <PanelSkeleton rows={6} />
        </Loading>
      )}
      {answer.data && (
        <div className={making ? 'grid g-src' : ''}>
          <div>
            <section className="panel">
              <SortableTable
                label="Sources"
                columns={columns}
                rows={sources}
                keyOf={keyOf}
                selected={selected}
                onSelect={select}
                actions={{ select }}
              />
            </section>
            {chosen && <SourceDetail chosen={chosen} onChanged={answer.reload} key={chosen.id} />}
          </div>
          {making && (
            <SourceForm
              given={chosen?.source.exchange ?? ''}
              sources={sources.map(({ source }) => source)}
              onMade={answer.reload}
            />
          )}
        </div>
      )}
    </>
  )
}

const keyOf = ({ id }: Source): string => id

function sentence(sources: readonly Source[]): string {
  const missing = sources.filter(({ unmatched }) => unmatched.length > 0)
  const all = plural(sources.length, 'source is', 'sources are')
  if (missing.length === 0) return `${all} listened to; every recent message found a client.`
  return `${all} listened to; ${missing.map(({ source, unmatchedShare }) => `${percent(unmatchedShare, 1)} of ${source.exchange}`).join(', ')} found no client.`
}

function Share({ unmatched }: { unmatched: number | null }) {
  if (unmatched === null) return <span className="faint">nothing recent</span>
  const label = percent(1 - unmatched, 1)
  return (
    <span className="line-up nw">
      <Bar
        parts={[
          { tone: 'ok', share: 1 - unmatched },
          { tone: 'lostid', share: unmatched },
        ]}
        label={`${label} found a client`}
      />
      <span className="num pc">{label}</span>
    </span>
  )
}

function SourceDetail({ chosen, onChanged }: { chosen: Source; onChanged: () => void }) {
  const { source, unmatched, messages } = chosen
  const [reason, setReason] = useState(unmatched[0]?.reason)
  const [deleting, setDeleting] = useState(false)
  const changeButton = useChangeButton()
  const sample = (unmatched.find((one) => one.reason === reason) ?? unmatched[0])?.sample
  return (
    <section className="panel mt" aria-labelledby="source-title">
      <header>
        <h2 id="source-title">
          {source.exchange}:{' '}
          {source.origin === 'SCHEMA'
            ? 'read by typed fields'
            : unmatched.length > 0
              ? 'why messages found no client'
              : 'every recent message found a client'}
        </h2>
        <span className="more">
          of the last {plural(messages, 'message')}
          <Link className="btn sm" to="live" params={{ exchange: source.exchange }}>
            <Icon name="live" />
            Live
          </Link>
          <Link className="btn sm" to="journal" params={{ exchange: source.exchange }}>
            <Icon name="journal" />
            In the journal
          </Link>
          {source.origin === 'API' && (
            <button className="btn sm danger" type="button" {...changeButton} onClick={() => setDeleting(true)}>
              <Icon name="trash" />
              Delete
            </button>
          )}
        </span>
      </header>
      {source.nearExchanges.length > 0 && messages === 0 && (
        <div className="pad">
          <Banner tone="wait" icon="bulb">
            <strong>Nothing came from “{source.exchange}”.</strong> There is{' '}
            {source.nearExchanges.map((name) => `“${name}”`).join(', ')}: is this a typing mistake?
          </Banner>
        </div>
      )}
      {unmatched.length === 0 ? (
        <p className="pad muted">
          Rule: {source.rule}.{' '}
          {messages === 0
            ? 'No recent message.'
            : `${plural(messages, 'recent message')}${source.origin === 'SCHEMA' ? '' : ', each for a client'}.`}
        </p>
      ) : (
        <div className="grid g-2 why">
          <ul className="rows">
            {unmatched.map((one) => (
              <li key={one.reason}>
                <span className="lostid">
                  <Icon name="lostid" />
                </span>
                <button
                  type="button"
                  className="row-button grow"
                  aria-pressed={one.sample === sample}
                  onClick={() => setReason(one.reason)}
                >
                  <strong className="strong">{one.reason}</strong>
                  <p>
                    first at <Time at={one.firstAt} ms={false} />, last at <Time at={one.lastAt} ms={false} />
                  </p>
                </button>
                <span className="when">{count(one.count)}</span>
              </li>
            ))}
          </ul>
          {sample && (
            <div className="pad stack">
              <BodyView text={sample.body.text} title={`A sample, offset ${count(sample.offset)}`} />
              <div className="line-up">
                <Link className="btn sm" to="trace" params={{ cursor: sample.cursor }}>
                  <Icon name="trace" />
                  Trace this one
                </Link>
              </div>
            </div>
          )}
        </div>
      )}
      {deleting && (
        <Confirm
          title={`Delete the source of ${source.exchange}?`}
          verb="Delete the source"
          typed={source.exchange}
          act={async () => {
            await execute(DeleteSourceDocument, { id: source.id })
            toast(`The source of ${source.exchange} was deleted; the exchange stays`)
            onChanged()
          }}
          onClose={() => setDeleting(false)}
        >
          <p>
            New messages of the exchange no longer come into the journal. What is in the journal stays, and so does the
            exchange.
          </p>
        </Confirm>
      )}
    </section>
  )
}
