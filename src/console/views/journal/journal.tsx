import { type EntryFragment, MessagesDocument } from '../../api/generated/graphql.ts'
import { useQuery } from '../../api/use-query.ts'
import { copyText } from '../../parts/copy.tsx'
import { count } from '../../parts/format.ts'
import { Icon } from '../../parts/icon.tsx'
import { type SortableColumn, SortableTable } from '../../parts/lists/sortable-table.tsx'
import { useRowKeys } from '../../parts/lists/use-row-keys.ts'
import { outcomeOf } from '../../parts/outcome.ts'
import { Banner, Empty, FailureBanner, Head, Loading, PanelSkeleton } from '../../parts/states.tsx'
import { AlsoQuarantined, outcomes, Status } from '../../parts/status.tsx'
import { Time, ZoneName } from '../../parts/time.tsx'
import { go, type Params, useParams } from '../../shell/router.tsx'
import { useStats } from '../../shell/stats.tsx'
import { journalWords } from '../live/filter.ts'
import { FilterBar } from '../live/filter-bar.tsx'
import { clientsText, MessageDetail } from '../message/message-detail.tsx'
import { Histogram } from './histogram.tsx'
import { PlaceForm } from './place-form.tsx'
import { Searched } from './searched.tsx'
import { pageText } from './searched-text.ts'

const pageRows = 50

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
  {
    id: 'outcome',
    head: 'Outcome',
    cell: (entry) => (
      <>
        <Status is={outcomes[outcomeOf(entry)]} /> <AlsoQuarantined message={entry} />
      </>
    ),
    className: 'nowrap',
  },
  { id: 'body', head: 'Body', cell: ({ preview }) => preview.text, className: 'body-cut cut hide-phone' },
]

/** What was there? */
export default function Journal() {
  const [params, change] = useParams()
  const { broker } = useStats()
  const answer = useQuery(MessagesDocument, questionOf(params), { keepsBefore: true })
  const page = answer.data?.messages
  const rows = page ? page.nodes.toReversed() : []
  const selected = params.get('message') ?? undefined
  const isFiltered = journalWords.some((word) => params.has(word))
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
            kept: offsets {count(broker.journal.firstOffset)} to{' '}
            {count(Math.max(broker.journal.lastOffset ?? 0, rows[0]?.offset ?? 0))}
          </span>
        )}
      </Head>
      <Histogram
        counted={{ exchange: params.get('exchange'), routingKey: params.get('key') }}
        shown={rows.map(({ receivedAt }) => receivedAt)}
        onGo={(time) => turn({ time })}
      />
      <div className="filters">
        <FilterBar
          words={journalWords}
          plain="words"
          placeholder="Words of the message, such as order 17, or client:alice  key:orders.#"
        />
      </div>
      <PlaceForm go={turn} />
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
        <div className={selected === undefined ? '' : 'grid g-journal'} aria-busy={answer.isOutdated}>
          <section className="panel" aria-labelledby="page-title">
            <header>
              <h2 id="page-title">{pageText(rows.map(({ offset }) => offset))}</h2>
              <span className="small muted">newest on top</span>
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
            {isFiltered && !answer.isOutdated && (
              <Searched
                page={page}
                isFull={rows.length === pageRows}
                onOlder={() => turn({ before: page.startCursor ?? undefined })}
              />
            )}
            {rows.length === 0 && answer.isOutdated ? (
              <Loading>
                <PanelSkeleton rows={3} />
              </Loading>
            ) : rows.length === 0 ? (
              <Empty title="No message here">
                {isFiltered ? 'No message that was searched fits the filter.' : 'The journal holds none at this place.'}
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
  return Object.fromEntries(journalWords.map((word) => [word, params.get(word) ?? undefined]))
}

function questionOf(params: URLSearchParams) {
  const filter = {
    channel: params.get('client'),
    exchange: params.get('exchange'),
    routingKey: params.get('key'),
    text: params.get('text'),
    search: params.get('words'),
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
