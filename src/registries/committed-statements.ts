import type { SqliteDatabase } from 'kysely'
import type { Database } from 'libsql'

/**
 * A libsql database as kysely wants it, each writing statement in a transaction of its own that has
 * the write lock before the statement starts. libsql 0.5 does not reset a prepared statement that
 * met another process's lock (SQLITE_BUSY): until it is garbage it counts as running, and whatever
 * the connection writes meanwhile looks done and is never committed. `exec` knows no such trap.
 */
export function committedStatements(database: Database): SqliteDatabase {
  const committed = <T>(run: () => T): T => {
    // Somebody above has the lock already, and commits.
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
