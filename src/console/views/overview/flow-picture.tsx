import { bytes, count, duration, plural, rate } from '../../parts/format.ts'
import { PictureIcon } from '../../parts/icon.tsx'
import { outcomes, replicaStates } from '../../parts/status.tsx'
import { hrefOf } from '../../shell/router.tsx'
import type { ConsoleStats } from '../../shell/stats.tsx'

/** Rows of each column. The rest is one row, `and 12 more`. */
const maxRows = 6
/** Where columns begin and how wide their nodes are, in units of the picture. */
const columns = { exchanges: [0, 172], journal: [322, 214], replicas: [648, 200], transports: [986, 173] } as const

interface Row {
  readonly id: string
  readonly rate: number | null
}

/** Exchanges → journal → replicas → clients, with rates on the edges. */
export function FlowPicture({ stats, still }: { stats: ConsoleStats; still: boolean }) {
  const exchanges = folded(exchangesOf(stats), 'exchanges')
  const transports = folded(
    stats.byTransport
      .filter(({ sessions, deliveredPerSecond }) => sessions > 0 || (deliveredPerSecond ?? 0) > 0)
      .map(({ transport, sessions, deliveredPerSecond }) => ({
        id: transport,
        sessions,
        rate: deliveredPerSecond ?? null,
      })),
    'transports',
  )
  const replicas = stats.replicas.filter(({ state }) => state !== 'ENDED').slice(0, maxRows)
  const most = Math.max(exchanges.length * 70, replicas.length * 90, transports.length * 58, 200)
  const height = most + 100
  const middle = 30 + most / 2
  const yOf = (index: number, rows: number, pitch: number): number => middle + (index - (rows - 1) / 2) * pitch
  const description = describe(stats)
  return (
    <>
      <svg
        className={`flow only-wide ${still ? 'still' : ''}`}
        viewBox={`0 0 1160 ${height}`}
        role="group"
        aria-labelledby="flow-title flow-description"
      >
        <title id="flow-title">How messages flow now</title>
        <desc id="flow-description">{description}</desc>
        {exchanges.map(({ id, rate: perSecond }, index) => (
          <Tunnel from={[172, yOf(index, exchanges.length, 70)]} to={[322, middle]} perSecond={perSecond} key={id} />
        ))}
        {replicas.map(({ name, state, receivedPerSecond, deliveredPerSecond }, index) => {
          const y = yOf(index, replicas.length, 90)
          return (
            <g key={name}>
              <Tunnel
                from={[536, middle]}
                to={[648, y]}
                perSecond={receivedPerSecond ?? null}
                late={state !== 'SERVING'}
              />
              <Tunnel from={[848, y]} to={[916, middle]} perSecond={deliveredPerSecond ?? null} />
            </g>
          )
        })}
        {transports.map(({ id, rate: perSecond }, index) => (
          <Tunnel from={[916, middle]} to={[986, yOf(index, transports.length, 58)]} perSecond={perSecond} key={id} />
        ))}
        <text className="t-f" x="0" y="14">
          Exchanges
        </text>
        <text className="t-f" x="322" y="14">
          Journal
        </text>
        <text className="t-f" x="648" y="14">
          Replicas, each reads all of it
        </text>
        <text className="t-f" x="986" y="14">
          Clients by transport
        </text>
        {exchanges.map(({ id, isRest, note, rate: perSecond }, index) => {
          const y = yOf(index, exchanges.length, 70)
          return (
            <g key={id}>
              <a href={hrefOf('sources', isRest ? {} : { exchange: id })}>
                <rect className="node" x="0.5" y={y - 27} width={columns.exchanges[1]} height="54" rx="8" />
                <text className="t-b" x="14" y={y - 4}>
                  {cut(id, 22)}
                </text>
                <text className="t-s" x="14" y={y + 14}>
                  {note}
                </text>
              </a>
              <Pill x={217} y={y} text={`${rate(perSecond)}/s`} />
            </g>
          )
        })}
        <JournalNode middle={middle} stats={stats} />
        {replicas.map((replica, index) => (
          <ReplicaNode replica={replica} y={yOf(index, replicas.length, 90)} key={replica.name} />
        ))}
        {transports.map(({ id, isRest, sessions, rate: perSecond }, index) => {
          const y = yOf(index, transports.length, 58)
          return (
            <a href={hrefOf('clients', isRest ? {} : { transport: id })} key={id}>
              <rect className="node" x="986" y={y - 22} width={columns.transports[1]} height="44" rx="8" />
              <text className="t-b" x="1000" y={y - 3}>
                {cut(id, 16)}
              </text>
              <text className="t-s" x="1000" y={y + 13}>
                {count(sessions)} {sessions === 1 ? 'session' : 'sessions'}
              </text>
              <text className="t-s end" x="1148" y={y + 5}>
                {rate(perSecond)}/s
              </text>
            </a>
          )
        })}
        <NoFurther stats={stats} from={middle + 96} y={height - 26} />
      </svg>
      <p className="only-phone small muted">{description}</p>
    </>
  )
}

