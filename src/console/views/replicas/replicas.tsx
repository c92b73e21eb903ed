import { useMemo } from 'react'
import { Fact } from '../../parts/fact.tsx'
import { Bar } from '../../parts/figures/figures.tsx'
import { type ChartLine, LineChart } from '../../parts/figures/line-chart.tsx'
import { bytes, count, duration, none, percent, plural, rate } from '../../parts/format.ts'
import { Icon } from '../../parts/icon.tsx'
import { type SortableColumn, SortableTable } from '../../parts/lists/sortable-table.tsx'
import { useRowKeys } from '../../parts/lists/use-row-keys.ts'
import { Banner, Head, Loading, PanelSkeleton, SilentReplicas } from '../../parts/states.tsx'
import { replicaStates, Status } from '../../parts/status.tsx'
import { Time } from '../../parts/time.tsx'
import { useParams } from '../../shell/router.tsx'
import { type ConsoleStats, type StatsPoint, slowest, useStats } from '../../shell/stats.tsx'

import { ReplicaDrain } from './replica-drain.tsx'

type Replica = ConsoleStats['replicas'][number]

const columns: readonly SortableColumn<Replica>[] = [
  { id: 'name', head: 'Replica', cell: ({ name }) => name, value: ({ name }) => name, isName: true },
  {
    id: 'state',
    head: 'State',
    cell: ({ state }) => <Status is={replicaStates[state]} />,
    value: ({ state }) => state,
  },
  { id: 'version', head: 'Version', cell: ({ version }) => version ?? '?', className: 'hide-phone' },
  {
    id: 'up',
    head: 'Up',
    cell: ({ uptimeMs, lastSeenAt, answered }) =>
      answered ? (
        duration(uptimeMs)
      ) : (
        <span className="faint">
          seen <Time at={lastSeenAt} ms={false} />
        </span>
      ),
    value: ({ uptimeMs }) => uptimeMs ?? 0,
    className: 'hide-phone nowrap',
  },
  {
    id: 'sessions',
    head: 'Sessions',
    cell: ({ sessions }) => count(sessions),
    value: ({ sessions }) => sessions ?? 0,
    className: 'num',
  },
  {
    id: 'delivers',
    head: 'Delivers',
    cell: ({ deliveredPerSecond }) => `${rate(deliveredPerSecond)}/s`,
    value: ({ deliveredPerSecond }) => deliveredPerSecond ?? 0,
    className: 'num nowrap hide-phone',
  },
  {
    id: 'lag',
    head: 'Lag',
    cell: ({ lagMs, state }) => <span className={state === 'BEHIND' ? 'wait' : ''}>{duration(lagMs)}</span>,
    value: ({ lagMs }) => lagMs ?? 0,
    className: 'num nowrap',
  },
  {
    id: 'cpu',
    head: 'CPU',
    cell: (replica) => <Cpu load={replica.load} />,
    value: ({ load }) => load?.cpu ?? 0,
    className: 'w-share hide-phone',
  },
  {
    id: 'memory',
    head: 'Memory',
    cell: ({ memory }) => bytes(memory?.rssBytes),
    value: ({ memory }) => memory?.rssBytes ?? 0,
    className: 'num hide-phone nowrap',
  },
  {
    id: 'window',
    head: 'Hot window',
    cell: ({ hotWindow }) => duration(hotWindow?.spanMs),
    value: ({ hotWindow }) => hotWindow?.spanMs ?? 0,
    className: 'num hide-phone nowrap',
  },
]

/** Who serves, who is behind, and what to do? */
export default function Replicas() {
  const { stats, history, brokerAwaySince, failure } = useStats()
  const [params, change] = useParams()
  const replicas = stats?.replicas ?? []
  const selected = params.get('replica') ?? (replicas.length === 1 ? replicas[0]?.name : undefined)
  const chosen = replicas.find(({ name }) => name === selected)
  useRowKeys({ rows: replicas, keyOf, selected, select: (replica) => change({ replica: replica?.name }) })
  if (failure)
    return (
      <Banner tone="fail" icon="lock">
        <strong>The replicas cannot be read.</strong> {failure.message}
      </Banner>
    )
  if (!stats)
    return (
      <>
        <Head title="Replicas" sub="Asking the replicas." />
        <Loading>
          <PanelSkeleton rows={4} />
        </Loading>
      </>
    )
  return (
    <>
      <Head title="Replicas" sub={sentence(stats)}>
        <span className="small muted">
          asked at <Time at={stats.at} ms={false} />, within 0.5 s
        </span>
      </Head>
      {!brokerAwaySince && <SilentReplicas unanswered={stats.unanswered} />}
      <section className="panel">
        <SortableTable
          label="Replicas"
          columns={columns}
          rows={replicas}
          keyOf={keyOf}
          selected={selected}
          onSelect={({ name }) => change({ replica: name })}
        />
      </section>
      <div className={`grid mt ${chosen ? 'g-32' : ''}`}>
        <section className="panel" aria-labelledby="lag-title">
          <header>
            <h2 id="lag-title">Lag behind the journal’s end</h2>
            <span className="more">since the page was opened, 10 min at most</span>
          </header>
          <div className="pad">
            <LagChart history={history} replicas={replicas} />
          </div>
        </section>
        {chosen && <ReplicaDetail replica={chosen} replicas={replicas} />}
      </div>
    </>
  )
}

