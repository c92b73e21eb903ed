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
 * How long SQLite itself waits for a lock, in milliseconds. Short, because this wait blocks the
 * event loop.
 */
const blockingMs = 20
/** How long a statement is retried while another process holds the lock, in milliseconds. */
const retryMs = 10_000
const pauseMs = 10

/**
 * Opens the registry in `<dataDir>/warren.db`, for a gateway on one machine. Several processes may
 * share it. Rejects with an error that names the directory if it is not writable.
 */
export async function openEmbeddedRegistry(dataDir: string): Promise<SqlRegistry> {
  const file = await prepareFile(dataDir)
  const database = openDatabase(file)
  try {
    await retryWhileBusy(() => database.exec(`pragma busy_timeout = ${blockingMs}`))
    // WAL allows readers beside a writer, and acknowledged data survives a power failure.
    await retryWhileBusy(() => database.exec('pragma journal_mode = wal; pragma synchronous = full'))
    const db = new Kysely<Tables>({
      dialect: new SqliteDialect({ database: committedStatements(database) }),
    })
    // kysely takes no lock on SQLite. A transaction around the whole migration locks out other
    // processes and is atomic.
    await retryWhileBusy(() => database.exec('begin immediate'))
    await migrate(db)
    await retryWhileBusy(() => database.exec('commit'))
    return new SqlRegistry(db, retryWhileBusy)
  } catch (error) {
    database.close()
    throw error instanceof RegistryError ? error : new RegistryError(`in ${file} cannot be opened`, error)
  }
}

/**
 * The file holds password hashes and e-mail addresses. The directory and the file are readable by
 * their owner only, and the WAL inherits the mode of the file.
 */
async function prepareFile(dataDir: string): Promise<string> {
  const file = join(dataDir, 'warren.db')
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 })
    await access(dataDir, constants.W_OK | constants.X_OK)
    // Never open the file again if it exists: closing any descriptor of a file releases all locks
    // of the process on it (POSIX).
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

/** Waits for a lock of another process without blocking the event loop, up to the time limit. */
async function retryWhileBusy<T>(attempt: () => T): Promise<Awaited<T>> {
  const deadline = Date.now() + retryMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!isBusy(error) || Date.now() >= deadline) throw error
    }
    await pause(jitterAround(pauseMs))
  }
}

/** Includes extended result codes (`SQLITE_BUSY_RECOVERY`, `SQLITE_BUSY_SNAPSHOT`). */
function isBusy(error: unknown): boolean {
  return codeOf(error)?.startsWith('SQLITE_BUSY') ?? false
}
