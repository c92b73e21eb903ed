import type { RefObject } from 'react'
import { type SortableColumn, SortableTable } from '../../parts/lists/sortable-table.tsx'
import { useRowKeys } from '../../parts/lists/use-row-keys.ts'
import { AlsoQuarantined, outcomes, Status } from '../../parts/status.tsx'
import { Time, ZoneName } from '../../parts/time.tsx'
import { type Case, notForClient, readersOf, type TracedSources, verdictOf } from './verdict.ts'

/** What a person sees of a message before they choose it. */
function columnsOf(sources: TracedSources, clientId: string | null): readonly SortableColumn<Case>[] {
  return [
    {
      id: 'time',
      head: (
        <>
          Received, <ZoneName />
        </>
      ),
      cell: ({ seen }) => <Time at={seen[0]?.message.receivedAt} />,
      className: 'mono small muted nowrap',
    },
    {
      id: 'outcome',
      head: 'Outcome',
      cell: (one) => (
        <>
          <Status is={outcomes[verdictOf(one, sources).outcome]} />{' '}
          {one.seen[0] && <AlsoQuarantined message={one.seen[0].message} />}
        </>
      ),
      className: 'nowrap',
    },
    {
      id: 'message',
      head: 'Message',
      cell: ({ seen }) => seen[0]?.message.messageId ?? <span className="faint">no id</span>,
      className: 'mono small nowrap',
      isName: true,
    },
    {
      id: 'client',
      head: 'Client',
      cell: (one) => {
        const first = one.seen[0]?.message
        if (clientId !== null && notForClient(one) !== undefined) return `not for ${clientId}`
        return first && first.clientCount !== 0 ? readersOf(first) : <span className="faint">none</span>
      },
      className: 'nowrap hide-phone',
    },
    {
      id: 'key',
      head: 'Exchange and key',
      cell: ({ seen }) => (
        <>
          <span className="muted">{seen[0]?.message.exchange}</span>{' '}
          <span className="mono small">{seen[0]?.message.routingKey}</span>
        </>
      ),
      className: 'nowrap hide-phone',
    },
    {
      id: 'body',
      head: 'Body',
      cell: ({ seen }) => seen[0]?.message.preview,
      className: 'body-cut cut hide-phone',
    },
  ]
}

/** The messages that were found, to choose one. The whole row is a button. */
export function FoundCases({
  title,
  since,
  cases,
  sources,
  clientId,
  headline,
  selected,
  onSelect,
}: {
  title: string
  /** How far back replicas remember. */
  since: string | undefined
  cases: readonly Case[]
  sources: TracedSources
  clientId: string | null
  headline: RefObject<HTMLDivElement | null>
  selected: string | undefined
  onSelect: (chosen: Case) => void
}) {
  useRowKeys({ rows: cases, keyOf, selected, select: (row) => row && onSelect(row) })
  return (
    <section className="panel mt found-cases" aria-labelledby="several-title">
      <header tabIndex={-1} ref={headline}>
        <h2 id="several-title">{title}</h2>
        <span className="more">
          {since !== undefined && (
            <>
              Searched since <Time at={since} ms={false} />.{' '}
            </>
          )}
          The chosen one is below.
        </span>
      </header>
      <SortableTable
        label="Found messages"
        className="tight"
        columns={columnsOf(sources, clientId)}
        rows={cases}
        keyOf={keyOf}
        selected={selected}
        onSelect={onSelect}
      />
    </section>
  )
}

const keyOf = ({ key }: Case): string => key
