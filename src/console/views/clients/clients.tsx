import { useCallback, useState } from 'react'
import type { ClientFragment, ClientSort } from '../../api/generated/graphql.ts'
import { FilterToken } from '../../parts/filter-token.tsx'
import { count, duration, none, plural } from '../../parts/format.ts'
import { Icon } from '../../parts/icon.tsx'
import { useHeldRows } from '../../parts/lists/use-held-rows.ts'
import { useRowKeys } from '../../parts/lists/use-row-keys.ts'
import { type Column, VirtualTable } from '../../parts/lists/virtual-table.tsx'
import { Empty, FailureBanner, Head, SilentReplicas } from '../../parts/states.tsx'
import { clientStates } from '../../parts/status.tsx'
import { Time } from '../../parts/time.tsx'
import { useParams } from '../../shell/router.tsx'
import { ClientDetail } from './client-detail.tsx'
import { clientLook } from './client-look.ts'
import { CutOffSessions } from './cut-off.tsx'
import { NewClient } from './new-client.tsx'
import { SearchField } from './search-field.tsx'
import { useClients } from './use-clients.ts'

const columns: readonly Column<ClientFragment>[] = [
  {
    id: 'state',
    head: <span className="sr">State</span>,
    cell: (client) => {
      const { word, tone, icon } = clientLook(client)
      return (
        <span className={tone} title={word}>
          <Icon name={icon} />
          <span className="sr">{word}</span>
        </span>
      )
    },
    className: 'c-p',
  },
  {
    id: 'id',
    head: 'Client',
    cell: ({ clientId }) => <strong className="strong">{clientId}</strong>,
    className: 'c-id',
    sort: 'CLIENT_ID',
    ascending: true,
  },
  {
    id: 'name',
    head: 'Name',
    cell: ({ name, registered }) => name ?? (registered ? '' : 'by token'),
    className: 'c-name muted',
  },
  { id: 'sessions', head: 'Sessions', cell: ({ sessions }) => count(sessions), className: 'num' },
  {
    id: 'transport',
    head: 'Transport',
    cell: ({ transports, online }) => (online ? transports.join(', ') : <span className="faint">offline</span>),
  },
  {
    id: 'position',
    head: 'Position',
    cell: ({ offset }) => (offset === null ? none : count(offset)),
    className: 'num',
  },
  {
    id: 'lag',
    head: 'Lag',
    cell: ({ online, lagMs, slow }) =>
      online ? <span className={slow ? 'wait' : ''}>{duration(lagMs)}</span> : <span className="faint">{none}</span>,
    className: 'c-lag num',
    sort: 'LAG',
  },
  {
    id: 'pending',
    head: 'Waiting',
    cell: ({ online, pending }) =>
      online ? (
        <>
          {count(pending)} <span className="only-phone">waiting</span>
        </>
      ) : (
        none
      ),
    className: 'c-q num',
    sort: 'PENDING',
  },
  {
    id: 'delivered',
    head: 'Delivered',
    cell: ({ delivered }) => count(delivered),
    className: 'num',
    sort: 'DELIVERED',
  },
  { id: 'dropped', head: 'Dropped', cell: ({ dropped }) => count(dropped), className: 'num', sort: 'DROPPED' },
]

const filters = [
  ['ONLINE', 'Online', clientStates.online],
  ['SLOW', 'Slow', clientStates.slow],
  ['DROPPING', 'Dropping', clientStates.dropping],
  ['OFFLINE', 'Offline', clientStates.offline],
  ['BANNED', 'Banned', clientStates.banned],
] as const

const sortNames: Readonly<Record<string, string>> = {
  CLIENT_ID: 'by client id',
  LAG: 'slowest first',
  PENDING: 'most waiting first',
  DELIVERED: 'most delivered first',
  DROPPED: 'most dropped first',
}

