import { openEmbeddedRegistry } from './embedded-registry.ts'
import { openPostgresRegistry } from './postgres-registry.ts'
import type { SqlRegistry } from './sql-registry.ts'

/**
 * Opens the registry, brought up to date: PostgreSQL where a URL is given (`postgres://…`),
 * otherwise the embedded one in `dataDir`. Rejects with one sentence that says what cannot be
 * reached or written.
 */
export async function openRegistry({
  databaseUrl,
  dataDir,
}: {
  databaseUrl?: string | undefined
  dataDir: string
}): Promise<SqlRegistry> {
  return databaseUrl === undefined ? openEmbeddedRegistry(dataDir) : openPostgresRegistry(databaseUrl)
}
