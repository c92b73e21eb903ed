import { openEmbeddedRegistry } from './embedded-registry.ts'
import type { SqlRegistry } from './sql-registry.ts'

/**
 * Opens and migrates the registry: PostgreSQL if a URL is given (`postgres://…`), else the embedded
 * one in `dataDir`. Rejects with one sentence that names what cannot be reached or written.
 */
export async function openRegistry({
  databaseUrl,
  dataDir,
}: {
  databaseUrl?: string | undefined
  dataDir: string
}): Promise<SqlRegistry> {
  if (databaseUrl === undefined) return openEmbeddedRegistry(dataDir)
  // Imported late: most gateways do not load its driver.
  const { openPostgresRegistry } = await import('./postgres-registry.ts')
  return openPostgresRegistry(databaseUrl)
}