/** Who is there, how far, and who is slow? */
export default function Clients() {
  const [params, change] = useParams()
  const search = params.get('search') ?? ''
  const only = filters.find(([name]) => name === params.get('only'))?.[0]
  const transport = params.get('transport') ?? undefined
  const sort = sortNames[params.get('sort') ?? ''] ? (params.get('sort') as string) : 'CLIENT_ID'
  const selected = params.get('client') ?? undefined
  const [making, setMaking] = useState(false)
  const question = {
    search: search === '' ? null : search,
    only: only ?? null,
    transport: transport ?? null,
    sort: sort as ClientSort,
  }
  const clients = useClients(question)
  const { counts } = clients
  const { rows, gone, hold } = useHeldRows(clients.rows, keyOf, JSON.stringify(question))
  const select = useCallback((row: ClientFragment | undefined) => change({ client: row?.clientId }), [change])
  useRowKeys({ rows, keyOf, selected, select })
  const total = clients.complete ? clients.rows.length : undefined
  return (
    <>
      <Head title="Clients" sub={sentence(counts)}>
        <button className="btn" type="button" onClick={() => setMaking(true)}>
          <Icon name="plus" />
          New client channel
        </button>
      </Head>
      <div className="filters">
        <SearchField
          label="Search clients"
          placeholder="A part of the client id"
          value={search}
          onChange={(text) => change({ search: text })}
        />
        {transport !== undefined && (
          <span className="line-up">
            <FilterToken word="transport" value={transport} onRemove={() => change({ transport: undefined })} />
          </span>
        )}
        <div className="chips" role="group" aria-label="Show only">
          {filters.map(([name, title, { tone, icon }]) => (
            <button
              className="chip"
              type="button"
              aria-pressed={only === name}
              onClick={() =>
                change({
                  only: only === name ? undefined : name,
                  // Clients without a session have no transport.
                  ...(name === 'OFFLINE' || name === 'BANNED' ? { transport: undefined } : {}),
                })
              }
              key={name}
            >
              <span className={`st ${tone}`}>
                <Icon name={icon} />
              </span>
              {/* The counts are of all transports. */}
              {title} <span className="n">{counts && !transport ? count(countOf(counts, name)) : ''}</span>
            </button>
          ))}
        </div>
      </div>
      <FailureBanner answer={clients} what="The clients" />
      <SilentReplicas unanswered={clients.unanswered} onAgain={clients.reload} />
      <VirtualTable
        label="Clients"
        layout="cols-clients"
        columns={columns}
        rows={rows}
        keyOf={keyOf}
        selected={selected}
        onSelect={select}
        total={total}
        sortedBy={sort}
        onSort={(by) => change({ sort: by === 'CLIENT_ID' ? undefined : by })}
        onEnd={clients.more}
        hold={hold}
        gone={gone}
        empty={
          clients.loading ? (
            <ListSkeleton />
          ) : clients.failure ? null : (
            <NoClients search={search} only={only} transport={transport} />
          )
        }
      />
      {/* Below the list, which does not move when the first one appears. */}
      <CutOffSessions />
      <div className="statusline" role="note">
        <span>
          {clients.complete
            ? plural(clients.rows.length, 'client')
            : `${count(clients.rows.length)} clients loaded, scroll for more`}
          , {sortNames[sort]}
        </span>
        {clients.at && (
          <span className="hide-phone">
            asked at <Time at={clients.at} ms={false} />
          </span>
        )}
        <span className="hide-phone">
          <kbd>J</kbd> <kbd>K</kbd> row · <kbd>/</kbd> search
        </span>
      </div>
      {selected !== undefined && (
        <ClientDetail clientId={selected} onClose={() => select(undefined)} onChanged={clients.reload} key={selected} />
      )}
      {making && <NewClient onClose={() => setMaking(false)} onMade={clients.reload} />}
    </>
  )
}

const keyOf = ({ clientId }: ClientFragment): string => clientId

type Counts = NonNullable<ReturnType<typeof useClients>['counts']>

function countOf(counts: Counts, name: (typeof filters)[number][0]): number {
  const { slow, dropping, banned, registered } = counts
  const online = onlineOf(counts)
  // Clients by token are online and not registered, so this is the least number.
  return { ONLINE: online, SLOW: slow, DROPPING: dropping, BANNED: banned, OFFLINE: Math.max(0, registered - online) }[
    name
  ]
}

/** Those with a session, as the rows show them. `online` includes clients that just left. */
function onlineOf({ online, leaving }: Counts): number {
  return Math.max(0, online - leaving)
}

function sentence(counts: Counts | undefined): string {
  if (!counts) return 'Who is there, how far each one is, and who is slow.'
  const { leaving, slow, dropping } = counts
  const slowText = slow === 0 ? 'none is slow' : `${count(slow)} ${slow === 1 ? 'is' : 'are'} slow`
  const dropText = dropping === 0 ? '' : `, and ${count(dropping)} ${dropping === 1 ? 'loses' : 'lose'} events`
  const leftText = leaving === 0 ? '' : `, ${count(leaving)} left a moment ago and may be back`
  return `${plural(onlineOf(counts), 'client is', 'clients are')} online${leftText}; ${slowText}${dropText}.`
}

function ListSkeleton() {
  return (
    <div className="pad stack" aria-busy="true">
      {Array.from({ length: 8 }, (_, index) => (
        <span className={`skel w${(index % 3) + 1}`} key={index} />
      ))}
    </div>
  )
}

function NoClients({
  search,
  only,
  transport,
}: {
  search: string
  only: string | undefined
  transport: string | undefined
}) {
  const [, change] = useParams()
  if (search === '' && only === undefined && transport === undefined)
    return (
      <Empty title="No client yet">
        A client appears here when it registers its channel, or when it connects with a token.
      </Empty>
    )
  return (
    <Empty
      title="No client matches"
      action={
        <button
          className="btn"
          type="button"
          onClick={() => change({ search: undefined, only: undefined, transport: undefined })}
        >
          Show all clients
        </button>
      }
    >
      No client{' '}
      {[
        ...(search === '' ? [] : [`has “${search}” in its id`]),
        ...(only === undefined ? [] : [`is ${only.toLowerCase()}`]),
        ...(transport === undefined ? [] : [`has a session over ${transport}`]),
      ].join(' and ')}
      .
    </Empty>
  )
}