type Point = readonly [x: number, y: number]

/** Its width is logarithmic in the rate. Dots run only where messages flow. */
function Tunnel({
  from,
  to,
  perSecond,
  late = false,
}: {
  from: Point
  to: Point
  perSecond: number | null
  late?: boolean
}) {
  const bend = (to[0] - from[0]) * 0.5
  const path = `M${from[0]} ${from[1]}C${from[0] + bend} ${from[1]} ${to[0] - bend} ${to[1]} ${to[0]} ${to[1]}`
  const flow = perSecond ?? 0
  const width = 5 + Math.min(17, Math.log10(1 + flow) * 4.25)
  return (
    <>
      <path className="tunnel" d={path} strokeWidth={width.toFixed(1)} />
      {flow > 0 && <path className={`run ${late ? 'warn' : flow < 500 ? 'slow' : ''}`} d={path} />}
    </>
  )
}

function Pill({ x, y, text }: { x: number; y: number; text: string }) {
  const width = text.length * 6 + 16
  return (
    <>
      <rect className="pill" x={x - width / 2} y={y - 10} width={width} height="20" rx="10" />
      <text className="t-s mid" x={x} y={y + 4}>
        {text}
      </text>
    </>
  )
}

function JournalNode({ middle, stats }: { middle: number; stats: ConsoleStats }) {
  const known = stats.replicas.filter(({ answered }) => answered)
  const end = known.reduce((most, { position }) => Math.max(most, position ?? 0), 0)
  const window = known[0]?.hotWindow
  const rows = [
    ['End', known.length === 0 ? '?' : count(end)],
    ['In memory from', count(window?.firstOffset)],
    ['In memory', bytes(window?.bytes)],
    ['That is', duration(window?.spanMs)],
  ] as const
  const top = middle - 76
  return (
    <a href={hrefOf('journal')}>
      <rect className="node" x="322.5" y={top} width={columns.journal[1]} height="152" rx="8" />
      <text className="t-b" x="336" y={top + 24}>
        journal
      </text>
      <text className="t-s end" x="522" y={top + 24}>
        {rate(stats.receivedPerSecond)}/s
      </text>
      {rows.map(([name, value], index) => (
        <g key={name}>
          <text className="t-s" x="336" y={top + 56 + index * 22}>
            {name}
          </text>
          <text className="end" x="522" y={top + 56 + index * 22}>
            {value}
          </text>
        </g>
      ))}
    </a>
  )
}

function ReplicaNode({ replica, y }: { replica: ConsoleStats['replicas'][number]; y: number }) {
  const look = replicaStates[replica.state]
  const cpu = replica.load?.cpu ?? undefined
  const late = replica.state === 'BEHIND'
  const tone = replica.state === 'SILENT' ? 'gone' : look.tone === 'fail' ? 'bad' : late ? 'warn' : ''
  const words = late ? `${duration(replica.lagMs)} behind` : replica.state === 'SERVING' ? 'at the end' : look.word
  return (
    <a href={hrefOf('replicas', { replica: replica.name })}>
      <rect className={`node ${tone}`} x="648" y={y - 32} width={columns.replicas[1]} height="64" rx="8" />
      <text className="t-b" x="662" y={y - 10}>
        {cut(replica.name, 15)}
      </text>
      <text className="t-s end" x="834" y={y - 10}>
        {count(replica.sessions)} {replica.sessions === 1 ? 'session' : 'sessions'}
      </text>
      <PictureIcon name={look.icon} tone={look.tone} x={661} y={y - 3} />
      <text className="t-s" x="681" y={y + 8}>
        {words}
      </text>
      <text className="t-s end" x="834" y={y + 8}>
        CPU {cpu === undefined ? '?' : `${count(cpu * 100)} %`}
      </text>
      <rect className="seg-off" x="662" y={y + 18} width="172" height="4" rx="2" />
      {cpu !== undefined && (
        <rect
          className={cpu > 0.85 ? 'f-wait' : 'f-data'}
          x="662"
          y={y + 18}
          width={Math.min(1, cpu) * 172}
          height="4"
          rx="2"
        />
      )}
    </a>
  )
}

