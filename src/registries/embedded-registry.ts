import { access, constants, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Kysely, SqliteDialect } from 'kysely'
import Database from 'libsql'
import { jitterAround } from '../core/timing/jitter.ts'
import { pause } from '../core/timing/pause.ts'
import { committedStatements } from './committed-statements.ts'
import { migrate } from './migrations.ts'
import { codeOf, RegistryError } from './registry-error.ts'
import { SqlRegistry } from './sql-registry.ts'
import type { Tables } from './tables.ts'

/**
 * How long SQLite itself waits for a lock. It waits with the event loop in its hands, hence so
 * short.
 */
const blockingMs = 20
/** How long a statement is tried again while another process holds the lock. */
const patienceMs = 10_000
const pauseMs = 10

/**
 * The registry in `<dataDir>/warren.db`, for a gateway of one machine. Several processes may share
 * it. Rejects with a sentence that names the directory where it cannot be written.
 */
export async function openEmbeddedRegistry(dataDir: string): Promise<SqlRegistry> {
  const file = await prepareFile(dataDir)
  const database = openDatabase(file)
  try {
    await whileBusy(() => database.exec(`pragma busy_timeout = ${blockingMs}`))
    // Readers and a writer at once; and what was acknowledged outlives a power cut.
    await whileBusy(() => database.exec('pragma journal_mode = wal; pragma synchronous = full'))
    const db = new Kysely<Tables>({
      dialect: new SqliteDialect({ database: committedStatements(database) }),
    })
    // kysely takes no lock on SQLite. A transaction around the whole migration is one: for every
    // process, and all or nothing.
    await whileBusy(() => database.exec('begin immediate'))
    await migrate(db)
    await whileBusy(() => database.exec('commit'))
    return new SqlRegistry(db, whileBusy)
  } catch (error) {
    database.close()
    throw error instanceof RegistryError ? error : new RegistryError(`in ${file} cannot be opened`, error)
  }
}

/**
 * Password hashes and addresses lie here: the directory is made for its owner only, and so is the
 * file (its WAL takes over the file's mode).
 */
async function prepareFile(dataDir: string): Promise<string> {
  const file = join(dataDir, 'warren.db')
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 })
    await access(dataDir, constants.W_OK | constants.X_OK)
    // Never opened again where it exists: closing any descriptor of a file gives up all of the
    // process's locks on it (POSIX).
    await writeFile(file, '', { flag: 'wx', mode: 0o600 }).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error
    })
  } catch (error) {
    throw new RegistryError(`cannot be kept in the data directory ${dataDir}`, error)
  }
  return file
}

function openDatabase(file: string): Database.Database {
  try {
    return new Database(file)
  } catch (error) {
    throw new RegistryError(`in ${file} cannot be opened`, error)
  }
}

/** Waits for another's lock without holding up the process, and not for ever. */
async function whileBusy<T>(attempt: () => T): Promise<Awaited<T>> {
  const deadline = Date.now() + patienceMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!isBusy(error) || Date.now() >= deadline) throw error
    }
    await pause(jitterAround(pauseMs))
  }
}

/** Extended result codes (`SQLITE_BUSY_RECOVERY`, `SQLITE_BUSY_SNAPSHOT`) too. */
function isBusy(error: unknown): boolean {
  return codeOf(error)?.startsWith('SQLITE_BUSY') ?? false
}
