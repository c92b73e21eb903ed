import type { PostgresPool, PostgresPoolClient } from 'kysely'
import { DatabaseError, Pool, type PoolConfig } from 'pg'

/** How long a connection may take to open, in milliseconds. */
const connectMs = 5_000
/** A server that vanished without FIN or RST is detected after this time, in milliseconds. */
export const defaultAnswerMs = 10_000

/** Connections that are lost are replaced when they are needed. */
export function openPool(config: PoolConfig): Pool {
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
export function discardBroken(pool: Pool): PostgresPool {
  return {
    async connect() {
      const client = await pool.connect()
      let broken = false
      const query = async (text: string, parameters: readonly unknown[]) => {
        try {
          return await client.query(text, [...parameters])
        } catch (error) {
          broken ||= !(error instanceof DatabaseError) || endsConnection(error.code)
          throw error
        }
      }
      return { query: query as unknown as PostgresPoolClient['query'], release: () => client.release(broken) }
    },
    end: () => pool.end(),
  }
}

/** 25P03: a transaction waited too long for its client. */
function endsConnection(code: string | undefined): boolean {
  return code === undefined || code.startsWith('57P') || code === '25P03'
}

/** Names the server without its password. Throws if the URL is invalid. */
export function describeServer(databaseUrl: string): string {
  const url = URL.canParse(databaseUrl) ? new URL(databaseUrl) : undefined
  if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol)) {
    // The text is not repeated because it may contain a password.
    throw new Error('the database URL: expected postgres://user:password@host:port/database')
  }
  return `PostgreSQL at ${url.host}${url.pathname}`
}
