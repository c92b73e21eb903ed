import { type Kysely, type Migration, Migrator } from 'kysely'
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
}
