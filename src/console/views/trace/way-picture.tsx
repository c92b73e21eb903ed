import { count, plural } from '../../parts/format.ts'
import { type IconName, PictureIcon } from '../../parts/icon.tsx'
import { outcomes, type Tone } from '../../parts/status.tsx'
import { readerOf, sessionLooks } from './in-words.tsx'
import {
  type Case,
  isQuarantined,
  misfitsOf,
  outcomeIn,
  readersOf,
  sourceName,
  type TracedSources,
  verdictOf,
} from './verdict.ts'

/** Nodes that a column shows. The list in words has all. */
const maxNodes = { sources: 4, sessions: 3, misfits: 2 }
const pitch = 76

interface Node {
  readonly title: string
  readonly lines: readonly string[]
  readonly tone: Tone
  readonly icon: IconName
}

/** Published → journal → sources → replicas → sessions, each branch with its reason. */
export function WayPicture({ found, sources: known }: { found: Case; sources: TracedSources }) {
  const { seen, offset } = found
  const first = seen[0]?.message
  if (!first) return null
  const reasons = [...first.sourceReasons]
    .sort((a, b) => Number(b.matched) - Number(a.matched))
    .slice(0, maxNodes.sources)
  const sources: Node[] = reasons.map(({ source, matched, reason }) => ({
    title: sourceName(known, source),
    lines: wrapped(reason, 34),
    tone: matched ? 'ok' : 'quiet',
    icon: matched ? 'ok' : 'quiet',
  }))
  if (sources.length === 0)
    sources.push({ title: 'no source', lines: wrapped(first.explanation, 34), tone: 'lostid', icon: 'lostid' })
  const misfits = misfitsOf(first).slice(0, maxNodes.misfits)
  for (const { field, detail } of misfits)
    sources.push({
      title: `field ${field}`,
      lines: wrapped(`does not fit${detail === null ? '' : `: ${detail}`}`, 34),
      tone: 'poison',
      icon: 'schema',
    })
  let row = 0
  const replicas = seen.map(({ replica, message }) => {
    const sessions = message.sessions.slice(0, maxNodes.sessions)
    const begin = row
    row += Math.max(1, sessions.length)
    return { replica, message, sessions, begin, y: 56 + ((begin + row - 1) / 2) * pitch }
  })
  const quarantine = isQuarantined(found) ? { y: 56 + row * pitch } : undefined
  if (quarantine) row += 1
  const height = Math.max(row, sources.length) * pitch + 56
  const middle = (height + 20) / 2
  const sourceY = (index: number): number => middle + (index - (sources.length - 1) / 2) * pitch
  const { text } = verdictOf(found, known)
  const anchor = sources.findIndex(({ tone }) => tone === 'ok')
  const matchY = sourceY(Math.max(0, anchor))
  return (
    <svg className="way" viewBox={`0 0 1120 ${height}`} role="img" aria-labelledby="way-title way-description">
      <title id="way-title">The way of the message</title>
      <desc id="way-description">
        Published to {first.exchange}, stored at offset {count(offset)}. {text} The list below has the same in words.
      </desc>
      <path className="edge ok" d={`M182 ${middle}H212`} />
      {sources.map(({ tone }, index) => (
        <path className={`edge ${edgeOf(tone)}`} d={curve(372, middle, 402, sourceY(index))} key={index} />
      ))}
      {quarantine &&
        (misfits.length === 0
          ? [Math.max(0, anchor)]
          : misfits.map((_, at) => sources.length - misfits.length + at)
        ).map((index) => <path className="edge fail" d={curve(632, sourceY(index), 672, quarantine.y)} key={index} />)}
      {replicas.map(({ replica, message, y, sessions, begin }) => {
        const { tone } = outcomes[outcomeIn(message)]
        return (
          <g key={replica}>
            <path className={`edge ${edgeOf(tone)}`} d={curve(632, matchY, 672, y)} />
            {sessions.map((session, index) => (
              <path
                className={`edge ${edgeOf(sessionLooks[session.outcome].tone)}`}
                d={curve(862, y, 892, 56 + (begin + index) * pitch)}
                key={session.session}
              />
            ))}
          </g>
        )
      })}
      {(
        [
          ['Published', 0],
          ['Journal', 212],
          [misfits.length > 0 ? 'Client, and typed fields' : 'Which client is it for?', 402],
          ['Replicas', 672],
          ['Sessions now', 892],
        ] as const
      ).map(([name, x]) => (
        <text className="t-f" x={x} y="14" key={name}>
          {name}
        </text>
      ))}
      {replicas.every(({ sessions }) => sessions.length === 0) && (
        <text className="t-s" x={892} y={middle + 4}>
          none
        </text>
      )}
      {quarantine && (
        <Box
          x={672}
          y={quarantine.y}
          width={190}
          node={{
            title: 'Quarantine',
            lines: [misfits.length > 0 ? 'a copy of it' : 'its body cannot be read'],
            tone: 'poison',
            icon: 'poison',
          }}
        />
      )}
      <Box
        x={0}
        y={middle}
        width={182}
        node={{ title: first.exchange, lines: [first.routingKey], tone: 'ok', icon: 'send' }}
      />
      <Box
        x={212}
        y={middle}
        width={160}
        node={{ title: 'Stored', lines: [count(offset)], tone: 'ok', icon: 'journal' }}
      />
      {sources.map((node, index) => (
        <Box x={402} y={sourceY(index)} width={230} node={node} key={`${node.title} ${index}`} />
      ))}
      {replicas.map(({ replica, message, y, sessions, begin }) => {
        const { tone, icon, word } = outcomes[outcomeIn(message)]
        return (
          <g key={replica}>
            <Box
              x={672}
              y={y}
              width={190}
              node={{
                title: replica,
                lines: [word, message.withoutClient ? 'no source finds a client' : `for ${readersOf(message)}`],
                tone,
                icon,
              }}
            />
            {sessions.map((session, index) => {
              const look = sessionLooks[session.outcome]
              const lines = [
                `${session.transport}, ${session.address}`,
                session.pending > 0 ? `${plural(session.pending, 'event')} queued before it` : look.word,
              ]
              return (
                <Box
                  x={892}
                  y={56 + (begin + index) * pitch}
                  width={227}
                  node={{ title: session.clientId + readerOf(session), lines, tone: look.tone, icon: look.icon }}
                  key={session.session}
                />
              )
            })}
          </g>
        )
      })}
    </svg>
  )
}

