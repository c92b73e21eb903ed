/**
 * The results as one picture: for each scenario a bar for each contestant, CPU for a delivery, each
 * scenario with its own scale.
 */
import { contestants } from './contestants.ts'
import { medianOf } from './report.ts'
import type { Results } from './rows.ts'
import type { Measured } from './run.ts'
import { scenarios } from './scenarios.ts'

const width = 860
const left = 200
const line = 20
const room = 90

interface Bar {
  readonly title: string
  readonly value: number
  readonly ours: boolean
}

const shown: readonly (readonly [string, string, (measured: Measured) => number | undefined])[] = [
  ...['fan-out', 'fan-out-10k', 'mix', 'four', 'each', 'rabbit-fan-out', 'rabbit-each'].map(
    (name) => [name, 'CPU µs a delivery, less is better', ({ cpuMicros }: Measured) => cpuMicros] as const,
  ),
  ['rabbit-32', 'deliveries a second, more is better', ({ perSecond }) => perSecond],
  ['latency', 'p99 from publication to subscriber, µs, less is better', ({ p99 }) => p99],
  ['idle', 'KiB a connection, less is better', ({ kibEach }) => kibEach],
  ['connects', 'connects a second, more is better', ({ perSecond }) => perSecond],
]

export function plot(results: Results): string {
  let top = 10
  const parts: string[] = []
  for (const [name, unit, pick] of shown) {
    const scenario = scenarios.find((one) => one.name === name)
    const bars = barsOf(results, name, pick)
    if (!scenario || bars.length < 2) continue
    parts.push(text(10, top + 16, `${scenario.title}: ${unit}`, 'font-weight="bold"'))
    top += 26
    const most = Math.max(...bars.map(({ value }) => value))
    for (const bar of bars) {
      const length = Math.max(1, (bar.value / most) * (width - left - room))
      parts.push(
        text(left - 8, top + 14, bar.title, 'text-anchor="end"'),
        `<rect x="${left}" y="${top + 3}" width="${length.toFixed(1)}" height="${line - 6}" fill="${bar.ours ? '#d1495b' : '#8d99ae'}"/>`,
        text(left + length + 6, top + 14, bar.value.toLocaleString('en', { maximumSignificantDigits: 3 })),
      )
      top += line
    }
    top += 16
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${top}" viewBox="0 0 ${width} ${top}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#ffffff"/>
${parts.join('\n')}
</svg>
`
}

function barsOf(results: Results, name: string, pick: (measured: Measured) => number | undefined): Bar[] {
  return contestants
    .flatMap((contestant) => {
      const value = medianOf(results[name]?.[contestant.name] ?? [], pick)
      return value === undefined ? [] : [{ title: contestant.title, value, ours: contestant.name === 'warren' }]
    })
    .toSorted((a, b) => a.value - b.value)
}

/** A line of text in SVG; `more`: attributes. */
export function text(x: number, y: number, content: string, more = ''): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x.toFixed(1)}" y="${y}" fill="#22223b" ${more}>${escaped}</text>`
}
