import { randomBytes } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { CompiledQuery, type Kysely } from 'kysely'
import type {
  StateFold,
  StateHead,
  StateLease,
  StatePage,
  StatePageRequest,
  StateStore,
} from '../../core/state/state-store.ts'
import { RegistryError } from '../registry-error.ts'
import {
  headOf,
  type PrintedRow,
  printRow,
  rowColumns,
  rowOf,
  type StateHeadRow,
  type StateTables,
} from './state-tables.ts'

/** How each database runs what belongs together. */
export interface StateDatabase {
  readonly db: Kysely<StateTables>
  /** Writes all or nothing, and sees no half of another transaction. */
  write<T>(work: (db: Kysely<StateTables>) => Promise<T>): Promise<T>
  /** All reads of `work` see the same moment. */
  read<T>(work: (db: Kysely<StateTables>) => Promise<T>): Promise<T>
  /** The placeholder of the n-th parameter, from 1 on. */
  placeholder(position: number): string
  close(): Promise<void>
}

/** Rows of one statement: SQLite takes at most 32,766 parameters, PostgreSQL 65,535. */
const statementRows = 100
/** How long a fold keeps this thread from other work, in milliseconds. */
const turnMs = 10
/** Rows that one call of `forget` or `sweep` deletes at most: a transaction must not take long. */
const deletedRows = 500

/** The queries of keyed state for all databases. */
export class SqlStateStore implements StateStore {
  readonly #database: StateDatabase
  /** Texts of statements with many rows, by the number of rows. */
  readonly #upserts = new Map<number, string>()
  readonly #lookups = new Map<number, string>()

  constructor(database: StateDatabase) {
    this.#database = database
  }

