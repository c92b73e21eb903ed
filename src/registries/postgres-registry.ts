import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient, sql } from 'kysely'
import { DatabaseError, Pool, type PoolConfig } from 'pg'
import { migrate } from './migrations.ts'
import { RegistryError } from './registry-error.ts'
import { SqlRegistry } from './sql-registry.ts'
import type { Tables } from './tables.ts'

/**
 * Connections of one replica. The registry is asked when clients come, not when messages flow: few
 * are enough.
 */
const maxConnections = 8
const connectMs = 5_000
/** A server that vanished without a word (no FIN, no RST) is noticed after this. */
const defaultAnswerMs = 10_000

/**
 * The registry that replicas share. Migrates first, one replica at a time. Rejects with a sentence
 * that names the server, never its password. A server that goes away later makes calls reject until
 * it is back; nothing has to be opened again.
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
    new Kysely<Tables>({ dialect: new PostgresDialect({ pool: discarding(pool) }) }),
    (statement) => statement(),
  )
}

/**
 * Through a connection of its own, without a bound on answers: the wait for another replica's
 * migration is no fault.
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
  // A connection that is lost says so by an event beside the rejected query, idle or in use;
  // unheard, it would end the process.
  const heard = () => undefined
  pool.on('error', heard)
  pool.on('connect', (client) => client.on('error', heard))
  return pool
}

/**
 * pg puts a connection back into its pool whose query timed out, where the next query waits behind
 * the one that never ends; and one that the server has announced to close (SQLSTATE 57P…, "admin
 * shutdown"). Here, neither is used again.
 */
function discarding(pool: Pool): PostgresPool {
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
    // The text given is not repeated: it may hold a password.
    throw new Error('the database URL: expected postgres://user:password@host:port/database')
  }
  return `PostgreSQL at ${url.host}${url.pathname}`
}
