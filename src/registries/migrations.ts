import { type Kysely, type Migration, Migrator, sql } from 'kysely'
import { RegistryError } from './registry-error.ts'

/**
 * Migrations in the order of their names. Each runs once and is never edited afterwards. They run
 * while older replicas still serve, so a migration only adds; a later release drops what became
 * unused.
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
      // Every replica polls for new rows every few seconds.
      await db.schema.createIndex('warren_revocations_by_time').on('warren_revocations').column('revoked_at').execute()
    },
  },
}

/**
 * Later migrations, recorded in a separate table. Releases up to 0.1 fail to start if
 * `warren_migrations` contains an unknown migration. A replica of such a release could then not
 * restart during an update or after a rollback. This release ignores unknown names.
 */
const additions: Record<string, Migration> = {
  '0003-keys': {
    async up(db) {
      await db.schema
        .createTable('warren_keys')
        .addColumn('id', 'text', (column) => column.notNull().primaryKey())
        .addColumn('secret', 'text', (column) => column.notNull())
        .addColumn('created_at', 'text', (column) => column.notNull())
        .addColumn('adopted_at', 'text', (column) => column.notNull())
        .addColumn('new_cursors_from', 'text', (column) => column.notNull())
        .execute()
    },
  },
  '0004-client-bars': {
    async up(db) {
      await db.schema
        .createTable('warren_client_bars')
        .addColumn('client_id', 'text', (column) => column.notNull().primaryKey())
        .addColumn('login_locked', 'integer', (column) => column.notNull())
        .addColumn('banned', 'integer', (column) => column.notNull())
        .addColumn('deleted_at', 'text')
        .addColumn('origin', 'text')
        .addColumn('changed_at', 'text', (column) => column.notNull())
        .execute()
      // Every replica polls for new rows every few seconds.
      await db.schema.createIndex('warren_client_bars_by_time').on('warren_client_bars').column('changed_at').execute()
    },
  },
  '0005-presence': {
    async up(db) {
      await db.schema
        .createTable('warren_presence')
        .addColumn('client_id', 'text', (column) => column.notNull().primaryKey())
        .addColumn('online', 'integer', (column) => column.notNull())
        .addColumn('seen_at', 'text', (column) => column.notNull())
        .execute()
    },
  },
  '0007-positions': {
    async up(db) {
      await db.schema
        .createTable('warren_positions')
        .addColumn('client_id', 'text', (column) => column.notNull())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('topic', 'text')
        .addColumn('place', 'text')
        .addColumn('epoch', 'text')
        .addColumn('next_offset', 'bigint')
        .addColumn('holder', 'bigint', (column) => column.notNull())
        .addColumn('moved_at', 'text', (column) => column.notNull())
        .addColumn('used_at', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('warren_positions_key', ['client_id', 'name'])
        .execute()
      // Expired positions are removed by it.
      await db.schema.createIndex('warren_positions_by_use').on('warren_positions').column('used_at').execute()
    },
  },
  '0008-position-replicas': {
    async up(db) {
      for (const column of ['held_by', 'held_before'])
        await db.schema.alterTable('warren_positions').addColumn(column, 'text').execute()
    },
  },
}
const additionsTable = 'warren_additions'

/**
 * Migrates the database to the latest version; repeatable. `schema` is the schema of Warren's
 * tables, on databases with schemas. The migration tables have names of their own, because other
 * programs that use kysely may share the database.
 */
export async function migrate<T>(db: Kysely<T>, schema?: string): Promise<void> {
  await run(db, { table: 'warren_migrations', migrations, schema })
  const fromLaterReleases = Object.fromEntries(
    (await recordedIn(db, additionsTable, schema)).map((name) => [name, noChange]),
  )
  await run(db, { table: additionsTable, migrations: { ...fromLaterReleases, ...additions }, schema })
}

async function run<T>(
  db: Kysely<T>,
  options: { table: string; migrations: Record<string, Migration>; schema: string | undefined },
): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(options.migrations) },
    migrationTableName: options.table,
    migrationLockTableName: `${options.table}_lock`,
    migrationTableSchema: options.schema,
    // A later release may have recorded its migrations before this one's.
    allowUnorderedMigrations: true,
  })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) throw new RegistryError('cannot be migrated', error)
}

const noChange: Migration = { up: () => Promise.resolve() }

async function recordedIn<T>(db: Kysely<T>, table: string, schema: string | undefined): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some((found) => found.name === table && (schema === undefined || found.schema === schema))) return []
  const { rows } = await sql<{ name: string }>`select name from ${sql.table(table)}`.execute(db)
  return rows.map(({ name }) => name)
}
