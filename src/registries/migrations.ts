import { type Kysely, type Migration, Migrator, type RawBuilder, sql } from 'kysely'
import { RegistryError } from './registry-error.ts'

/**
 * In the order of their names, each run once and never edited afterwards. They run while older replicas still serve: a migration
 * adds; what it makes superfluous is dropped a release later.
 */
const migrations: Record<string, Migration> = {
  '0001-clients-and-sources': {
    async up(db) {
      await db.schema
        .createTable('warren_clients')
        .addColumn('client_id', 'text', (column) => column.notNull().primaryKey())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('email', 'text', (column) => column.notNull())
        .addColumn('password_hash', 'text', (column) => column.notNull())
        .addColumn('created_at', 'text', (column) => column.notNull())
        .execute()
      await db.schema
        .createTable('warren_sources')
        .addColumn('id', 'text', (column) => column.notNull().primaryKey())
        .addColumn('definition', 'text', (column) => column.notNull())
        .addColumn('owns_exchange', 'integer', (column) => column.notNull())
        .addColumn('created_at', 'text', (column) => column.notNull())
        .execute()
    },
  },
  '0002-revocations': {
    async up(db) {
      await db.schema
        .createTable('warren_revocations')
        .addColumn('client_id', 'text', (column) => column.notNull().primaryKey())
        .addColumn('revoked_at', 'text', (column) => column.notNull())
        .execute()
      // Every replica asks every few seconds for what is new.
      await db.schema.createIndex('warren_revocations_by_time').on('warren_revocations').column('revoked_at').execute()
    },
  },
}

/**
 * Tables of later releases, each made where it is missing and never changed afterwards. They are not recorded among the
 * migrations: kysely refuses a database with a migration that it does not know, and a replica of the last release that restarts
 * during a rolling update, or after a rollback, has to open this one.
 */
const additions: Record<string, (db: Kysely<unknown>) => Promise<void>> = {
  async warren_client_bars(db) {
    await db.schema
      .createTable('warren_client_bars')
      .addColumn('client_id', 'text', (column) => column.notNull().primaryKey())
      .addColumn('login_locked', 'integer', (column) => column.notNull())
      .addColumn('banned', 'integer', (column) => column.notNull())
      .addColumn('deleted_at', 'text')
      .addColumn('origin', 'text')
      .addColumn('changed_at', 'text', (column) => column.notNull())
      .execute()
    // Every replica asks every few seconds for what is new.
    await db.schema.createIndex('warren_client_bars_by_time').on('warren_client_bars').column('changed_at').execute()
  },
}

/**
 * Brings the database up to date; repeatable. `schema` is where its own tables live, on databases that have schemas.
 * The names of the book-keeping tables are Warren's own, for other programs that use kysely may share the database.
 */
export async function migrate<T>(db: Kysely<T>, schema?: string): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(migrations) },
    migrationTableName: 'warren_migrations',
    migrationLockTableName: 'warren_migrations_lock',
    migrationTableSchema: schema,
  })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) throw new RegistryError('cannot be brought up to date', error)
  await addTables(db as Kysely<unknown>, schema).catch((thrown: unknown) => {
    throw new RegistryError('cannot be brought up to date', thrown)
  })
}

/** Any number; one replica at a time makes tables. */
const additionsLock = 4_017_338

async function addTables(db: Kysely<unknown>, schema: string | undefined): Promise<void> {
  // SQLite: whoever opens it holds the write lock around the whole migration.
  if (schema === undefined) return addMissing(db, tableOnSqlite)
  await db.transaction().execute(async (transaction) => {
    await sql`select pg_advisory_xact_lock(${additionsLock})`.execute(transaction)
    await addMissing(transaction, (name) => tableOnPostgres(schema, name))
  })
}

async function addMissing(db: Kysely<unknown>, find: (name: string) => RawBuilder<{ name: string }>): Promise<void> {
  for (const [name, add] of Object.entries(additions)) {
    const { rows } = await find(name).execute(db)
    if (rows.length === 0) await add(db)
  }
}

function tableOnSqlite(name: string) {
  return sql<{ name: string }>`select name from sqlite_master where type = 'table' and name = ${name}`
}

/** In this schema only: others on the search path may have a table of the same name. */
function tableOnPostgres(schema: string, name: string) {
  return sql<{
    name: string
  }>`select tablename as name from pg_tables where schemaname = ${schema} and tablename = ${name}`
}
