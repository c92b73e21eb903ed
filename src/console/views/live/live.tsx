import { useCallback, useEffect, useMemo, useState } from 'react'
import type { EntryFragment } from '../../api/generated/graphql.ts'
import { CopyLink, copyText } from '../../parts/copy.tsx'
import { count, plural } from '../../parts/format.ts'
import { Icon } from '../../parts/icon.tsx'
import { useHold } from '../../parts/lists/use-held-rows.ts'
import { useRowKeys } from '../../parts/lists/use-row-keys.ts'
import { type Column, VirtualTable } from '../../parts/lists/virtual-table.tsx'
import { outcomeOf } from '../../parts/outcome.ts'
import { Banner, Empty, Head } from '../../parts/states.tsx'
import { AlsoQuarantined, outcomes, Status } from '../../parts/status.tsx'
import { Time, ZoneName } from '../../parts/time.tsx'
import { useKeys } from '../../shell/keys.tsx'
import { go, Link, useParams } from '../../shell/router.tsx'
import { clientsText, MessageDetail } from '../message/message-detail.tsx'
import { filterOf, filterWords, outcomeNames, outcomesOf } from './filter.ts'
import { FilterBar } from './filter-bar.tsx'
import { filterText } from './filter-text.ts'
import { maxPerSecond, type TailState, useTail } from './use-tail.ts'

const columns: readonly Column<EntryFragment>[] = [
  {
    id: 'time',
    head: (
      <>
        Time, <ZoneName />
      </>
    ),
    cell: ({ receivedAt }) => <Time at={receivedAt} />,
    className: 'c-time mono small muted',
  },
  {
    id: 'outcome',
    head: 'Outcome',
    cell: (entry) => (
      <>
        <Status is={outcomes[outcomeOf(entry)]} /> <AlsoQuarantined message={entry} />
      </>
    ),
    className: 'c-out',
  },
  {
    id: 'key',
    head: 'Exchange and key',
    cell: ({ exchange, routingKey }) => (
      <>
        <span className="muted">{exchange}</span> <span className="mono small">{routingKey}</span>
      </>
    ),
    className: 'c-key2',
  },
  { id: 'client', head: 'Client', cell: (entry) => clientsText(entry), className: 'c-client' },
  { id: 'body', head: 'Body', cell: ({ preview }) => preview.text, className: 'c-body mono small muted' },
]

/** What comes now, and what becomes of it? */
export default function Live() {
  const [params, change] = useParams()
  const filter = useMemo(() => filterOf(params), [params])
  const selected = params.get('message') ?? undefined
  const [pausedByUser, setPausedByUser] = useState(false)
  const [scrolled, setScrolled] = useState(false)
  const { isPointed, hold } = useHold()
  const stopped = pausedByUser || scrolled || selected !== undefined
  const paused = stopped || isPointed
  const chosenOutcomes = useMemo(() => outcomesOf(params), [params])
  const tail = useTail(filter, chosenOutcomes, paused)
  const { resume: showHeld } = tail
  const select = useCallback((row: EntryFragment | undefined) => change({ message: row?.cursor }), [change])
  const resume = useCallback(() => {
    setPausedByUser(false)
    setScrolled(false)
    change({ message: undefined })
    document.querySelector('.vlist')?.scrollTo(0, 0)
  }, [change])
  useEffect(() => {
    if (!paused) showHeld()
  }, [paused, showHeld])
  useKeys({ ' ': () => (stopped ? resume() : setPausedByUser(true)) })
  useRowKeys({
    rows: tail.rows,
    keyOf,
    selected,
    select,
    keys: {
      t: ({ cursor }) => go('trace', { cursor }),
      c: ({ cursor }) => void copyText(cursor, 'Cursor copied'),
    },
  })
  const chosen = tail.rows.find(({ cursor }) => cursor === selected)
  return (
    <>
      <Head title="Live" sub={filterText(params) ?? 'What comes from the journal now, and what became of it.'}>
        <button
          className="btn"
          type="button"
          aria-pressed={stopped}
          onClick={() => (stopped ? resume() : setPausedByUser(true))}
        >
          <Icon name={stopped ? 'play' : 'pause'} />
          {stopped ? 'Resume' : 'Pause'}
          <kbd className="hide-phone">Space</kbd>
        </button>
      </Head>
      <div className="filters">
        <FilterBar
          words={filterWords}
          plain="text"
          placeholder="client:alice  key:orders.#  exchange:orders  or text of the body"
        />
        <CopyLink />
      </div>
      <OutcomeChips counts={tail.outcomes} />
      {tail.failure && tail.failure.code !== 'UNAUTHENTICATED' && (
        <Banner tone="fail" icon="fail">
          <strong>Messages cannot be shown.</strong> {tail.failure.message}
        </Banner>
      )}
      {tail.waiting > 0 && stopped && (
        <button className="newbar" type="button" onClick={resume}>
          <Icon name="up" />
          <span>
            {plural(tail.waiting, 'newer message waits', 'newer messages wait')}.{' '}
            {tail.waiting === 1 ? 'Show it' : 'Show them'}
          </span>
        </button>
      )}
      <div className={`split ${selected === undefined ? 'alone' : ''}`}>
        <VirtualTable
          label="Messages"
          layout="cols-live"
          columns={columns}
          rows={tail.rows}
          keyOf={keyOf}
          selected={selected}
          onSelect={select}
          onScrolled={setScrolled}
          hold={hold}
          sortedBy="time"
          empty={<NoMessages key={JSON.stringify(filter)} />}
        />
        {selected !== undefined && (
          <MessageDetail entry={chosen ?? { cursor: selected }} onClose={() => select(undefined)} />
        )}
      </div>
      <div className="statusline" role="note">
        <span>{stateText(tail, stopped, isPointed)}</span>
        <span>
          {tail.sampledOneIn > 1
            ? `One in ${count(tail.sampledOneIn)} is shown: the page takes at most ${maxPerSecond}/s`
            : 'All messages are shown'}
        </span>
        {tail.missingAfter !== undefined && (
          <span className="wait">
            Messages of an interruption are not shown.{' '}
            <Link to="journal" params={{ cursor: tail.missingAfter }}>
              See the journal
            </Link>
          </span>
        )}
        <span className="hide-phone">Newest on top</span>
        <span className="hide-phone">
          <kbd>J</kbd> <kbd>K</kbd> row · <kbd>T</kbd> trace · <kbd>/</kbd> filter
        </span>
      </div>
    </>
  )
}

