import { Kysely, PostgresDialect, sql } from 'kysely'
import { defaultAnswerMs, describeServer, discardBroken, openPool } from '../database/postgres-pool.ts'
import { RegistryError } from '../registry-error.ts'
import { migrateStates } from './migrate-states.ts'
import { SqlStateStore } from './sql-state-store.ts'
import type { StateTables } from './state-tables.ts'

/** The fold of a replica takes one connection, and reads take the others. */
const maxConnections = 4
/**
 * How long a transaction may wait for its replica, in milliseconds: one that was stopped or cut off
 * must not keep the lock on a state for longer than its lease. PostgreSQL ends its connection then.
 */
const stoppedMs = 5_000

/** Opens the keyed state that replicas share, in the database of their registry. */
export async function openPostgresStateStore(
  databaseUrl: string,
  { answerMs = defaultAnswerMs }: { answerMs?: number } = {},
): Promise<SqlStateStore> {
  await migrateOn(databaseUrl).catch((error: unknown) => {
    throw error instanceof RegistryError
      ? error
      : new RegistryError(`on ${describeServer(databaseUrl)} cannot be opened`, error)
  })
  const pool = openPool({ connectionString: databaseUrl, max: maxConnections, query_timeout: answerMs })
  const db = new Kysely<StateTables>({ dialect: new PostgresDialect({ pool: discardBroken(pool) }) })
  return new SqlStateStore({
    db,
    write: (work) =>
      db.transaction().execute(async (transaction) => {
        await sql`set local idle_in_transaction_session_timeout = ${sql.lit(stoppedMs)}`.execute(transaction)
        return work(transaction)
      }),
    read: (work) => db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(work),
    placeholder: (position) => `$${position}`,
    close: () => db.destroy(),
  })
}

/** Waiting for another replica's migration is no failure, so there is no time limit. */
async function migrateOn(databaseUrl: string): Promise<void> {
  const pool = openPool({ connectionString: databaseUrl, max: 1 })
  const db = new Kysely<StateTables>({ dialect: new PostgresDialect({ pool }) })
  try {
    const { rows } = await sql<{ schema: string | null }>`select current_schema() as schema`.execute(db)
    await migrateStates(db, rows[0]?.schema ?? undefined)
  } finally {
    await db.destroy()
  }
}
