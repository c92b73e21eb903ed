import { type RefObject, useEffect, useRef, useState } from 'react'
import {
  DropDocument,
  DropUndeliverableDocument,
  QuarantineDocument,
  type QuarantineQuery,
  RepublishDocument,
} from '../../api/generated/graphql.ts'
import { execute, Failure } from '../../api/graphql.ts'
import { printJson } from '../../api/lossless.ts'
import { useQuery } from '../../api/use-query.ts'
import { BodyView } from '../../parts/code/body-view.tsx'
import { jsonProblem } from '../../parts/code/json-text.ts'
import { Confirm } from '../../parts/dialog.tsx'
import { Fact } from '../../parts/fact.tsx'
import { bytes, count, plural, startOfDay } from '../../parts/format.ts'
import { Icon } from '../../parts/icon.tsx'
import { type SortableColumn, SortableTable } from '../../parts/lists/sortable-table.tsx'
import { useDefaultRow } from '../../parts/lists/use-default-row.ts'
import { useRowKeys } from '../../parts/lists/use-row-keys.ts'
import { Banner, Empty, FailureBanner, Head, Loading, PanelSkeleton } from '../../parts/states.tsx'
import { outcomes, Status } from '../../parts/status.tsx'
import { Time, ZoneName } from '../../parts/time.tsx'
import { go, useParams } from '../../shell/router.tsx'
import { useChangeButton } from '../../shell/session.tsx'
import { useSettings } from '../../shell/settings.ts'
import { toast } from '../../shell/toasts.tsx'
import { quarantineText, reasonWords } from './quarantine-text.ts'

type Quarantined = QuarantineQuery['quarantine']['nodes'][number]

const pageRows = 100
const refreshMs = 5_000

const columns: readonly SortableColumn<Quarantined>[] = [
  {
    id: 'received',
    head: (
      <>
        Received, <ZoneName />
      </>
    ),
    cell: ({ receivedAt }) => <Time at={receivedAt} />,
    value: ({ receivedAt }) => receivedAt ?? '',
    className: 'mono small muted nowrap',
    isName: true,
  },
  {
    id: 'why',
    head: 'Why',
    cell: ({ reason, text }) => (
      <>
        <strong className="strong">{reasonWords(reason)}</strong>
        <div className="small muted">{text}</div>
      </>
    ),
    value: ({ reason }) => reason,
  },
  {
    id: 'exchange',
    head: 'Exchange and key',
    cell: ({ exchange, routingKey }) => (
      <>
        {exchange} <span className="mono small muted">{routingKey}</span>
      </>
    ),
    value: ({ exchange }) => exchange,
    className: 'nowrap hide-phone',
  },
  {
    id: 'by',
    head: 'By',
    cell: ({ appId }) => appId ?? <span className="faint">not named</span>,
    value: ({ appId }) => appId ?? '',
    className: 'hide-phone nowrap',
  },
]

/** Few publishers name themselves, and the gateway does not. */
const columnsWithoutPublisher = columns.filter(({ id }) => id !== 'by')

