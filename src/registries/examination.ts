import { constants } from 'node:fs'
import { access, stat, statfs } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { Client } from 'pg'
import type { Finding } from '../core/finding.ts'
import { RegistryError } from './registry-error.ts'

const connectMs = 5_000
/** Registry and secret are small; a full disk ends writing all the same. */
const leastFreeBytes = 100 * 1024 * 1024

export interface ExaminedDatabase {
  readonly findings: readonly Finding[]
  /** Its clock, in milliseconds since the epoch, at the moment in the middle of the question; undefined where it has none of its own. */
  readonly now: number | undefined
}

/** Looks at where the registry will be, and changes nothing there. Never rejects. */
export function examineDatabase(databaseUrl: string | undefined, dataDir: string): Promise<ExaminedDatabase> {
  return databaseUrl === undefined ? examineFolder(dataDir) : examinePostgres(databaseUrl)
}

async function examinePostgres(databaseUrl: string): Promise<ExaminedDatabase> {
  const { host, pathname } = new URL(databaseUrl)
  const client = new Client({
    connectionString: databaseUrl,
    application_name: 'warren doctor',
    connectionTimeoutMillis: connectMs,
    query_timeout: connectMs,
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<{ version: string; now: string; may_create: boolean; is_there: boolean }>(
      `select current_setting('server_version') as version, extract(epoch from clock_timestamp()) * 1000 as now,
        coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) as may_create,
        to_regclass('warren_clients') is not null as is_there`,
    )
    const [row] = rows
    if (!row) throw new Error('no answer')
    const text = `PostgreSQL ${row.version} at ${host}${pathname}, ${row.is_there ? 'with the tables of a registry' : 'where the gateway will make its tables'}`
    const refused = {
      status: 'fail',
      advice: 'grant the user CREATE on the schema: alter schema public owner to …',
    } as const
    return {
      findings: [{ check: 'database', text, ...(row.may_create || row.is_there ? { status: 'ok' } : refused) }],
      now: Number(row.now),
    }
  } catch (error) {
    const { message } = new RegistryError(`at ${host}${pathname} cannot be reached`, error)
    const advice = 'check WARREN_DATABASE_URL: server, user, password, database'
    return { findings: [{ check: 'database', status: 'fail', text: message, advice }], now: undefined }
  } finally {
    await client.end().catch(() => undefined)
  }
}

async function examineFolder(dataDir: string): Promise<ExaminedDatabase> {
  const folder = resolve(dataDir)
  const standing = await nearestStanding(folder)
  try {
    if (!(await stat(standing)).isDirectory()) throw new Error(`${standing} is no folder`)
    await access(standing, constants.W_OK | constants.X_OK)
    const { bavail, bsize } = await statfs(standing)
    const free = bavail * bsize
    const text = `embedded, in ${folder}${standing === folder ? '' : ', which the gateway will make'}`
    const findings: Finding[] =
      free < leastFreeBytes
        ? [
            {
              check: 'database',
              status: 'warn',
              text,
              advice: `${Math.round(free / 1024 / 1024)} MiB are free there: make room`,
            },
          ]
        : [{ check: 'database', status: 'ok', text }]
    return { findings, now: undefined }
  } catch (error) {
    const text = `the data folder ${folder} cannot be written: ${error instanceof Error ? error.message : String(error)}`
    const advice = 'let its owner be the user that runs the gateway, or set WARREN_DATA_DIR'
    return { findings: [{ check: 'database', status: 'fail', text, advice }], now: undefined }
  }
}

async function nearestStanding(folder: string): Promise<string> {
  const there = await stat(folder).then(
    () => true,
    () => false,
  )
  return there || dirname(folder) === folder ? folder : nearestStanding(dirname(folder))
}