const keyOf = ({ name }: Replica): string => name

function sentence({ replicas, unanswered }: ConsoleStats): string {
  const serving = replicas.filter(({ state }) => state === 'SERVING').length
  const all = replicas.filter(({ state }) => state !== 'ENDED').length
  if (serving === all && unanswered.length === 0)
    return all === 1
      ? 'One replica reads the whole journal and serves all sessions.'
      : `${all === 2 ? 'Both' : `All ${all}`} replicas are at the journal’s end.`
  const odd = replicas.filter(({ state }) => state !== 'SERVING' && state !== 'ENDED')
  return `${serving} of ${all} replicas are at the journal’s end; ${odd.map(({ name, state }) => `${name} ${replicaStates[state].word}`).join(', ')}.`
}

function Cpu({ load }: { load: Replica['load'] }) {
  const cpu = load?.cpu ?? undefined
  if (cpu === undefined) return <span className="faint">?</span>
  const label = percent(cpu)
  return (
    <span className="line-up nw">
      <Bar parts={[{ tone: cpu > 0.85 ? 'wait' : 'data', share: Math.min(1, cpu) }]} label={`CPU ${label}`} />
      <span className="pc num">{label}</span>
    </span>
  )
}

/** The three slowest, because more lines cannot be told apart. */
function LagChart({ history, replicas }: { history: readonly StatsPoint[]; replicas: readonly Replica[] }) {
  const times = useMemo(() => history.map(({ at }) => at / 1_000), [history])
  const names = replicas
    .toSorted((a, b) => (b.lagMs ?? 0) - (a.lagMs ?? 0) || a.name.localeCompare(b.name))
    .slice(0, 3)
    .map(({ name }) => name)
    .sort()
  const lines: ChartLine[] = names.map((name) => ({
    label: name,
    values: history.map(({ lagByReplica }) => lagByReplica.get(name) ?? null),
  }))
  const worst = slowest(replicas)
  const description = worst
    ? `Lag of replicas. Now ${worst.name} is furthest behind, with ${duration(worst.lagMs)}.`
    : 'Lag is not known.'
  return <LineChart times={times} lines={lines} description={description} print={duration} />
}

function ReplicaDetail({ replica, replicas }: { replica: Replica; replicas: readonly Replica[] }) {
  const { load, outbox, hotWindow, memory } = replica
  return (
    <section className="panel" aria-labelledby="replica-title">
      <header>
        <h2 id="replica-title">{replica.name}</h2>
        <Status is={replicaStates[replica.state]} />
      </header>
      <div className="pad stack">
        {replica.reason && (
          <p>
            <Icon name="warn" /> {replica.reason}
          </p>
        )}
        {(load?.cpu ?? 0) > 0.85 && (
          <div className="banner wait nomargin">
            <Icon name="bulb" />
            <div className="grow">
              One processor is nearly full: {percent(load?.cpu)}. <strong>WARREN_WORKERS=2</strong> spreads its sessions
              over two processes.
            </div>
          </div>
        )}
        <dl className="kv">
          <Fact name="Started">
            <Time at={replica.startedAt} ms={false} />
          </Fact>
          {(replica.brokerNodes ?? []).length > 0 && (
            <Fact name="RabbitMQ">
              {replica.brokerNodes?.map(({ address, version }) => `${address} (${version})`).join(', ')}
            </Fact>
          )}
          <Fact name="Reads at">{count(replica.position)}</Fact>
          <Fact name="Subscriptions">
            {count(replica.subscriptions)}, {count(replica.catchingUp)} of them catching up
          </Fact>
          <Fact name="Event loop, 99 of 100">{duration(load?.loopDelayMs)}</Fact>
          <Fact name="Outboxes">
            {bytes(outbox?.bytes)}, {plural(outbox?.waitingSessions ?? 0, 'session waits', 'sessions wait')}
          </Fact>
          <Fact name="Queued">{bytes(outbox?.bufferedBytes)} for slow clients</Fact>
          <Fact name="Hot window">
            {bytes(hotWindow?.bytes)}, from offset{' '}
            {hotWindow?.firstOffset === null ? none : count(hotWindow?.firstOffset)}
          </Fact>
          <Fact name="Memory">
            {bytes(memory?.rssBytes)}, heap {bytes(memory?.heapBytes)}
          </Fact>
          <Fact name="Fell behind">{count(replica.fellBehind)} subscriptions since the start</Fact>
        </dl>
        <ReplicaDrain replica={replica} replicas={replicas} />
      </div>
    </section>
  )
}
