import { Kysely, SqliteDialect } from 'kysely'
import { committedStatements } from './database/committed-statements.ts'
import { openSqliteFile, retryWhileBusy } from './database/embedded-file.ts'
import { migrate } from './migrations.ts'
import { RegistryError } from './registry-error.ts'
import { SqlRegistry } from './sql-registry.ts'
import type { Tables } from './tables.ts'

/**
 * Opens the registry in `<dataDir>/warren.db`, for a gateway on one machine. Several processes may
 * share it. Rejects with an error that names the directory if it is not writable.
 */
export async function openEmbeddedRegistry(dataDir: string): Promise<SqlRegistry> {
  const { file, database } = await openSqliteFile(dataDir, 'warren.db')
  try {
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
