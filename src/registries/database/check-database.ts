import { constants } from 'node:fs'
import { access, stat, statfs } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Client } from 'pg'
import { errorText } from '../../core/model/error-text.ts'
import type { Source } from '../../core/model/source.ts'
import type { Finding } from '../../core/ports/finding.ts'
import { codeOf, RegistryError } from '../registry-error.ts'
import { sourceOf, type Tables } from '../tables.ts'

const connectMs = 5_000
/** The registry and the secret are small, but a full disk prevents every write. */
const minFreeBytes = 100 * 1024 * 1024

export interface DatabaseCheck {
  readonly findings: readonly Finding[]
  /**
   * The clock of the database in the middle of the query, in milliseconds since the epoch.
   * Undefined if it has no clock of its own.
   */
  readonly now: number | undefined
  /** The registered sources. Empty if they cannot be read. */
  readonly sources: readonly Source[]
}

/** Checks where the registry will be, without changes. Never rejects. */
export function checkDatabase(databaseUrl: string | undefined, dataDir: string): Promise<DatabaseCheck> {
  return databaseUrl === undefined ? checkDirectory(dataDir) : checkPostgres(databaseUrl)
}

async function checkPostgres(databaseUrl: string): Promise<DatabaseCheck> {
  const { host, pathname } = new URL(databaseUrl)
  // Imported late: most gateways do not load the driver.
  const pg = await import('pg')
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'warren doctor',
    connectionTimeoutMillis: connectMs,
    query_timeout: connectMs,
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<{
      version: string
      now: string
      may_create: boolean
      has_tables: boolean
      is_read_only: boolean
    }>(
      `select current_setting('server_version') as version, extract(epoch from clock_timestamp()) * 1000 as now,
        coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) as may_create,
        to_regclass('warren_clients') is not null as has_tables,
        current_setting('transaction_read_only') = 'on' as is_read_only`,
    )
    const [row] = rows
    if (!row) throw new Error('no answer')
    const now = Number(row.now)
    const sources = row.has_tables ? await readSources(client) : []
    const lost = await lostTables(client)
    if (lost.length > 0) {
      const finding: Finding = {
        check: 'database',
        status: 'fail',
        text: `PostgreSQL ${row.version} at ${host}${pathname} has lost ${lost.join(', ')}, which a migration had created`,
        advice:
          'restore it from a backup; only if the registry was empty, drop warren_migrations so that the gateway creates all tables again',
      }
      return { findings: [finding], now, sources }
    }
    if (row.is_read_only) {
      const finding: Finding = {
        check: 'database',
        status: 'fail',
        text: `PostgreSQL ${row.version} at ${host}${pathname} is read-only`,
        advice: 'set WARREN_DATABASE_URL to the primary, or end its recovery or default_transaction_read_only',
      }
      return { findings: [finding], now, sources }
    }
    const text = `PostgreSQL ${row.version} at ${host}${pathname}, ${row.has_tables ? 'with the tables of a registry' : 'where the gateway will create its tables'}`
    const refused = {
      status: 'fail',
      advice: 'grant the user CREATE on the schema: alter schema public owner to …',
    } as const
    return {
      findings: [{ check: 'database', text, ...(row.may_create || row.has_tables ? { status: 'ok' } : refused) }],
      now,
      sources,
    }
  } catch (error) {
    const { message } = new RegistryError(`at ${host}${pathname} cannot be reached`, error)
    const advice = 'check server, user, password and database in WARREN_DATABASE_URL'
    return { findings: [{ check: 'database', status: 'fail', text: message, advice }], now: undefined, sources: [] }
  } finally {
    // Not awaited, because a silent server does not answer the close either.
    void client.end().catch(() => undefined)
  }
}

/** Tables that a migration created and that are missing. */
async function lostTables(client: Client): Promise<string[]> {
  const made: Record<string, readonly string[]> = {
    '0001-clients-and-sources': ['warren_clients', 'warren_sources'],
    '0002-revocations': ['warren_revocations'],
  }
  try {
    const { rows: done } = await client.query<{ name: string }>('select name from warren_migrations')
    const { rows } = await client.query<{ name: string }>(
      'select name from unnest($1::text[]) as name where to_regclass(name) is null',
      [done.flatMap(({ name }) => made[name] ?? [])],
    )
    return rows.map(({ name }) => name)
  } catch {
    // No migration has run yet.
    return []
  }
}

async function readSources(client: Client): Promise<Source[]> {
  try {
    const { rows } = await client.query<Tables['warren_sources']>(
      'select * from warren_sources order by created_at, id',
    )
    return rows.map(sourceOf)
  } catch {
    return []
  }
}

async function checkDirectory(dataDir: string): Promise<DatabaseCheck> {
  const folder = resolve(dataDir)
  const existing = await nearestExisting(folder)
  try {
    if (!(await stat(existing)).isDirectory()) throw new Error(`${existing} is not a directory`)
    await access(existing, constants.W_OK | constants.X_OK)
    const sources = await embeddedSources(join(folder, 'warren.db'))
    const { bavail, bsize } = await statfs(existing)
    const free = bavail * bsize
    const text = `embedded, in ${folder}${existing === folder ? '' : ', which the gateway will create'}`
    const findings: Finding[] =
      free < minFreeBytes
        ? [
            {
              check: 'database',
              status: 'warn',
              text,
              advice: `free disk space: only ${Math.round(free / 1024 / 1024)} MiB are left`,
            },
          ]
        : [{ check: 'database', status: 'ok', text }]
    return { findings, now: undefined, sources }
  } catch (error) {
    const text = `the data directory ${folder} cannot be used: ${errorText(error)}`
    const advice = 'make the user that runs the gateway its owner, or set WARREN_DATA_DIR'
    return { findings: [{ check: 'database', status: 'fail', text, advice }], now: undefined, sources: [] }
  }
}

/** Rejects if the file is not a database. A database without migrations has no sources. */
async function embeddedSources(file: string): Promise<Source[]> {
  if (!(await exists(file))) return []
  const { default: Database } = await import('libsql')
  const database = new Database(file)
  try {
    const tables = database.prepare("select name from sqlite_master where name = 'warren_sources'").all()
    if (tables.length === 0) return []
    const rows = database.prepare('select * from warren_sources order by created_at, id').all()
    return (rows as Tables['warren_sources'][]).map(sourceOf)
  } catch (error) {
    // Another process is migrating it.
    if (codeOf(error)?.startsWith('SQLITE_BUSY')) return []
    throw error
  } finally {
    database.close()
  }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

async function nearestExisting(folder: string): Promise<string> {
  return (await exists(folder)) || dirname(folder) === folder ? folder : nearestExisting(dirname(folder))
}
