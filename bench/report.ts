/** The results as tables. */
import { contestants } from './contestants.ts'
import { median } from './median.ts'
import { judge, type Results } from './rows.ts'
import type { Measured } from './run.ts'
import { type Mode, scenarios } from './scenarios.ts'

type Column = readonly [string, (measured: Measured) => number | undefined, digits: number]

const columns: readonly Column[] = [
  ['CPU µs a delivery', ({ cpuMicros }) => cpuMicros, 1],
  ['user-mode', ({ userMicros }) => userMicros, 1],
  ['deliveries a second', ({ perSecond }) => perSecond, 0],
  ['p50, µs', ({ p50 }) => p50, 0],
  ['p99, µs', ({ p99 }) => p99, 0],
  ['added p50, µs', ({ addedP50 }) => addedP50, 0],
  ['added p99, µs', ({ addedP99 }) => addedP99, 0],
  ['KiB a connection', ({ kibEach }) => kibEach, 1],
  ['memory after ÷ before', ({ ratio }) => ratio, 3],
  ['memory, MiB', ({ rssMiB }) => rssMiB, 0],
  ['server busy', ({ serverShare }) => serverShare, 2],
  ['generator busy', ({ generatorShare }) => generatorShare, 2],
  ['not delivered', ({ missing }) => missing, 0],
]

/** What the figures are a share of, if not deliveries. */
const units: Partial<Record<Mode, readonly [one: string, many: string]>> = {
  connects: ['connect', 'connects'],
  tail: ['message', 'messages'],
}

export function medianOf(measured: readonly Measured[], pick: Column[1]): number | undefined {
  const picked = measured.flatMap((one) => pick(one) ?? [])
  return picked.length === 0 ? undefined : median(picked)
}

/** A table for each scenario. A column without figures is left out. */
export function tables(results: Results): string {
  const parts: string[] = []
  for (const { name, title, mode } of scenarios) {
    const measured = results[name]
    if (!measured) continue
    const taking = contestants.filter((contestant) => measured[contestant.name])
    const shown = columns.filter(([, pick]) =>
      taking.some(({ name }) => measured[name]?.some((one) => pick(one) !== undefined)),
    )
    const [one, many] = units[mode] ?? ['delivery', 'deliveries']
    const heads = shown.map(([head]) => head.replace('a delivery', `a ${one}`).replace('deliveries', many))
    parts.push(`\n${title} (\`${name}\`)\n`, `| | ${heads.join(' | ')} |`, `|---|${'---|'.repeat(shown.length)}`)
    for (const { name: who, title: called } of taking) {
      const runs = measured[who] ?? []
      const cells = shown.map(([, pick, digits]) => number(medianOf(runs, pick), digits))
      const failures = [...new Set(runs.flatMap(({ error }) => error ?? []))]
      parts.push(`| ${called}${failures.length > 0 ? `: ${failures.join('; ')}` : ''} | ${cells.join(' | ')} |`)
    }
  }
  return parts.join('\n')
}

/** The result of each row in the table of requirements. */
export function verdicts(results: Results): string {
  return [
    '| what must hold | ratio | at least | aim | |',
    '|---|---|---|---|---|',
    ...judge(results).map(({ row, value, verdict }) => {
      const bound = (limit: number): string => `${row.below ? '≤ ' : ''}${limit}${row.unit ? ` ${row.unit}` : ''}`
      return `| ${row.text} | ${number(value, 2)} | ${bound(row.least)} | ${bound(row.aim)} | ${verdict} |`
    }),
  ].join('\n')
}

function number(value: number | undefined, digits: number): string {
  return value === undefined
    ? '–'
    : value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits })
}
