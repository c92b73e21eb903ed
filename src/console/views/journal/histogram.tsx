import { type KeyboardEvent, type PointerEvent, useEffect, useState } from 'react'
import { JournalHistogramDocument, type JournalHistogramQuery } from '../../api/generated/graphql.ts'
import { useQuery } from '../../api/use-query.ts'
import { count, plural, time, unknown, type Zone } from '../../parts/format.ts'
import { FailureBanner } from '../../parts/states.tsx'
import { Time } from '../../parts/time.tsx'
import { useSettings } from '../../shell/settings.ts'

type Bin = JournalHistogramQuery['journalHistogram']['bins'][number]

const spans = [
  { name: '1 h', hours: 1, bins: 60 },
  { name: '24 h', hours: 24, bins: 96 },
] as const
type Span = (typeof spans)[number]

const refreshMs = 60_000
const hourMs = 3_600_000

/** Which messages are counted. Null: all. */
export interface CountedMessages {
  readonly exchange: string | null
  readonly routingKey: string | null
}

/** How many messages the journal received by time. A bar leads to its place. */
export function Histogram({
  counted,
  shown,
  onGo,
}: {
  counted: CountedMessages
  shown: readonly (string | null)[]
  onGo: (timeText: string) => void
}) {
  const [span, setSpan] = useState<Span>(spans[0])
  const to = useEndOf(span)
  const variables = { from: new Date(to - span.hours * hourMs).toISOString(), to: new Date(to).toISOString() }
  const answer = useQuery(
    JournalHistogramDocument,
    { ...variables, ...counted, bins: span.bins },
    { everyMs: refreshMs, keepsBefore: true },
  )
  const bins = answer.data?.journalHistogram.bins ?? []
  return (
    <section className="panel bins-panel" aria-labelledby="histogram-title">
      <header>
        <h2 id="histogram-title">Messages by time</h2>
        <span className="more seg" role="group" aria-label="Span">
          {spans.map((one) => (
            <button type="button" aria-pressed={one === span} onClick={() => setSpan(one)} key={one.name}>
              {one.name}
            </button>
          ))}
        </span>
      </header>
      <div className="pad">
        <FailureBanner answer={answer} what="The histogram" />
        <Bars bins={bins} shown={shown} onGo={onGo} key={span.name} />
        <p className="small muted">
          {!answer.isOutdated && noteOf(bins, counted, answer.data?.journalHistogram.firstOffset)}
          {answer.at && (
            <>
              {' '}
              Counted at <Time at={answer.at} ms={false} />.
            </>
          )}
        </p>
      </div>
    </section>
  )
}

/** The end of the bin of now, so that the times of bins stay the same for a while. */
function useEndOf({ hours, bins }: Span): number {
  const stepMs = (hours * hourMs) / bins
  const endNow = (): number => Math.ceil((Date.now() + 1) / stepMs) * stepMs
  const [end, setEnd] = useState(endNow)
  useEffect(() => {
    setEnd(endNow())
    const timer = setInterval(() => setEnd(endNow()), refreshMs / 4)
    return () => clearInterval(timer)
  }, [stepMs])
  return end
}

const width = 1_120
const height = 100

