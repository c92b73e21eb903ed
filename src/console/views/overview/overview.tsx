import { EndedSessionsDocument } from '../../api/generated/graphql.ts'
import { useQuery } from '../../api/use-query.ts'
import { Figure, Spark } from '../../parts/figures/figures.tsx'
import { count, duration, none, plural, rate, unknown } from '../../parts/format.ts'
import { Banner, Empty, Head, Loading, PanelSkeleton, SilentReplicas } from '../../parts/states.tsx'
import { useSettings } from '../../shell/settings.ts'
import { type ConsoleStats, type StatsPoint, slowest, useStats } from '../../shell/stats.tsx'
import { Accounts } from './accounts.tsx'
import { accountSentence, behindOf } from './behind-of.ts'
import { Broker } from './broker.tsx'
import { Concerns } from './concerns.tsx'
import { type Concern, concernsOf } from './concerns-of.ts'
import { FlowPicture } from './flow-picture.tsx'
import { LoadHistory } from './load-history.tsx'

const endedRows = 20
const endedEveryMs = 5_000

/** Is all well, and if not, where? */
export default function Overview() {
  const { stats, history, broker, brokerAwaySince, failure } = useStats()
  const { zone } = useSettings()
  const ended = useQuery(EndedSessionsDocument, { first: endedRows }, { everyMs: endedEveryMs })
  if (failure)
    return (
      <>
        <Head title="Overview" sub="" />
        <Banner tone="fail" icon="lock">
          <strong>The figures cannot be read.</strong> {failure.message}
        </Banner>
      </>
    )
  if (!stats)
    return (
      <>
        <Head title="Overview" sub="Asking the replicas." />
        <Loading>
          <div className="stack loose">
            <PanelSkeleton rows={2} />
            <PanelSkeleton rows={8} />
          </div>
        </Loading>
      </>
    )
  const concerns = concernsOf(stats, {
    brokerAway: brokerAwaySince !== undefined,
    ended: ended.data?.endedSessions.sessions ?? [],
    zone,
    quarantined: broker?.quarantined ?? 0,
  })
  const isNew = stats.bySource.every(({ total }) => total === 0) && stats.sessions === 0
  return (
    <>
      <Head title="Overview" sub={sentence(stats, concerns)} />
      {!brokerAwaySince && <SilentReplicas unanswered={stats.unanswered} />}
      <div className="ov">
        <Figures stats={stats} history={history} />
        <section className="panel ov-flow" aria-label="Flow">
          <div className="pad">
            <FlowPicture stats={stats} still={brokerAwaySince !== undefined} />
          </div>
          {isNew && <NothingYet />}
        </section>
        <div className="grid g-21 mt">
          <Accounts accounts={stats.accounts} behind={behindOf(stats)} />
          <Concerns concerns={concerns} />
        </div>
        <LoadHistory />
      </div>
      <Broker />
    </>
  )
}

function sentence(stats: ConsoleStats, concerns: readonly Concern[]): string {
  const { difference, dropped } = stats.accounts.total
  const lost = dropped === 0 ? '' : ` ${plural(dropped, 'event was', 'events were')} dropped.`
  const sums = `${accountSentence(difference, behindOf(stats))}${difference === 0 ? lost : ''}`
  if (concerns.length === 0) return `${sums} Nothing needs a look.`
  return `${sums} ${concerns.length === 1 ? 'One thing needs' : `${count(concerns.length)} things need`} a look.`
}

function Figures({ stats, history }: { stats: ConsoleStats; history: readonly StatsPoint[] }) {
  const behind = slowest(stats.replicas)
  const lag = behind?.lagMs ?? undefined
  const late = lag !== undefined && lag >= 1_000
  const { receivedPerSecond: received, deliveredPerSecond: delivered } = stats
  const each = received && delivered ? `${rate(delivered / received)} clients a message` : 'events to sockets'
  const subscriptions = stats.byTransport.reduce((sum, transport) => sum + transport.subscriptions, 0)
  const window = stats.replicas.find(({ answered }) => answered)?.hotWindow
  return (
    <ul className="figs panel" aria-label="Key figures">
      <Figure name="Messages in" value={rate(received)} unit="/s" note={`peak ${rate(peak(history))}/s on this page`}>
        <Spark values={history.map((point) => point.received)} />
      </Figure>
      <Figure name="Delivered" value={rate(delivered)} unit="/s" note={each}>
        <Spark values={history.map((point) => point.delivered)} />
      </Figure>
      <Figure name="Sessions" value={count(stats.sessions)} note={plural(subscriptions, 'subscription')}>
        <Spark values={history.map((point) => point.sessions)} />
      </Figure>
      <Figure
        name="Delivery time, 99 of 100"
        {...measured(stats.deliveryTimes.p99Ms)}
        note="receipt to socket, at most"
      >
        <Spark values={history.map((point) => point.p99Ms)} />
      </Figure>
      <Figure
        name="Slowest replica"
        {...(lag === undefined ? { value: unknown } : measured(lag, ' behind'))}
        note={behind?.name ?? none}
      >
        <Spark values={history.map((point) => point.lagMs)} tone={late ? 'wait' : 'ok'} />
      </Figure>
      <Figure name="In memory" {...measured(window?.spanMs)} note="of the journal’s end" />
    </ul>
  )
}

function measured(ms: number | null | undefined, after = ''): { value: string; unit?: string } {
  if (ms === null || ms === undefined) return { value: unknown }
  const [value = unknown, unit] = duration(ms).split(' ')
  return { value, unit: ` ${unit ?? ''}${after}` }
}

function peak(history: readonly StatsPoint[]): number | undefined {
  const known = history.map(({ received }) => received).filter((value) => value !== null)
  return known.length === 0 ? undefined : Math.max(...known)
}

function NothingYet() {
  return (
    <Empty title="Nothing has come yet">
      The gateway is ready. Publish to an exchange of a source, and it appears here.
    </Empty>
  )
}
