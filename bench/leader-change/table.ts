import type { Ending } from './endings.ts'
import type { Outcome } from './round.ts'
import type { Variant } from './variants.ts'

/** A row for each kind of channel, a column for each way in which the leader's node ends. */
export function table(variants: readonly Variant[], endings: readonly Ending[], outcomes: readonly Outcome[]): string {
  const cell = (variant: Variant, ending: Ending): string =>
    described(outcomes.filter((one) => one.variant === variant && one.ending === ending))
  const rows = [
    ['publishing channel', ...endings.map(({ name }) => `${name}: lost of confirmed`)],
    ...variants.map((variant) => [variant.name, ...endings.map((ending) => cell(variant, ending))]),
  ]
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('   ')
        .trimEnd(),
    )
    .join('\n')
}

function described(outcomes: readonly Outcome[]): string {
  const sum = (value: (one: Outcome) => number) => outcomes.reduce((total, one) => total + value(one), 0)
  const signs = outcomes.filter(({ sign }) => sign).length
  const early = sum(({ lostBeforeSign }) => lostBeforeSign)
  const lost = `${sum((one) => one.lost)} of ${sum(({ confirmed }) => confirmed)}`
  return `${lost}; sign in ${signs} of ${outcomes.length}${early > 0 ? `, ${early} lost before it` : ''}`
}
