import { CompiledQuery, type Kysely } from 'kysely'
import type { RowCounts } from './sql-state-store.ts'
import type { PrintedRow, StateRowRow, StateTables } from './state-tables.ts'

/** The columns of a row in the order in which a fold writes them. */
const rowColumns = [
  'part',
  'row_key',
  'row_index',
  'row_offset',
  'removed',
  'folded_at',
  'row_bytes',
  'envelope',
  'body',
] as const satisfies (keyof StateRowRow)[]

/** One statement for many rows, because each one waits for the answer of the server. */
export class PostgresStateRows {
  /**
   * Texts of statements, by the number of rows. kysely compiles a statement at each call, which
   * takes longer than the server takes to run it.
   */
  readonly #upserts = new Map<number, string>()

  async write(db: Kysely<StateTables>, part: number, now: number, printed: readonly PrintedRow[]): Promise<RowCounts> {
    const { rows } = await db.executeQuery<Record<'count' | 'bytes' | 'removed', string | null>>(
      CompiledQuery.raw(
        'select count(*) as count, sum(row_bytes) as bytes, sum(removed) as removed from warren_state_rows where part = $1 and row_key = any($2)',
        [part, printed.map(({ key }) => key)],
      ),
    )
    const values = printed.flatMap(({ key, index, removed, bytes, envelope, message }) => [
      part,
      key,
      index,
      message.offset,
      removed ? 1 : 0,
      now,
      bytes,
      envelope,
      message.body,
    ])
    await db.executeQuery(CompiledQuery.raw(this.#upsertOf(printed.length), values))
    const [before] = rows
    const numberOf = (name: 'count' | 'bytes' | 'removed') => Number(before?.[name] ?? 0)
    return { rows: numberOf('count'), bytes: numberOf('bytes'), removed: numberOf('removed') }
  }

  /** PostgreSQL takes at most 65,535 parameters. */
  #upsertOf(count: number): string {
    const known = this.#upserts.get(count)
    if (known !== undefined) return known
    const width = rowColumns.length
    const tuples = Array.from({ length: count }, (_row, row) => {
      const places = rowColumns.map((_column, column) => `$${row * width + column + 1}`)
      return `(${places.join(', ')})`
    })
    const updates = rowColumns.slice(2).map((column) => `${column} = excluded.${column}`)
    const text = `insert into warren_state_rows (${rowColumns.join(', ')}) values ${tuples.join(', ')} on conflict (part, row_key) do update set ${updates.join(', ')}`
    this.#upserts.set(count, text)
    return text
  }
}
