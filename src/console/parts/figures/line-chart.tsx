import { useEffect, useRef } from 'react'
import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { themeNow, useSettings } from '../../shell/settings.ts'

export interface ChartLine {
  readonly label: string
  readonly values: readonly (number | null)[]
}

/** Lines differ in colour and dash. More than three become small multiples elsewhere. */
const strokes = [
  { token: '--accent', dash: [] },
  { token: '--filter-fill', dash: [6, 3] },
  { token: '--wait-fill', dash: [2, 3] },
]
const height = 168

/**
 * Lines over time, on a canvas. `description`: the same facts in words, because a canvas has none.
 */
export function LineChart({
  times,
  lines,
  description,
  print,
}: {
  /** In seconds. */
  times: readonly number[]
  lines: readonly ChartLine[]
  description: string
  print: (value: number) => string
}) {
  const holder = useRef<HTMLDivElement>(null)
  const chart = useRef<UPlot>(undefined)
  const { zone } = useSettings()
  const theme = themeNow()
  const names = lines.map(({ label }) => label).join('\n')
  const printed = useRef(print)
  printed.current = print

  useEffect(() => {
    const element = holder.current
    if (!element) return
    const style = getComputedStyle(document.documentElement)
    const colour = (token: string): string => style.getPropertyValue(token).trim()
    const axis = {
      stroke: colour('--ink-3'),
      font: `11px ${style.getPropertyValue('--font-ui')}`,
      grid: { stroke: colour('--line'), width: 1, dash: [2, 3] },
      ticks: { show: false },
    }
    const made = new UPlot(
      {
        width: element.clientWidth,
        height,
        tzDate: (seconds) =>
          zone === 'utc' ? UPlot.tzDate(new Date(seconds * 1_000), 'Etc/UTC') : new Date(seconds * 1_000),
        legend: { show: false },
        cursor: { drag: { x: false, y: false } },
        // Zero is on the axis.
        scales: { y: { range: (_chart, _least, most) => [0, Math.max(most * 1.15, 1)] } },
        axes: [
          { ...axis, values: '{HH}:{mm}:{ss}' },
          { ...axis, size: 64, values: (_chart, splits) => splits.map((value) => printed.current(value)) },
        ],
        series: [
          {},
          ...names.split('\n').map((label, index) => {
            const { token, dash } = strokes[index % strokes.length] ?? { token: '--accent', dash: [] }
            return { label, stroke: colour(token), width: 1.75, dash, points: { show: false } }
          }),
        ],
      },
      [[], ...names.split('\n').map(() => [])],
      element,
    )
    chart.current = made
    const resized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }))
    resized.observe(element)
    return () => {
      resized.disconnect()
      made.destroy()
      chart.current = undefined
    }
  }, [names, zone, theme])

  useEffect(() => {
    chart.current?.setData([[...times], ...lines.map(({ values }) => [...values])])
  }, [times, lines, names, zone, theme])

  return (
    <figure>
      <div ref={holder} role="img" aria-label={description} className="line-chart" />
      {lines.length > 1 && (
        <figcaption className="line-up small muted">
          {lines.slice(0, 3).map(({ label }, index) => (
            <span className="line-up" key={label}>
              <svg className={`line-key line-${index}`} viewBox="0 0 24 8" aria-hidden="true">
                <path d="M0 4H24" />
              </svg>
              {label}
            </span>
          ))}
        </figcaption>
      )}
    </figure>
  )
}
