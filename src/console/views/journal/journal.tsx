import { type FormEvent, useState } from 'react'
import { type EntryFragment, MessagesDocument } from '../../api/generated/graphql.ts'
import { useQuery } from '../../api/use-query.ts'
import { copyText } from '../../parts/copy.tsx'
import { count } from '../../parts/format.ts'
import { Icon } from '../../parts/icon.tsx'
import { type SortableColumn, SortableTable } from '../../parts/lists/sortable-table.tsx'
import { useRowKeys } from '../../parts/lists/use-row-keys.ts'
import { outcomeOf } from '../../parts/outcome.ts'
import { Banner, Empty, FailureBanner, Head, Loading, PanelSkeleton } from '../../parts/states.tsx'
import { outcomes, Status } from '../../parts/status.tsx'
import { Time, ZoneName } from '../../parts/time.tsx'
import { go, type Params, useParams } from '../../shell/router.tsx'
import { useStats } from '../../shell/stats.tsx'
import { filterWords } from '../live/filter.ts'
import { clientsText, MessageDetail } from '../message/message-detail.tsx'
import { Histogram } from './histogram.tsx'

const pageRows = 50

const places = [
  ['time', 'Time', '2026-11-28T14:26:51Z'],
  ['cursor', 'Cursor', ''],
  ['offset', 'Offset', '1298214374'],
  ['id', 'Message id', 'ord-17-created'],
] as const
type PlaceName = (typeof places)[number][0]

const columns: readonly SortableColumn<EntryFragment>[] = [
  { id: 'offset', head: 'Offset', cell: ({ offset }) => count(offset), className: 'num mono small', isName: true },
  {
    id: 'received',
    head: (
      <>
        Received, <ZoneName />
      </>
    ),
    cell: ({ receivedAt }) => <Time at={receivedAt} />,
    className: 'mono small muted nowrap',
  },
  { id: 'exchange', head: 'Exchange', cell: ({ exchange }) => exchange, className: 'nowrap hide-phone' },
  { id: 'key', head: 'Key', cell: ({ routingKey }) => routingKey, className: 'mono small nowrap hide-phone' },
  { id: 'clients', head: 'Clients', cell: (entry) => clientsText(entry), className: 'c-who cut hide-phone' },
  { id: 'outcome', head: 'Outcome', cell: (entry) => <Status is={outcomes[outcomeOf(entry)]} /> },
  { id: 'body', head: 'Body', cell: ({ preview }) => preview.text, className: 'body-cut cut hide-phone' },
]

/** What was there? */
export default function Journal() {
  const [params, change] = useParams()
  const { broker } = useStats()
  const answer = useQuery(MessagesDocument, questionOf(params))
  const page = answer.data?.messages
  const rows = page ? page.nodes.toReversed() : []
  const selected = params.get('message') ?? undefined
  const select = (row: EntryFragment | undefined): void => change({ message: row?.cursor })
  useRowKeys({
    rows,
    keyOf,
    selected,
    select,
    keys: {
      t: ({ cursor }) => go('trace', { cursor }),
      c: ({ cursor }) => void copyText(cursor, 'Cursor copied'),
    },
  })
  const turn = (to: Params): void =>
    change({ ...noPlace, ...filtersOf(params), message: undefined, ...to }, { push: true })
  return (
    <>
      <Head
        title="Journal"
        sub="Every message of every source in one order, as far back as it is kept. Reading takes nothing away."
      >
        {broker?.journal && (
          <span className="small muted">
            offsets {count(broker.journal.firstOffset)} to {count(broker.journal.lastOffset)}
          </span>
        )}
      </Head>
      <Histogram
        counted={{ exchange: params.get('exchange'), routingKey: params.get('key') }}
        shown={rows.map(({ receivedAt }) => receivedAt)}
        onGo={(time) => turn({ time })}
      />
      <PlaceForm go={turn} />
      <FilterTokens />
      <FailureBanner answer={answer} what="The journal" />
      {page?.note && (
        <Banner tone="wait" icon="warn">
          {page.note}
        </Banner>
      )}
      {!page && answer.loading && (
        <Loading>
          <PanelSkeleton rows={12} />
        </Loading>
      )}
      {page && (
        <div className={selected === undefined ? '' : 'grid g-journal'}>
          <section className="panel" aria-labelledby="page-title">
            <header>
              <h2 id="page-title">{titleOf(rows)}</h2>
              {page.epoch !== null && <span className="tag">epoch {page.epoch.slice(0, 8)}</span>}
              <span className="more">
                <button
                  className="btn sm"
                  type="button"
                  disabled={!page.hasNewer || page.endCursor === null}
                  onClick={() => turn({ after: page.endCursor ?? undefined })}
                >
                  <Icon name="up" />
                  Newer
                </button>
                <button
                  className="btn sm"
                  type="button"
                  disabled={!page.hasOlder || page.startCursor === null}
                  onClick={() => turn({ before: page.startCursor ?? undefined })}
                >
                  <Icon name="down" />
                  Older
                </button>
              </span>
            </header>
            {rows.length === 0 ? (
              <Empty title="No message here">
                The journal holds no message at this place
                {filterWords.some((word) => params.has(word)) ? ' that fits the filter' : ''}.
              </Empty>
            ) : (
              <SortableTable
                label="Messages"
                className="tight"
                columns={columns}
                rows={rows}
                keyOf={keyOf}
                selected={selected ?? page.at?.cursor}
                onSelect={select}
              />
            )}
          </section>
          {selected !== undefined && (
            <div className="panel journal-detail">
              <MessageDetail entry={{ cursor: selected }} onClose={() => select(undefined)} />
            </div>
          )}
        </div>
      )}
    </>
  )
}

