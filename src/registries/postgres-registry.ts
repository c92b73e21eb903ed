import { Kysely, PostgresDialect, sql } from 'kysely'
import { defaultAnswerMs, describeServer, discardBroken, openPool } from './database/postgres-pool.ts'
import { migrate } from './migrations.ts'
import { RegistryError } from './registry-error.ts'
import { SqlRegistry } from './sql-registry.ts'
import type { Tables } from './tables.ts'

/**
 * Connections of one replica. Few are enough, because the registry is queried when clients connect,
 * not for each message.
 */
const maxConnections = 8

/**
 * Opens the registry that replicas share. Migrates first, one replica at a time. Rejects with an
 * error that names the server but not its password. If the server is lost later, calls reject until
 * it is back, without opening it again.
 */
export async function openPostgresRegistry(
  databaseUrl: string,
  { answerMs = defaultAnswerMs }: { answerMs?: number } = {},
): Promise<SqlRegistry> {
  const server = describeServer(databaseUrl)
  await migrateOn(databaseUrl).catch((error: unknown) => {
    throw error instanceof RegistryError ? error : new RegistryError(`on ${server} cannot be opened`, error)
  })
  const pool = openPool({ connectionString: databaseUrl, max: maxConnections, query_timeout: answerMs })
  return new SqlRegistry(
    new Kysely<Tables>({ dialect: new PostgresDialect({ pool: discardBroken(pool) }) }),
    (statement) => statement(),
    { isPostgres: true },
  )
}

/**
 * Uses a separate connection without a query timeout, because waiting for another replica's
 * migration is no failure.
 */
async function migrateOn(databaseUrl: string): Promise<void> {
  const pool = openPool({ connectionString: databaseUrl, max: 1 })
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  try {
    const { rows } = await sql<{ schema: string | null }>`select current_schema() as schema`.execute(db)
    await migrate(db, rows[0]?.schema ?? undefined)
  } finally {
    await db.destroy()
  }
}