/** What cannot be read, and what now? */
export default function Quarantine() {
  const [params, change] = useParams()
  const after = params.get('after')
  const { zone } = useSettings()
  const today = startOfDay(new Date(), zone).toISOString()
  const answer = useQuery(
    QuarantineDocument,
    { first: pageRows, after, today },
    { everyMs: refreshMs, keepsBefore: true },
  )
  const page = answer.data?.quarantine
  const rows = page?.nodes ?? noRows
  const ofLink = rows.find(({ offset }) => String(offset) === params.get('offset'))
  const shown = useDefaultRow((ofLink ?? rows[0])?.id, (key) => rows.some(({ id }) => id === key))
  const selected = params.get('message') ?? shown
  const chosen = rows.find(({ id }) => id === selected)
  const headline = useRef<HTMLElement>(null)
  const [clicked, setClicked] = useState<{ readonly id: string }>()
  useEffect(() => {
    if (clicked && clicked.id === selected) bringIntoView(headline.current)
  }, [clicked, selected])
  // The keys go on from row to row, so they leave the list where it is.
  const select = (row: Quarantined | undefined): void => {
    setClicked(undefined)
    change({ message: row?.id })
  }
  useRowKeys({ rows, keyOf, selected, select })
  return (
    <>
      <Head
        title="Quarantine"
        sub="Messages with a body that cannot be read, or that does not fit the schema. Mend them and publish them again; the messages around them are delivered."
      />
      <FailureBanner answer={answer} what="The quarantine" />
      {!page && answer.loading && (
        <Loading>
          <PanelSkeleton rows={6} />
        </Loading>
      )}
      {page && page.unread > 0 && <Undeliverable unread={page.unread} onDropped={answer.reload} />}
      {page && rows.length === 0 && page.unread === 0 && (
        <div className="panel">
          <Empty title="The quarantine is empty">
            Every body could be read and fits the schema, or was dropped or published again.
          </Empty>
        </div>
      )}
      {page && rows.length > 0 && (
        <>
          <div className="verdict">
            <Icon name="poison" className="poison" />
            <p>{quarantineText(page)}</p>
          </div>
          <div className="grid g-q">
            <section className="panel">
              <SortableTable
                label="Quarantined messages"
                className="roomy"
                columns={rows.some(({ appId }) => appId !== null) ? columns : columnsWithoutPublisher}
                rows={rows}
                keyOf={keyOf}
                selected={selected}
                onSelect={({ id }) => {
                  change({ message: id })
                  setClicked({ id })
                }}
              />
              {(page.hasMore || after !== null) && (
                <div className="dlg-foot">
                  <span className="small muted grow">
                    {after === null ? `The newest ${count(rows.length)} of ${count(page.count)}` : 'Older ones'}, newest
                    on top
                  </span>
                  {after !== null && (
                    <button
                      className="btn"
                      type="button"
                      onClick={() => change({ after: undefined, message: undefined }, { push: true })}
                    >
                      Newest
                    </button>
                  )}
                  {page.hasMore && (
                    <button
                      className="btn"
                      type="button"
                      onClick={() => change({ after: page.endCursor ?? undefined, message: undefined }, { push: true })}
                    >
                      Older ones
                    </button>
                  )}
                </div>
              )}
            </section>
            {chosen && <Mend message={chosen} headline={headline} onChanged={answer.reload} key={chosen.id} />}
          </div>
        </>
      )}
    </>
  )
}

const noRows: readonly Quarantined[] = []
const keyOf = ({ id }: Quarantined): string => id

/** Focuses the headline. Scrolls only if little or nothing of what follows it is on the screen. */
function bringIntoView(headline: HTMLElement | null): void {
  if (!headline) return
  const { top } = headline.getBoundingClientRect()
  const list = headline.closest('main')?.getBoundingClientRect()
  if (top < (list?.top ?? 0) || top > innerHeight / 2) headline.scrollIntoView({ block: 'start' })
  headline.focus({ preventScroll: true })
}

/** Headers that Warren and RabbitMQ add in the quarantine. What they contain is shown by name. */
const ownHeader = /^x-(warren-(exchange|routing-key|offset|reason|received-at|misfit)|delivery-count)$/

/** Messages behind one that RabbitMQ cannot deliver cannot be read before it is gone. */
function Undeliverable({ unread, onDropped }: { unread: number; onDropped: () => void }) {
  const [dropping, setDropping] = useState(false)
  const changeButton = useChangeButton()
  return (
    <Banner tone="wait" icon="warn">
      <strong>{plural(unread, 'message')} cannot be shown.</strong> RabbitMQ cannot deliver the first of them over AMQP
      0-9-1. Drop it, or take it out with a client of AMQP 1.0, to see the others.{' '}
      <button className="btn danger" type="button" {...changeButton} onClick={() => setDropping(true)}>
        <Icon name="trash" />
        Drop the first
      </button>
      {dropping && (
        <Confirm
          title="Drop the message that RabbitMQ cannot deliver?"
          verb="Drop"
          act={async () => {
            const { dropUndeliverable } = await execute(DropUndeliverableDocument, {})
            toast(dropUndeliverable ? 'Dropped from the quarantine' : 'RabbitMQ can deliver all messages now')
            onDropped()
          }}
          onClose={() => setDropping(false)}
        >
          <p>It is deleted from the quarantine unread, and cannot be restored. The messages behind it stay.</p>
        </Confirm>
      )}
    </Banner>
  )
}

