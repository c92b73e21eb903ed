import { Kysely, type SqliteDatabase, SqliteDialect } from 'kysely'
import { committedStatements } from '../database/committed-statements.ts'
import { openSqliteFile, retryWhileBusy } from '../database/embedded-file.ts'
import { RegistryError } from '../registry-error.ts'
import { EmbeddedStateRows } from './embedded-state-rows.ts'
import { migrateStates } from './migrate-states.ts'
import { SqlStateStore, type StateDatabase } from './sql-state-store.ts'
import type { StateTables } from './state-tables.ts'

/**
 * Opens the keyed state of a gateway on one machine in `<dataDir>/warren-state.db`. It is a file of
 * its own, because it can be built again from the journal: a power failure may lose its end.
 */
export async function openEmbeddedStateStore(dataDir: string): Promise<SqlStateStore> {
  const { file, database } = await openSqliteFile(dataDir, 'warren-state.db')
  try {
    await retryWhileBusy(() => database.exec('pragma journal_mode = wal; pragma synchronous = normal'))
    // Keys come in any order, so a cache of 64 MiB saves reads. Checkpoints block the event loop,
    // so they are small.
    database.exec('pragma cache_size = -65536; pragma wal_autocheckpoint = 4000')
    const db = new Kysely<StateTables>({
      dialect: new SqliteDialect({ database: keptStatements(committedStatements(database)) }),
    })
    const rows = new EmbeddedStateRows(database)
    const inTurn = turns()
    const transaction =
      (begin: string) =>
      <T>(work: (db: Kysely<StateTables>) => Promise<T>): Promise<T> =>
        // The connection has one transaction at a time.
        inTurn(async () => {
          await retryWhileBusy(() => database.exec(begin))
          try {
            const result = await work(db)
            database.exec('commit')
            return result
          } catch (error) {
            if (database.inTransaction) database.exec('rollback')
            throw error
          }
        })
    const write = transaction('begin immediate')
    await write(() => migrateStates(db))
    const store: StateDatabase = {
      db,
      write,
      read: transaction('begin'),
      writeRows: (_db, part, now, printed) => Promise.resolve(rows.write(part, now, printed)),
      close: () => inTurn(() => db.destroy()),
    }
    return new SqlStateStore(store)
  } catch (error) {
    database.close()
    throw error instanceof RegistryError ? error : new RegistryError(`in ${file} cannot be opened`, error)
  }
}

/** How many statements are kept. Those of a fold are few, and long. */
const maxStatements = 50

/**
 * Prepares each text once. All statements run inside a transaction that has its lock, so none is
 * left unfinished because of another process.
 */
function keptStatements(database: SqliteDatabase): SqliteDatabase {
  const kept = new Map<string, ReturnType<SqliteDatabase['prepare']>>()
  return {
    close: () => database.close(),
    prepare(text) {
      const known = kept.get(text)
      if (known) return known
      const statement = database.prepare(text)
      if (kept.size < maxStatements && !/^\s*(create|drop|alter|pragma)\b/i.test(text)) kept.set(text, statement)
      return statement
    },
  }
}

/** Runs one after the other. */
function turns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const next = last.then(work)
    last = next.catch(() => undefined)
    return next
  }
}
