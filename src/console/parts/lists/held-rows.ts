export interface HeldRows<Row> {
  readonly rows: readonly Row[]
  /** Keys of rows that are no longer in the list. They show what was last known of them. */
  readonly gone: ReadonlySet<string>
}

/**
 * The rows of now in the order of before, so that none moves. New ones come last, and those that
 * are gone keep their place. Two lists with nothing in common are two answers: the order of now.
 */
export function heldRows<Row>(before: readonly Row[], now: readonly Row[], keyOf: (row: Row) => string): HeldRows<Row> {
  const newest = new Map(now.map((row) => [keyOf(row), row]))
  const keys = before.map(keyOf)
  if (!keys.some((key) => newest.has(key))) return { rows: now, gone: new Set() }
  const known = new Set(keys)
  return {
    rows: [...before.map((row) => newest.get(keyOf(row)) ?? row), ...now.filter((row) => !known.has(keyOf(row)))],
    gone: new Set(keys.filter((key) => !newest.has(key))),
  }
}
