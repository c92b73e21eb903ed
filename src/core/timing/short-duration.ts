const unitsMs: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
])

/** Parses a time such as `250ms`, `2s` or `1h`, in ms. Undefined if it is out of the bounds. */
export function shortDurationOf(text: string, minMs: number, maxMs: number): number | undefined {
  const [, digits = '', unit = ''] = /^(\d{1,6})(ms|s|m|h)$/.exec(text) ?? []
  const ms = Number(digits) * (unitsMs.get(unit) ?? 0)
  return ms >= minMs && ms <= maxMs ? ms : undefined
}
