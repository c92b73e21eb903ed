import { access, constants, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'libsql'
import { jitterAround } from '../../core/timing/jitter.ts'
import { pause } from '../../core/timing/pause.ts'
import { codeOf, RegistryError } from '../registry-error.ts'

/**
 * How long SQLite itself waits for a lock, in milliseconds. Short, because this wait blocks the
 * event loop.
 */
const blockingMs = 20
/** How long a statement is retried while another process holds the lock, in milliseconds. */
const retryMs = 10_000
const pauseMs = 10

/**
 * Opens a database in the data directory. Rejects with an error that names what is not writable.
 */
export async function openSqliteFile(
  dataDir: string,
  name: string,
): Promise<{ readonly file: string; readonly database: Database.Database }> {
  const file = await prepareFile(dataDir, name)
  const database = openDatabase(file)
  try {
    await retryWhileBusy(() => database.exec(`pragma busy_timeout = ${blockingMs}`))
    return { file, database }
  } catch (error) {
    database.close()
    throw new RegistryError(`in ${file} cannot be opened`, error)
  }
}

/**
 * The file holds password hashes and e-mail addresses. The directory and the file are readable by
 * their owner only, and the WAL inherits the mode of the file.
 */
async function prepareFile(dataDir: string, name: string): Promise<string> {
  const file = join(dataDir, name)
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
export async function retryWhileBusy<T>(attempt: () => T): Promise<Awaited<T>> {
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
