import type { StateStore } from '../../core/state/state-store.ts'
import { openEmbeddedStateStore } from './embedded-state-store.ts'

/** Opens the store of keyed state beside the registry, as `openRegistry` does. */
export async function openStateStore({
  databaseUrl,
  dataDir,
}: {
  databaseUrl?: string | undefined
  dataDir: string
}): Promise<StateStore> {
  if (databaseUrl === undefined) return openEmbeddedStateStore(dataDir)
  const { openPostgresStateStore } = await import('./postgres-state-store.ts')
  return openPostgresStateStore(databaseUrl)
}

/** A store that is opened when it is first used. If that fails, the next use tries again. */
export function lazyStateStore(open: () => Promise<StateStore>): StateStore {
  let opening: Promise<StateStore> | undefined
  const store = (): Promise<StateStore> => {
    opening ??= open().catch((error: unknown) => {
      opening = undefined
      throw error
    })
    return opening
  }
  return {
    lease: async (options) => (await store()).lease(options),
    release: async (...parameters) => (await store()).release(...parameters),
    reset: async (...parameters) => (await store()).reset(...parameters),
    fold: async (fold) => (await store()).fold(fold),
    forget: async (options) => (await store()).forget(options),
    sweep: async () => (await store()).sweep(),
    head: async (id) => (await store()).head(id),
    page: async (request) => (await store()).page(request),
    close: async () => (await opening)?.close(),
  }
}
