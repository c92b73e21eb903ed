import { useState } from 'react'
import { GatewayHistoryDocument, type HistorySpan } from '../../api/generated/graphql.ts'
import { useQuery } from '../../api/use-query.ts'
import { type ChartLine, LineChart } from '../../parts/figures/line-chart.tsx'
import { rate } from '../../parts/format.ts'
import { FailureBanner, SilentReplicas } from '../../parts/states.tsx'

interface Span {
  readonly span: HistorySpan
  readonly name: string
  readonly text: string
  /** A point of the day is of four minutes. */
  readonly refreshMs: number
}

const spans = [
  { span: 'HOUR', name: '1 h', text: 'the last hour', refreshMs: 10_000 },
  { span: 'DAY', name: '24 h', text: 'the last 24 hours', refreshMs: 60_000 },
] as const satisfies readonly Span[]

/** What came and what was delivered, as far back as the replicas remember. */
export function LoadHistory() {
  const [chosen, setChosen] = useState<(typeof spans)[number]>(spans[0])
  const answer = useQuery(
    GatewayHistoryDocument,
    { span: chosen.span },
    { everyMs: chosen.refreshMs, keepsBefore: true },
  )
  const { points, stepMs, unanswered } = answer.data?.gatewayHistory ?? { points: [], stepMs: 1, unanswered: [] }
  // A time without a report is a gap in the lines.
  const byTime = new Map(points.map((point) => [Date.parse(point.at), point]))
  const [first, last] = [points[0], points.at(-1)].map((point) => (point ? Date.parse(point.at) : 0))
  const times: number[] = []
  for (let at = first ?? 0; at <= (last ?? 0) && points.length > 0; at += stepMs) times.push(at)
  const line = (label: string, valueOf: (point: (typeof points)[number]) => number): ChartLine => ({
    label,
    values: times.map((at) => {
      const point = byTime.get(at)
      return point ? valueOf(point) : null
    }),
  })
  const lines = [
    line('messages in', ({ receivedPerSecond }) => receivedPerSecond),
    line('delivered', ({ deliveredPerSecond }) => deliveredPerSecond),
    line('dropped', ({ droppedPerSecond }) => droppedPerSecond),
  ]
  const peak = Math.max(0, ...points.map(({ deliveredPerSecond }) => deliveredPerSecond))
  const now = points.at(-1)
  const description = now
    ? `Rates of ${chosen.text}. At last ${rate(now.receivedPerSecond)} messages in and ${rate(now.deliveredPerSecond)} delivered a second; the peak was ${rate(peak)} delivered.`
    : 'No rates are known yet: the first point comes after a few seconds.'
  return (
    <section className="panel mt ov-history" aria-labelledby="history-title">
      <header>
        <h2 id="history-title">Rates of {chosen.text}</h2>
        <span className="more seg" role="group" aria-label="Span">
          {spans.map((one) => (
            <button type="button" aria-pressed={one === chosen} onClick={() => setChosen(one)} key={one.span}>
              {one.name}
            </button>
          ))}
        </span>
      </header>
      <div className="pad stack">
        <FailureBanner answer={answer} what="The history" />
        <SilentReplicas unanswered={unanswered} />
        <LineChart
          times={times.map((at) => at / 1_000)}
          lines={lines}
          description={description}
          print={(value) => `${rate(value)}/s`}
        />
        <p className="small muted">{description} Each replica remembers from its start on.</p>
      </div>
    </section>
  )
}