/** A slider over the bins: arrow keys choose one, Enter or a click goes to its time. */
function Bars({
  bins,
  shown,
  onGo,
}: {
  bins: readonly Bin[]
  shown: readonly (string | null)[]
  onGo: (timeText: string) => void
}) {
  const { zone } = useSettings()
  const [chosen, setChosen] = useState<number>()
  const most = Math.max(1, ...bins.map((bin) => bin.count ?? 0))
  const step = width / Math.max(1, bins.length)
  const at = Math.min(chosen ?? bins.length - 1, bins.length - 1)
  const current = bins[at]
  const times = shown.flatMap((one) => (one === null ? [] : [new Date(one).getTime()]))
  const [oldest, newest] = [Math.min(...times), Math.max(...times)]
  const isShown = ({ from, to }: Bin): boolean => Date.parse(from) <= newest && Date.parse(to) >= oldest
  const gone = bins.findIndex(({ kept }) => kept)
  const goneWidth = (gone < 0 ? bins.length : gone) * step
  const keyed = (event: KeyboardEvent): void => {
    const moves: Record<string, number> = {
      ArrowLeft: at - 1,
      ArrowDown: at - 1,
      ArrowRight: at + 1,
      ArrowUp: at + 1,
      Home: 0,
      End: bins.length - 1,
      PageUp: at - 10,
      PageDown: at + 10,
    }
    const to = moves[event.key]
    if (to !== undefined) setChosen(Math.max(0, Math.min(bins.length - 1, to)))
    else if (event.key === 'Enter' && current) onGo(current.from)
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  const indexAt = (event: PointerEvent<SVGSVGElement>): number => {
    const { left, width: shownWidth } = event.currentTarget.getBoundingClientRect()
    return Math.max(0, Math.min(bins.length - 1, Math.floor(((event.clientX - left) / shownWidth) * bins.length)))
  }
  return (
    <div
      className="bins"
      role="slider"
      tabIndex={0}
      aria-label="Time in the journal"
      aria-valuemin={0}
      aria-valuemax={Math.max(0, bins.length - 1)}
      aria-valuenow={Math.max(0, at)}
      aria-valuetext={current ? textOf(current, zone) : unknown}
      aria-describedby="bins-keys"
      onKeyDown={keyed}
    >
      <svg
        className="chart"
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        aria-hidden="true"
        onPointerMove={(event) => setChosen(indexAt(event))}
        onPointerLeave={() => setChosen(undefined)}
        onPointerDown={(event) => {
          const bin = bins[indexAt(event)]
          if (bin) onGo(bin.from)
        }}
      >
        <path className="gridline" d={`M0 ${height / 2}H${width}M0 4H${width}`} />
        <rect className="gone" x="0" y="0" width={goneWidth} height={height} />
        {bins.map((bin, index) => {
          const tall = ((bin.count ?? 0) / most) * (height - 8)
          return (
            <rect
              className={`b ${isShown(bin) || index === chosen ? 'in' : ''}`}
              x={index * step + step * 0.1}
              y={height - tall}
              width={step * 0.8}
              height={tall}
              key={bin.from}
            />
          )
        })}
        {chosen !== undefined && <rect className="brush" x={at * step} y="0" width={step} height={height} />}
        <path className="axis" d={`M0 ${height}H${width}`} />
      </svg>
      <p className="bins-axis small muted" aria-hidden="true">
        <span>{clock(bins[0]?.from, zone)}</span>
        <span className="strong">{current && chosen !== undefined ? textOf(current, zone) : ''}</span>
        <span>{clock(bins.at(-1)?.to, zone)}</span>
      </p>
      <span className="sr" id="bins-keys">
        Arrow keys choose a time, Enter goes there
      </span>
    </div>
  )
}

function textOf({ from, to, count: messages }: Bin, zone: Zone): string {
  const number = messages === null ? unknown : count(messages)
  return `${clock(from, zone)} to ${clock(to, zone)}: ${number} ${messages === 1 ? 'message' : 'messages'}`
}

function clock(at: string | undefined, zone: Zone): string {
  return at === undefined ? '' : time(new Date(at), zone, { ms: false })
}

function noteOf(bins: readonly Bin[], counted: CountedMessages, firstOffset: number | undefined): string {
  const known = bins.reduce((sum, bin) => sum + (bin.count ?? 0), 0)
  const { exchange, routingKey } = counted
  const of = exchange === null ? 'all sources' : exchange
  const sentences = [`${plural(known, 'message')} of ${of}${routingKey === null ? '' : ` with the key ${routingKey}`}.`]
  if (bins.some(({ kept }) => !kept))
    sentences.push(firstOffset === 0 ? 'Grey: before the first message.' : 'Grey: no longer kept.')
  if (!bins.some(({ exact, kept }) => kept && !exact)) return sentences.join(' ')
  if (exchange !== null || routingKey !== null)
    sentences.push('Before the memory of this replica only all messages together can be counted.')
  else
    sentences.push(
      'Before the memory of this replica the times are rough, and the counts contain the marks of the gateway.',
    )
  return sentences.join(' ')
}