/** The body with the offending place marked, an editor, and what to do with it. */
function Mend({
  message,
  headline,
  onChanged,
}: {
  message: Quarantined
  headline: RefObject<HTMLElement | null>
  onChanged: () => void
}) {
  const [text, setText] = useState(message.body.text)
  const [dropping, setDropping] = useState(false)
  const [failure, setFailure] = useState<string>()
  const changeButton = useChangeButton()
  const isText = message.body.encoding !== 'BASE64' && !message.body.truncated
  const isJson = (message.contentType ?? '').includes('json') || message.contentType === null
  const problem = isJson ? jsonProblem(text) : undefined
  const headers = Object.entries(message.headers as Record<string, unknown>).filter(([name]) => !ownHeader.test(name))
  const publish = async (edited: boolean): Promise<void> => {
    setFailure(undefined)
    try {
      const { republish } = await execute(RepublishDocument, { id: message.id, edit: edited ? { body: text } : null })
      const { cursor } = republish
      toast('Published again', cursor ? { label: 'Trace it', run: () => go('trace', { cursor }) } : undefined)
      onChanged()
    } catch (error) {
      setFailure(error instanceof Failure ? error.message : String(error))
    }
  }
  return (
    <section className="panel" aria-labelledby="mend-title">
      <header tabIndex={-1} ref={headline}>
        <h2 id="mend-title">{message.routingKey || message.exchange}</h2>
        <Status is={outcomes.QUARANTINED} />
        {message.offset !== null && <span className="more">offset {count(message.offset)}</span>}
      </header>
      <div className="pad stack">
        <p className="small">
          <strong className="strong">{reasonWords(message.reason)}:</strong>{' '}
          <span className="muted">{message.text}</span>
        </p>
        <BodyView
          text={message.body.text}
          title={`As it came, ${bytes(message.bytes)}, ${message.contentType ?? 'no content type'}`}
          // Bytes count from 1.
          mark={message.place?.byte ? message.place.byte - 1 : undefined}
          indent={false}
        />
        {isText && (
          <div className="field">
            <label htmlFor="edit">Edit</label>
            <textarea
              id="edit"
              className="input mono"
              rows={5}
              spellCheck={false}
              value={text}
              aria-describedby="edit-state"
              onChange={(event) => setText(event.target.value)}
            />
            <span className="small muted" id="edit-state" role="status">
              {problem !== undefined
                ? `Not valid yet: ${problem}`
                : message.field === null
                  ? isJson
                    ? 'Valid JSON.'
                    : 'Not JSON, so it is published as it is.'
                  : `Valid JSON. Whether it fits the field ${message.field} is checked when it is published.`}
            </span>
          </div>
        )}
        <dl className="kv">
          <Fact name="Exchange">{message.exchange}</Fact>
          <Fact name="Message id">{message.messageId ?? <span className="faint">none</span>}</Fact>
          <Fact name="Published by">{message.appId ?? <span className="faint">not named</span>}</Fact>
          {headers.map(([name, value]) => (
            <Fact name={name} key={name}>
              <span className="mono small">{typeof value === 'string' ? value : printJson(value)}</span>
            </Fact>
          ))}
        </dl>
        {failure !== undefined && (
          <p className="small fail" role="alert">
            {failure}
          </p>
        )}
      </div>
      <div className="dlg-foot">
        <button className="btn danger" type="button" {...changeButton} onClick={() => setDropping(true)}>
          <Icon name="trash" />
          Drop
        </button>
        <span className="grow" />
        <button className="btn" type="button" {...changeButton} onClick={() => void publish(false)}>
          Publish as it was
        </button>
        <button
          className="btn main-act"
          type="button"
          disabled={!isText || problem !== undefined || text === message.body.text}
          {...changeButton}
          onClick={() => void publish(true)}
        >
          Publish edited
        </button>
      </div>
      {dropping && (
        <Confirm
          title={`Drop ${message.messageId ?? 'this message'}?`}
          verb="Drop"
          act={async () => {
            await execute(DropDocument, { ids: [message.id] })
            toast('Dropped from the quarantine')
            onChanged()
          }}
          onClose={() => setDropping(false)}
        >
          <p>It is deleted from the quarantine. Its original stays in the journal as long as that keeps it.</p>
        </Confirm>
      )}
    </section>
  )
}