const keyOf = ({ cursor }: EntryFragment): string => cursor

function stateText({ state, waiting }: TailState, stopped: boolean, isPointed: boolean): string {
  if (state === 'lost') return 'The connection is lost; trying again'
  if (state === 'connecting') return 'Waiting for messages'
  if (state === 'refused') return 'Not subscribed'
  if (state === 'paused') return 'Paused, because the page was hidden'
  if (stopped) return 'Paused'
  if (!isPointed) return 'Live'
  return `Still while you point at it${waiting === 0 ? '' : `; ${count(waiting)} newer`}`
}

/** The counts are of everything, before the filter. */
function OutcomeChips({ counts }: { counts: ReadonlyMap<string, number> }) {
  const [params, change] = useParams()
  const chosen = outcomesOf(params)
  const toggle = (name: (typeof outcomeNames)[number]): void => {
    const next = chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name]
    change({ outcome: next.join(',') })
  }
  return (
    <div className="chips" role="group" aria-label="Outcomes in the last second, before the filter">
      <span className="small muted hide-phone">In the last second, of all:</span>
      {outcomeNames.map((name) => {
        const { word, tone, icon } = outcomes[name]
        return (
          <button
            className="chip"
            type="button"
            aria-pressed={chosen.includes(name)}
            onClick={() => toggle(name)}
            key={name}
          >
            <span className={`st ${tone}`}>
              <Icon name={icon} />
            </span>
            {word[0]?.toUpperCase()}
            {word.slice(1)} <span className="n">{count(counts.get(name) ?? 0)}</span>
          </button>
        )
      })}
    </div>
  )
}

/** Nothing has come since the filter was chosen. Outcomes are rare, so that may be well. */
function NoMessages() {
  const [params, change] = useParams()
  const [since] = useState(() => new Date())
  const filter = filterText(params)
  const [exchange, key, client, text] = filterWords.map((word) => params.get(word) ?? undefined)
  const inJournal = (
    <Link className="btn" to="journal" params={{ exchange, key, client, text }}>
      Look at earlier messages
    </Link>
  )
  if (filter === undefined)
    return (
      <Empty title="No message has come yet" action={inJournal}>
        A message appears here when a source takes it into the journal.
      </Empty>
    )
  return (
    <Empty
      title="No such message has come yet"
      action={
        <span className="line-up">
          <button
            className="btn"
            type="button"
            onClick={() =>
              change({ exchange: undefined, key: undefined, client: undefined, text: undefined, outcome: undefined })
            }
          >
            Remove the filter
          </button>
          {inJournal}
        </span>
      }
    >
      {filter} Watching since <Time at={since} ms={false} />: the next one appears here. The counts above are of all
      messages, without the filter.
    </Empty>
  )
}
