import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient, sql } from 'kysely'
import { DatabaseError, Pool, type PoolConfig } from 'pg'
import { migrate } from './migrations.ts'
import { RegistryError } from './registry-error.ts'
import { SqlRegistry } from './sql-registry.ts'
import type { Tables } from './tables.ts'

/**
 * Connections of one replica. Few are enough, because the registry is queried when clients connect,
 * not for each message.
 */
const maxConnections = 8
const connectMs = 5_000
/** A server that vanished without FIN or RST is detected after this time, in milliseconds. */
const defaultAnswerMs = 10_000

/**
 * Opens the registry that replicas share. Migrates first, one replica at a time. Rejects with an
 * error that names the server but not its password. If the server is lost later, calls reject until
 * it is back, without opening it again.
 */
export async function openPostgresRegistry(
  databaseUrl: string,
  { answerMs = defaultAnswerMs }: { answerMs?: number } = {},
): Promise<SqlRegistry> {
  const server = describe(databaseUrl)
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

function openPool(config: PoolConfig): Pool {
  const pool = new Pool({
    application_name: 'warren',
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    ...config,
  })
  // A lost connection, idle or in use, also emits `error`. Without a listener, that would end the
  // process.
  const ignore = () => undefined
  pool.on('error', ignore)
  pool.on('connect', (client) => client.on('error', ignore))
  return pool
}

/**
 * Never reuses a broken connection. pg returns a connection to its pool after a query timeout,
 * where the next query would wait behind the one that never ends. It also returns one that the
 * server has announced to close (SQLSTATE 57P…, "admin shutdown").
 */
function discardBroken(pool: Pool): PostgresPool {
  return {
    async connect() {
      const client = await pool.connect()
      let broken = false
      const query = async (text: string, parameters: readonly unknown[]) => {
        try {
          return await client.query(text, [...parameters])
        } catch (error) {
          broken ||= !(error instanceof DatabaseError) || (error.code?.startsWith('57P') ?? true)
          throw error
        }
      }
      return { query: query as unknown as PostgresPoolClient['query'], release: () => client.release(broken) }
    },
    end: () => pool.end(),
  }
}

function describe(databaseUrl: string): string {
  const url = URL.canParse(databaseUrl) ? new URL(databaseUrl) : undefined
  if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol)) {
    // The text is not repeated because it may contain a password.
    throw new Error('the database URL: expected postgres://user:password@host:port/database')
  }
  return `PostgreSQL at ${url.host}${url.pathname}`
}
