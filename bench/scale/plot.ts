/**
 * The costs of a client as a picture: each line is one cost, divided by what it is at the first
 * step. A cost that grows linearly with the clients is a level line at 1.
 */
import { text } from '../plot.ts'
import type { ScaleRow } from './full-machine.ts'

interface Cost {
  readonly title: string
  readonly colour: string
  readonly of: (row: ScaleRow) => number
}

const costs: readonly Cost[] = [
  {
    title: 'time until the last client has a message, for each client',
    colour: '#d1495b',
    of: ({ lastMs, clients }) => lastMs / clients,
  },
  { title: 'time of a connect', colour: '#00798c', of: ({ connectsPerSecond }) => 1 / connectsPerSecond },
  { title: 'memory of the processes for each client', colour: '#edae49', of: ({ processKib }) => processKib },
  { title: 'memory of the kernel for each client', colour: '#66a182', of: ({ kernelKib }) => kernelKib },
]

const width = 860
const height = 420
const frame = { left: 60, right: 40, top: 120, bottom: 40 } as const
/** The picture reaches from a tenth to four times the first step, further if a line needs it. */
const span = { least: 0.1, most: 4 } as const

export function plotScale(rows: readonly ScaleRow[]): string {
  const [first] = rows
  const last = rows.at(-1)
  if (!first || !last || first === last) throw new Error('a plot needs at least two steps')
  const lines = costs.map(({ title, colour, of }) => ({
    title,
    colour,
    values: rows.map((row) => of(row) / of(first)),
  }))
  const values = lines.flatMap((line) => line.values)
  const least = Math.min(span.least, ...values)
  const most = Math.max(span.most, ...values)
  const x = logarithmic(first.clients, last.clients, frame.left, width - frame.right)
  const y = logarithmic(least, most, height - frame.bottom, frame.top)
  const parts = [text(10, 20, 'What a client costs, ÷ what it costs at the first step', 'font-weight="bold"')]
  for (const value of [0.1, 0.25, 0.5, 1, 2, 4]) {
    const dash = value === 1 ? '' : ' stroke-dasharray="2 4"'
    parts.push(
      `<line x1="${frame.left}" x2="${width - frame.right}" y1="${y(value)}" y2="${y(value)}" stroke="#8d99ae"${dash}/>`,
      text(frame.left - 8, Number(y(value)) + 4, value === 1 ? '1' : String(value), 'text-anchor="end"'),
    )
  }
  for (const { clients } of rows) {
    parts.push(text(Number(x(clients)), height - 16, clients.toLocaleString('en'), 'text-anchor="middle"'))
  }
  lines.forEach(({ title, colour, values: heights }, at) => {
    const points = rows.map(({ clients }, index) => `${x(clients)},${y(heights[index] ?? 1)}`)
    const legend = 40 + at * 18
    parts.push(
      `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      `<rect x="10" y="${legend - 9}" width="12" height="12" fill="${colour}"/>`,
      text(28, legend + 2, `${title}: ${(heights.at(-1) ?? 1).toFixed(2)} at ${last.clients.toLocaleString('en')}`),
    )
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#ffffff"/>
${parts.join('\n')}
</svg>
`
}

/** Maps the logarithm of a value from one range to another. */
function logarithmic(from: number, to: number, start: number, end: number): (value: number) => string {
  const share = (value: number) => Math.log(value / from) / Math.log(to / from)
  return (value) => (start + share(value) * (end - start)).toFixed(1)
}
