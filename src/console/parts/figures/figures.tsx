import type { ReactNode } from 'react'
import type { Tone } from '../status.tsx'

/** The last ten minutes, without an axis: the number beside it is the value. */
export function Spark({ values, tone = 'ok' }: { values: readonly (number | null)[]; tone?: 'ok' | 'wait' | 'quiet' }) {
  const known = values.filter((value): value is number => value !== null)
  if (known.length < 2) return <svg className="spark quiet" viewBox="0 0 100 24" aria-hidden="true" />
  const most = Math.max(...known, 1e-9)
  const step = 100 / (known.length - 1)
  const line = known
    .map((value, index) => `${(index * step).toFixed(1)} ${(22 - (value / most) * 20).toFixed(1)}`)
    .join(' L')
  return (
    <svg
      className={`spark ${tone === 'ok' ? '' : tone}`}
      viewBox="0 0 100 24"
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <path className="area" d={`M${line} L100 24 L0 24 Z`} />
      <path d={`M${line}`} />
    </svg>
  )
}

export function Figure({
  name,
  value,
  unit,
  note,
  children,
}: {
  name: string
  value: string
  unit?: string | undefined
  note: ReactNode
  children?: ReactNode
}) {
  return (
    <li className="fig">
      <span className="fk">{name}</span>
      <strong className="fv">
        {value}
        {unit !== undefined && <span className="unit">{unit}</span>}
      </strong>
      {children}
      <span className="note">{note}</span>
    </li>
  )
}

export interface BarPart {
  readonly tone: Tone | 'data' | 'gap'
  readonly share: number
}

/** Parts of one whole. Drawn in SVG, so that no inline style is needed. */
export function Bar({ parts, label, tall = false }: { parts: readonly BarPart[]; label: string; tall?: boolean }) {
  let x = 0
  return (
    <svg
      className={`bar ${tall ? 'tall' : ''}`}
      viewBox="0 0 100 8"
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {parts.map(({ tone, share }) => {
        const from = x
        const width = Math.max(0, Math.min(100 - from, share * 100))
        x += width
        return <rect className={`f-${tone}`} x={from} width={width} height="8" key={tone} />
      })}
    </svg>
  )
}