const keyOf = ({ cursor }: EntryFragment): string => cursor

const noPlace: Params = {
  time: undefined,
  cursor: undefined,
  offset: undefined,
  id: undefined,
  before: undefined,
  after: undefined,
}

function filtersOf(params: URLSearchParams): Params {
  return Object.fromEntries(filterWords.map((word) => [word, params.get(word) ?? undefined]))
}

function questionOf(params: URLSearchParams) {
  const filter = {
    channel: params.get('client'),
    exchange: params.get('exchange'),
    routingKey: params.get('key'),
    text: params.get('text'),
  }
  const [before, after] = [params.get('before'), params.get('after')]
  const around = placeOf(params)
  return { ...filter, first: pageRows, ...(before ? { before } : after ? { after } : around ? { around } : {}) }
}

function placeOf(params: URLSearchParams) {
  const [time, cursor, offset, messageId] = ['time', 'cursor', 'offset', 'id'].map((name) => params.get(name))
  if (cursor) return { cursor }
  if (offset) return { offset: Number(offset) }
  if (messageId) return { messageId }
  if (!time) return undefined
  const at = new Date(time)
  return Number.isNaN(at.getTime()) ? undefined : { time: at.toISOString() }
}

function titleOf(rows: readonly EntryFragment[]): string {
  const [newest, oldest] = [rows[0], rows.at(-1)]
  if (!newest || !oldest) return 'Messages'
  return `${count(oldest.offset)} to ${count(newest.offset)}, newest on top`
}

/** Which messages are left out, and a way to have them back. */
function FilterTokens() {
  const [params, change] = useParams()
  const given = filterWords.flatMap((word) => {
    const value = params.get(word)
    return value === null ? [] : [[word, value] as const]
  })
  if (given.length === 0) return null
  return (
    <p className="line-up filter-line">
      <span className="muted small">Only</span>
      {given.map(([word, value]) => (
        <span className="token" key={word}>
          <b>{word}:</b>
          {value}
          <button type="button" aria-label={`Remove the filter ${word}`} onClick={() => change({ [word]: undefined })}>
            ×
          </button>
        </span>
      ))}
    </p>
  )
}

/** Goes to a place by time, cursor, offset or message id. */
function PlaceForm({ go: turn }: { go: (to: Params) => void }) {
  const [params] = useParams()
  const [by, setBy] = useState<PlaceName>(() => places.find(([name]) => params.has(name))?.[0] ?? 'time')
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const place = new FormData(event.currentTarget).get('place')
    const text = typeof place === 'string' ? place.trim() : ''
    turn(text === '' ? {} : { [by]: by === 'offset' ? text.replaceAll(',', '') : text })
  }
  const [, label, example] = places.find(([name]) => name === by) ?? places[0]
  return (
    <form className="filters" onSubmit={submit}>
      <div className="seg" role="group" aria-label="Go to a place by">
        {places.map(([name, title]) => (
          <button type="button" aria-pressed={name === by} onClick={() => setBy(name)} key={name}>
            {title}
          </button>
        ))}
      </div>
      <label className="search grow">
        <span className="sr">{label}</span>
        <Icon name="search" />
        <input
          className="input mono"
          data-filter=""
          name="place"
          placeholder={example}
          autoComplete="off"
          spellCheck={false}
          defaultValue={params.get(by) ?? ''}
          key={`${by} ${params.get(by) ?? ''}`}
        />
      </label>
      <button className="btn main-act" type="submit">
        Go there
      </button>
      <button className="btn" type="button" onClick={() => turn({})}>
        Newest
      </button>
    </form>
  )
}