function Box({ x, y, width, node: { title, lines, tone, icon } }: { x: number; y: number; width: number; node: Node }) {
  const height = 34 + lines.length * 16
  const top = y - height / 2
  const look = tone === 'quiet' ? 'off' : tone === 'wait' ? 'warn' : tone === 'fail' || tone === 'poison' ? 'bad' : ''
  const room = Math.floor(width / 7.6)
  return (
    <>
      <rect className={`node ${look}`} x={x + 0.5} y={top} width={width} height={height} rx="8" />
      <PictureIcon name={icon} tone={tone} x={x + 13} y={top + 9} size={15} />
      <text className="t-b" x={x + 35} y={top + 21}>
        {cut(title, room - 4)}
      </text>
      {lines.map((line, index) => (
        <text className="t-s" x={x + 14} y={top + 40 + index * 16} key={line}>
          {cut(line, room + 4)}
        </text>
      ))}
    </>
  )
}

function edgeOf(tone: Tone): string {
  return tone === 'ok' || tone === 'wait' ? tone : tone === 'fail' || tone === 'poison' ? 'fail' : 'quiet'
}

function curve(x1: number, y1: number, x2: number, y2: number): string {
  const bend = (x2 - x1) / 2
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`
}

/** At most two lines. */
function wrapped(text: string, length: number): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? ''
    if (last === '' || last.length + word.length < length) lines[lines.length - 1] = `${last} ${word}`.trim()
    else lines.push(word)
  }
  return lines.length <= 2 ? lines : [lines[0] ?? '', `${(lines[1] ?? '').slice(0, length - 1)}…`]
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`
}
