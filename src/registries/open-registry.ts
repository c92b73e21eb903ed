import type { ClientRegistry } from '../core/client-registry.ts'
import { openEmbeddedRegistry } from './embedded-registry.ts'
import { openPostgresRegistry } from './postgres-registry.ts'

/**
 * Opens the registry, brought up to date: PostgreSQL where a URL is given (`postgres://…`), otherwise the embedded one in `dataDir`.
 * Rejects with one sentence that says what cannot be reached or written.
 */
export async function openRegistry({
  databaseUrl,
  dataDir,
}: {
  databaseUrl?: string | undefined
  dataDir: string
}): Promise<ClientRegistry> {
  return databaseUrl === undefined ? openEmbeddedRegistry(dataDir) : openPostgresRegistry(databaseUrl)
}
