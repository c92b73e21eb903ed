import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
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
  noPart,
  type PrintedRow,
  printRow,
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
  /**
   * Writes the last messages of different keys, at most `statementRows`, inside `write`. Resolves
   * with what the rows of these keys counted before. Each database has a way that costs it least.
   */
  writeRows(db: Kysely<StateTables>, part: number, now: number, rows: readonly PrintedRow[]): Promise<RowCounts>
  close(): Promise<void>
}

export interface RowCounts {
  readonly rows: number
  readonly bytes: number
  /** Of the rows, those of removed keys. */
  readonly removed: number
}

/** Rows that a fold writes before it looks whether other work waits. */
export const statementRows = 100
/** How long a fold keeps this thread from other work, in milliseconds. */
const turnMs = 10
/** Rows that one call of `forget` or `sweep` deletes at most: a transaction must not take long. */
const deletedRows = 500

/** The queries of keyed state for all databases. */
export class SqlStateStore implements StateStore {
  readonly #database: StateDatabase

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
          part: noPart,
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
      await db.updateTable('warren_state_parts').set({ garbage: 1 }).where('part', '=', row.part).execute()
      const { part } = await db
        .insertInto('warren_state_parts')
        .values({ garbage: 0 })
        .returning('part')
        .executeTakeFirstOrThrow()
      const begun = {
        part,
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
      if (row.part === noPart) throw new Error(`the state ${id} was not begun`)
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
        const printed = sorted.slice(begin, begin + statementRows).map(printRow)
        const before = await this.#database.writeRows(db, row.part, now, printed)
        count += printed.length - before.rows
        bytes += printed.reduce((sum, one) => sum + one.bytes, 0) - before.bytes
        removed += printed.filter((one) => one.removed).length - before.removed
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
      // A fold writes rows in the order of offsets, so no row after one that stays is older.
      const oldest = db
        .selectFrom('warren_state_rows')
        .select(['row_key', 'folded_at'])
        .where('part', '=', row.part)
        // In the text of the statement, where the index of removed rows needs it.
        .$if(!all, (query) => query.where('removed', '=', sql.lit(1)))
        .orderBy('row_offset')
        .limit(deletedRows)
        .as('oldest')
      const old = db.selectFrom(oldest).select('row_key').where('folded_at', '<', foldedBefore)
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
        const garbage = await db
          .selectFrom('warren_state_parts')
          .select('part')
          .where('garbage', '=', 1)
          .limit(1)
          .executeTakeFirst()
        if (!garbage) return 0
        const { part } = garbage
        const some = db.selectFrom('warren_state_rows').select('row_key').where('part', '=', part).limit(deletedRows)
        const { numDeletedRows } = await db
          .deleteFrom('warren_state_rows')
          .where('part', '=', part)
          .where('row_key', 'in', some)
          .executeTakeFirst()
        const deleted = Number(numDeletedRows)
        if (deleted < deletedRows) await db.deleteFrom('warren_state_parts').where('part', '=', part).execute()
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
