import { type Kysely, type Migration, sql } from 'kysely'
import type { JournalPlace } from '../../core/model/cursor.ts'
import type { StateHead, StateRow } from '../../core/state/state-store.ts'
import { parseEnvelope, printEnvelope } from './stored-message.ts'

export interface StateTables {
  warren_states: StateHeadRow
  warren_state_rows: StateRowRow
  warren_state_garbage: { part: string }
}

/** Integers of 64 bits are texts with PostgreSQL's driver. */
type Int64 = number | string

export interface StateHeadRow {
  id: string
  field: string
  /** Which rows are those of this state. A reset begins with another part. */
  part: string
  epoch: string
  /** -1: nothing is folded. */
  folded_offset: Int64
  folded_fingerprint: Int64
  /** 0 or 1, as `is_full`. */
  built: number
  is_full: number
  row_count: Int64
  byte_count: Int64
  /** Of the rows, those of removed keys. */
  removed_count: Int64
  forgotten_up_to: Int64
  holder: string
  held_until: Int64
  fence: Int64
}

export interface StateRowRow {
  part: string
  row_key: string
  row_index: string
  row_offset: Int64
  /** 0 or 1. */
  removed: number
  folded_at: Int64
  /** The size of the row. */
  row_bytes: number
  envelope: string
  body: Uint8Array | ArrayBuffer
}

/** Texts of keys are compared by their bytes, on both databases, and never ordered. */
const stateMigration: Migration = {
  async up(db: Kysely<unknown>) {
    const bytes = isPostgres(db) ? 'bytea' : 'blob'
    await db.schema
      .createTable('warren_states')
      .addColumn('id', 'text', (column) => column.notNull().primaryKey())
      .addColumn('field', 'text', (column) => column.notNull())
      .addColumn('part', 'text', (column) => column.notNull())
      .addColumn('epoch', 'text', (column) => column.notNull())
      .addColumn('folded_offset', 'bigint', (column) => column.notNull())
      .addColumn('folded_fingerprint', 'bigint', (column) => column.notNull())
      .addColumn('built', 'integer', (column) => column.notNull())
      .addColumn('is_full', 'integer', (column) => column.notNull())
      .addColumn('row_count', 'bigint', (column) => column.notNull())
      .addColumn('byte_count', 'bigint', (column) => column.notNull())
      .addColumn('forgotten_up_to', 'bigint', (column) => column.notNull())
      .addColumn('holder', 'text', (column) => column.notNull())
      .addColumn('held_until', 'bigint', (column) => column.notNull())
      .addColumn('fence', 'bigint', (column) => column.notNull())
      .execute()
    await db.schema
      .createTable('warren_state_rows')
      .addColumn('part', 'text', (column) => column.notNull())
      .addColumn('row_key', 'text', (column) => column.notNull())
      .addColumn('row_index', 'text', (column) => column.notNull())
      .addColumn('row_offset', 'bigint', (column) => column.notNull())
      .addColumn('removed', 'integer', (column) => column.notNull())
      .addColumn('folded_at', 'bigint', (column) => column.notNull())
      .addColumn('row_bytes', 'integer', (column) => column.notNull())
      .addColumn('envelope', 'text', (column) => column.notNull())
      .addColumn('body', sql.raw(bytes), (column) => column.notNull())
      .addPrimaryKeyConstraint('warren_state_rows_by_key', ['part', 'row_key'])
      .execute()
    await db.schema
      .createIndex('warren_state_rows_by_offset')
      .on('warren_state_rows')
      .columns(['part', 'row_offset'])
      .execute()
    await db.schema
      .createIndex('warren_state_rows_by_index')
      .on('warren_state_rows')
      .columns(['part', 'row_index', 'row_offset'])
      .execute()
    await db.schema
      .createTable('warren_state_garbage')
      .addColumn('part', 'text', (column) => column.notNull().primaryKey())
      .execute()
  },
}

/** Counts what was stored before the column existed. */
const removedCountMigration: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .alterTable('warren_states')
      .addColumn('removed_count', 'bigint', (column) => column.notNull().defaultTo(0))
      .execute()
    await sql`
      update warren_states set removed_count = (
        select count(*) from warren_state_rows
        where warren_state_rows.part = warren_states.part and warren_state_rows.removed = 1
      )`.execute(db)
  },
}

/** Of the embedded database, which is a file of its own. */
export const stateMigrations: Record<string, Migration> = {
  '0001-states': stateMigration,
  '0002-removed-count': removedCountMigration,
}

function isPostgres(db: Kysely<unknown>): boolean {
  return db.getExecutor().adapter.supportsTransactionalDdl
}

export function headOf(row: StateHeadRow): StateHead {
  const offset = Number(row.folded_offset)
  const place: JournalPlace | undefined =
    offset < 0 ? undefined : { epoch: row.epoch, offset, fingerprint: Number(row.folded_fingerprint), before: false }
  return {
    epoch: row.epoch,
    place,
    built: row.built === 1,
    full: row.is_full === 1,
    keys: Number(row.row_count),
    bytes: Number(row.byte_count),
    removed: Number(row.removed_count),
    forgottenUpTo: Number(row.forgotten_up_to),
    holder: row.holder,
    heldUntil: Number(row.held_until),
  }
}

export function rowOf(row: StateRowRow): StateRow {
  return {
    key: row.row_key,
    index: row.row_index,
    removed: row.removed === 1,
    message: parseEnvelope(row.envelope, bodyOf(row.body), Number(row.row_offset)),
  }
}

/** libsql reads an ArrayBuffer, and pg a Buffer. */
function bodyOf(body: StateRowRow['body']): Buffer {
  return body instanceof Uint8Array ? Buffer.from(body.buffer, body.byteOffset, body.byteLength) : Buffer.from(body)
}

/** The columns of a row in the order in which a fold writes them. */
export const rowColumns = [
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

export interface PrintedRow {
  readonly key: string
  readonly values: readonly unknown[]
  readonly bytes: number
  readonly removed: boolean
}

export function printRow(part: string, { key, index, removed, message }: StateRow, now: number): PrintedRow {
  const envelope = printEnvelope(message)
  const bytes = key.length + envelope.length + message.body.length
  const values = [part, key, index, message.offset, removed ? 1 : 0, now, bytes, envelope, message.body]
  return { key, values, bytes, removed }
}
