import type { SqliteDatabase } from 'kysely'
import type { Database } from 'libsql'

/**
 * Adapts a libsql database for kysely. Each writing statement runs in its own transaction, which
 * takes the write lock first. libsql 0.5 does not reset a prepared statement that failed because of
 * another process's lock (SQLITE_BUSY). Until garbage collection the statement counts as running,
 * and later writes of the connection seem to succeed but are never committed. `exec` does not have
 * this problem.
 */
export function committedStatements(database: Database): SqliteDatabase {
  const committed = <T>(run: () => T): T => {
    // The caller has the lock already and commits.
    if (database.inTransaction) return run()
    database.exec('begin immediate')
    try {
      const result = run()
      database.exec('commit')
      return result
    } catch (error) {
      if (database.inTransaction) database.exec('rollback')
      throw error
    }
  }
  return {
    close: () => database.close(),
    prepare(text) {
      const statement = database.prepare(text)
      const reads = /^\s*select\b/i.test(text)
      return {
        reader: statement.reader,
        all: (parameters) => (reads ? statement.all(parameters) : committed(() => statement.all(parameters))),
        run: (parameters) => committed(() => statement.run(parameters)),
        iterate: (parameters) => statement.iterate(parameters),
      }
    },
  }
}