/** What goes no further than the journal. */
function NoFurther({ stats, from, y }: { stats: ConsoleStats; from: number; y: number }) {
  const of = (outcome: string) => stats.byOutcome.find((one) => one.outcome === outcome)?.perSecond
  const { withoutClient } = stats
  // Messages without a client that typed fields read have this outcome, too.
  const typedOnly = Math.max(0, (withoutClient.perSecond ?? 0) - (of('UNMATCHED') ?? 0))
  const all = of('NO_SUBSCRIBER')
  const noSubscriber = all === null || all === undefined ? all : Math.max(0, all - typedOnly)
  const ends = [
    {
      look: outcomes.NO_SUBSCRIBER,
      text: `No subscriber ${rate(noSubscriber)}/s`,
      href: hrefOf('live', { outcome: 'NO_SUBSCRIBER' }),
    },
    {
      look: outcomes.UNMATCHED,
      text: `No client found ${rate(withoutClient.perSecond)}/s`,
      href: hrefOf('live', { outcome: 'UNMATCHED' }),
    },
    { look: outcomes.QUARANTINED, text: `Quarantined ${rate(of('QUARANTINED'))}/s`, href: hrefOf('quarantine') },
  ]
  return (
    <>
      <path className="side-way" d={`M429 ${from - 20}V${y}`} />
      <path className="side-way" d={`M429 ${y}H1012`} />
      <text className="t-f" x="322" y={y + 4}>
        Goes no further
      </text>
      {ends.map(({ look, text, href }, index) => (
        <a href={href} key={text}>
          <rect className="node" x={448 + index * 206} y={y - 16} width="190" height="32" rx="16" />
          <PictureIcon name={look.icon} tone={look.tone} x={461 + index * 206} y={y - 7} />
          <text x={482 + index * 206} y={y + 4}>
            {text}
          </text>
        </a>
      ))}
    </>
  )
}

function exchangesOf({ bySource }: ConsoleStats): (Row & { note: string })[] {
  const exchanges = new Map<string, { total: number; rate: number | null }>()
  for (const { exchange, source, receivedPerSecond, total } of bySource) {
    const name = exchange ?? source
    const before = exchanges.get(name) ?? { total: 0, rate: null }
    const sum =
      receivedPerSecond === null || receivedPerSecond === undefined
        ? before.rate
        : (before.rate ?? 0) + receivedPerSecond
    exchanges.set(name, { total: before.total + total, rate: sum })
  }
  return [...exchanges].map(([id, { total, rate: perSecond }]) => ({
    id,
    rate: perSecond,
    note: plural(total, 'message'),
  }))
}

/** The first rows by name, and one for the rest. */
function folded(
  rows: readonly (Row & { note?: string; sessions?: number })[],
  what: string,
): (Row & { note: string; sessions: number; isRest: boolean })[] {
  // A fixed order: a card that moves cannot be clicked.
  const sorted = rows.toSorted((a, b) => a.id.localeCompare(b.id))
  const whole = sorted.map(({ id, rate: perSecond, note = '', sessions = 0 }) => ({
    id,
    rate: perSecond,
    note,
    sessions,
    isRest: false,
  }))
  if (whole.length <= maxRows) return whole
  const rest = whole.slice(maxRows - 1)
  const sum = rest.reduce((total, row) => total + (row.rate ?? 0), 0)
  const sessions = rest.reduce((total, row) => total + row.sessions, 0)
  return [
    ...whole.slice(0, maxRows - 1),
    { id: `and ${rest.length} more`, rate: sum, note: what, sessions, isRest: true },
  ]
}

function describe(stats: ConsoleStats): string {
  const { replicas, receivedPerSecond, deliveredPerSecond, sessions } = stats
  const late = replicas
    .filter(({ state }) => state === 'BEHIND')
    .map(({ name, lagMs }) => `${name} is ${duration(lagMs)} behind`)
  return [
    `${plural(exchangesOf(stats).length, 'exchange brings', 'exchanges bring')} ${rate(receivedPerSecond)} messages a second into the journal.`,
    `${plural(replicas.length, 'replica reads it', 'replicas read it')}${late.length > 0 ? `; ${late.join(', ')}` : ''}.`,
    `They deliver ${rate(deliveredPerSecond)} events a second to ${count(sessions)} sessions.`,
  ].join(' ')
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`
}
