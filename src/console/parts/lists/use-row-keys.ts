import { useKeys } from '../../shell/keys.tsx'

export interface RowActions<Row> {
  /** Undefined: no row. */
  readonly select: (row: Row | undefined) => void
  readonly keys?: Readonly<Record<string, (row: Row) => void>>
}

/** `J`, `K` and the arrows choose the next or the previous row; more keys act on the chosen one. */
export function useRowKeys<Row>({
  rows,
  keyOf,
  selected,
  select,
  keys = {},
}: RowActions<Row> & {
  /** In the order in which they are shown. */
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string
  readonly selected: string | undefined
}): void {
  const at = rows.findIndex((row) => keyOf(row) === selected)
  const move = (step: number) => () => {
    const next = rows[Math.max(0, Math.min(rows.length - 1, at === -1 ? 0 : at + step))]
    if (next !== undefined) select(next)
  }
  const chosen = rows[at]
  const acts = Object.entries(keys).map(([key, act]) => [key, () => chosen !== undefined && act(chosen)] as const)
  useKeys({
    ...Object.fromEntries(acts),
    j: move(1),
    k: move(-1),
    ArrowDown: move(1),
    ArrowUp: move(-1),
    Escape: () => select(undefined),
  })
}
