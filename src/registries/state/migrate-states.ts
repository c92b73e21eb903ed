import { type Kysely, Migrator } from 'kysely'
import { RegistryError } from '../registry-error.ts'
import { type StateTables, stateMigrations } from './state-tables.ts'

/**
 * Migrates the tables of keyed state; repeatable. They have a table of migrations of their own,
 * because gateways without `@state` do not have them.
 */
export async function migrateStates(db: Kysely<StateTables>, schema?: string): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(stateMigrations) },
    migrationTableName: 'warren_state_migrations',
    migrationLockTableName: 'warren_state_migrations_lock',
    migrationTableSchema: schema,
    allowUnorderedMigrations: true,
  })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) throw new RegistryError('cannot be migrated', error)
}