  async lease({ id, field, holder, now, until }: Parameters<StateStore['lease']>[0]): Promise<StateLease | undefined> {
    return this.#attempt('write', async (db) => {
      await db
        .insertInto('warren_states')
        .values({
          id,
          field,
          part: newPart(),
          epoch: '',
          folded_offset: -1,
          folded_fingerprint: 0,
          built: 0,
          is_full: 0,
          row_count: 0,
          byte_count: 0,
          removed_count: 0,
          forgotten_up_to: -1,
          holder: '',
          held_until: 0,
          fence: 0,
        })
        .onConflict((conflict) => conflict.column('id').doNothing())
        .execute()
      const renewed = await db
        .updateTable('warren_states')
        .set({ held_until: until })
        .where('id', '=', id)
        .where('holder', '=', holder)
        .where('held_until', '>', now)
        .returningAll()
        .executeTakeFirst()
      const row =
        renewed ??
        (await db
          .updateTable('warren_states')
          .set((row) => ({ holder, held_until: until, fence: row('fence', '+', 1) }))
          .where('id', '=', id)
          .where('held_until', '<=', now)
          .returningAll()
          .executeTakeFirst())
      return row && { fence: Number(row.fence), head: headOf(row) }
    })
  }

  async release(id: string, fence: number): Promise<void> {
    await this.#attempt('write', (db) =>
      db.updateTable('warren_states').set({ held_until: 0 }).where('id', '=', id).where('fence', '=', fence).execute(),
    )
  }

  async reset(id: string, fence: number, epoch: string): Promise<StateHead | undefined> {
    return this.#attempt('write', async (db) => {
      const row = await headFor(db, id, fence)
      if (!row) return undefined
      await db.insertInto('warren_state_garbage').values({ part: row.part }).execute()
      const begun = {
        part: newPart(),
        epoch,
        folded_offset: -1,
        folded_fingerprint: 0,
        built: 0,
        is_full: 0,
        row_count: 0,
        byte_count: 0,
        removed_count: 0,
        forgotten_up_to: -1,
      }
      await db.updateTable('warren_states').set(begun).where('id', '=', id).execute()
      return headOf({ ...row, ...begun })
    })
  }

  async fold({
    id,
    fence,
    place,
    rows,
    built,
    full,
    missingUpTo,
    now,
    until,
  }: StateFold): Promise<StateHead | undefined> {
    return this.#attempt('write', async (db) => {
      const row = await headFor(db, id, fence)
      if (!row) return undefined
      let count = Number(row.row_count)
      let bytes = Number(row.byte_count)
      let removed = Number(row.removed_count)
      // Neighbours share pages of the index of keys.
      const sorted = rows.toSorted((a, b) => (a.key < b.key ? -1 : 1))
      let turnBegan = performance.now()
      for (let begin = 0; begin < sorted.length; begin += statementRows) {
        // SQLite runs on this thread.
        if (performance.now() - turnBegan >= turnMs) {
          await nextTurn()
          turnBegan = performance.now()
        }
        const printed = sorted.slice(begin, begin + statementRows).map((one) => printRow(row.part, one, now))
        const before = await this.#sizesOf(db, row.part, printed)
        count += printed.length - before.rows
        bytes += printed.reduce((sum, one) => sum + one.bytes, 0) - before.bytes
        removed += printed.filter((one) => one.removed).length - before.removed
        await db.executeQuery(
          CompiledQuery.raw(
            this.#upsertOf(printed.length),
            printed.flatMap(({ values }) => values),
          ),
        )
      }
      const folded = {
        folded_offset: place.offset,
        folded_fingerprint: place.fingerprint,
        built: built ? 1 : 0,
        is_full: full ? 1 : 0,
        row_count: count,
        byte_count: bytes,
        removed_count: removed,
        forgotten_up_to: Math.max(Number(row.forgotten_up_to), missingUpTo),
        held_until: until,
      }
      await db.updateTable('warren_states').set(folded).where('id', '=', id).execute()
      return headOf({ ...row, ...folded })
    })
  }

  async forget({ id, fence, foldedBefore, all }: Parameters<StateStore['forget']>[0]): Promise<number> {
    return this.#attempt('write', async (db) => {
      const row = await headFor(db, id, fence)
      if (!row) return 0
      const old = db
        .selectFrom('warren_state_rows')
        .select('row_key')
        .where('part', '=', row.part)
        .where('folded_at', '<', foldedBefore)
        .$if(!all, (query) => query.where('removed', '=', 1))
        .orderBy('row_offset')
        .limit(deletedRows)
      const deleted = await db
        .deleteFrom('warren_state_rows')
        .where('part', '=', row.part)
        .where('row_key', 'in', old)
        .returning(['row_bytes', 'row_offset', 'removed'])
        .execute()
      if (deleted.length === 0) return 0
      const bytes = deleted.reduce((sum, one) => sum + one.row_bytes, 0)
      await db
        .updateTable('warren_states')
        .set({
          row_count: Number(row.row_count) - deleted.length,
          byte_count: Number(row.byte_count) - bytes,
          removed_count: Number(row.removed_count) - deleted.filter((one) => one.removed === 1).length,
          forgotten_up_to: deleted.reduce(
            (most, one) => Math.max(most, Number(one.row_offset)),
            Number(row.forgotten_up_to),
          ),
        })
        .where('id', '=', id)
        .execute()
      return deleted.length
    })
  }

  async sweep(): Promise<number> {
    return this.#attempt('write', async (db) => {
      for (;;) {
        const garbage = await db.selectFrom('warren_state_garbage').select('part').limit(1).executeTakeFirst()
        if (!garbage) return 0
        const { part } = garbage
        const some = db.selectFrom('warren_state_rows').select('row_key').where('part', '=', part).limit(deletedRows)
        const { numDeletedRows } = await db
          .deleteFrom('warren_state_rows')
          .where('part', '=', part)
          .where('row_key', 'in', some)
          .executeTakeFirst()
        const deleted = Number(numDeletedRows)
        if (deleted < deletedRows) await db.deleteFrom('warren_state_garbage').where('part', '=', part).execute()
        if (deleted > 0) return deleted
      }
    })
  }

  async head(id: string): Promise<StateHead | undefined> {
    const row = await this.#attempt('read', (db) =>
      db.selectFrom('warren_states').selectAll().where('id', '=', id).executeTakeFirst(),
    )
    return row && headOf(row)
  }

  async page({ id, indexes, after, maxRows }: StatePageRequest): Promise<StatePage | undefined> {
    return this.#attempt('read', async (db) => {
      const head = await db.selectFrom('warren_states').selectAll().where('id', '=', id).executeTakeFirst()
      if (!head) return undefined
      const rows = await db
        .selectFrom('warren_state_rows')
        .selectAll()
        .where('part', '=', head.part)
        .where('row_offset', '>', after)
        .$if(indexes !== undefined, (query) => query.where('row_index', 'in', ['', ...(indexes ?? [])]))
        .orderBy('row_offset')
        .limit(maxRows)
        .execute()
      return { head: headOf(head), rows: rows.map(rowOf) }
    })
  }

  async close(): Promise<void> {
    await this.#database.close()
  }

  /** What the rows of these keys count now. */
  async #sizesOf(
    db: Kysely<StateTables>,
    part: string,
    printed: readonly PrintedRow[],
  ): Promise<{ rows: number; bytes: number; removed: number }> {
    const query = CompiledQuery.raw(this.#lookupOf(printed.length), [part, ...printed.map(({ key }) => key)])
    const { rows } = await db.executeQuery<Record<'count' | 'bytes' | 'removed', number | string | null>>(query)
    const [sizes] = rows
    return { rows: Number(sizes?.count ?? 0), bytes: Number(sizes?.bytes ?? 0), removed: Number(sizes?.removed ?? 0) }
  }

  /** kysely compiles a statement at each call, which takes longer than SQLite takes to run it. */
  #upsertOf(count: number): string {
    const known = this.#upserts.get(count)
    if (known !== undefined) return known
    const width = rowColumns.length
    const tuples = Array.from({ length: count }, (_row, row) => {
      const places = rowColumns.map((_column, column) => this.#database.placeholder(row * width + column + 1))
      return `(${places.join(', ')})`
    })
    const updates = rowColumns.slice(2).map((column) => `${column} = excluded.${column}`)
    const text = `insert into warren_state_rows (${rowColumns.join(', ')}) values ${tuples.join(', ')} on conflict (part, row_key) do update set ${updates.join(', ')}`
    this.#upserts.set(count, text)
    return text
  }

  #lookupOf(count: number): string {
    const known = this.#lookups.get(count)
    if (known !== undefined) return known
    const keys = Array.from({ length: count }, (_key, index) => this.#database.placeholder(index + 2)).join(', ')
    const text = `select count(*) as count, sum(row_bytes) as bytes, sum(removed) as removed from warren_state_rows where part = ${this.#database.placeholder(1)} and row_key in (${keys})`
    this.#lookups.set(count, text)
    return text
  }

  async #attempt<T>(kind: 'read' | 'write', work: (db: Kysely<StateTables>) => Promise<T>): Promise<T> {
    try {
      return await this.#database[kind](work)
    } catch (error) {
      throw new RegistryError('failed in keyed state', error)
    }
  }
}

/** Undefined: the lease is lost. Locks the row on PostgreSQL, so that a new holder waits. */
async function headFor(db: Kysely<StateTables>, id: string, fence: number): Promise<StateHeadRow | undefined> {
  return db
    .updateTable('warren_states')
    .set((row) => ({ fence: row.ref('fence') }))
    .where('id', '=', id)
    .where('fence', '=', fence)
    .returningAll()
    .executeTakeFirst()
}

/** Each index entry has it, so it is short. There are as many parts as states, and some garbage. */
function newPart(): string {
  return randomBytes(6).toString('base64url')
}
