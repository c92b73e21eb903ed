import type { Database } from 'libsql'
import type { RowCounts } from './sql-state-store.ts'
import type { PrintedRow } from './state-tables.ts'

/**
 * Writes rows with a statement of one row, which runs many times. libsql takes longer to read the
 * parameters of a statement than SQLite to write a row, and much longer if they are hundreds, so
 * what rows have in common is in the text. Runs inside a transaction that has its lock.
 */
export class EmbeddedStateRows {
  readonly #database: Database
  #prepared: { readonly part: number; readonly now: number; readonly statements: RowStatements } | undefined

  constructor(database: Database) {
    this.#database = database
  }

  write(part: number, now: number, rows: readonly PrintedRow[]): RowCounts {
    const { sizes, put, remove } = this.#statementsOf(part, now)
    const [before] = sizes.all([JSON.stringify(rows.map(({ key }) => key))]) as SizesRow[]
    for (const { key, index, removed, bytes, envelope, message } of rows)
      (removed ? remove : put).run([key, index, message.offset, bytes, envelope, message.body])
    return { rows: before?.count ?? 0, bytes: before?.bytes ?? 0, removed: before?.removed ?? 0 }
  }

  /** All rows of a fold have the same part and time. */
  #statementsOf(part: number, now: number): RowStatements {
    if (this.#prepared?.part !== part || this.#prepared.now !== now)
      this.#prepared = { part, now, statements: prepareRows(this.#database, part, now) }
    return this.#prepared.statements
  }
}

interface SizesRow {
  readonly count: number
  /** Null: no rows. */
  readonly bytes: number | null
  readonly removed: number | null
}

type RowStatements = ReturnType<typeof prepareRows>

function prepareRows(database: Database, part: number, now: number) {
  const upsert = (removed: 0 | 1): string => `
    insert into warren_state_rows
      (part, row_key, row_index, row_offset, removed, folded_at, row_bytes, envelope, body)
    values (${part}, ?, ?, ?, ${removed}, ${now}, ?, ?, ?)
    on conflict (part, row_key) do update set
      row_index = excluded.row_index,
      row_offset = excluded.row_offset,
      removed = excluded.removed,
      folded_at = excluded.folded_at,
      row_bytes = excluded.row_bytes,
      envelope = excluded.envelope,
      body = excluded.body`
  return {
    put: database.prepare(upsert(0)),
    remove: database.prepare(upsert(1)),
    /** SQLite reads an array of texts faster than libsql reads as many parameters. */
    sizes: database.prepare(`
      select count(*) as count, sum(row_bytes) as bytes, sum(removed) as removed from warren_state_rows
      where part = ${part} and row_key in (select value from json_each(?))`),
  }
}
