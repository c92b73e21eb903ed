import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withOptions } from '../../config/load/origins.ts'
import type { Config } from '../../config/options/options.ts'
import { packageRoot } from '../../config/package-root.ts'
import type { Gateway } from '../../core/gateway.ts'
import { shopSources } from './shop.ts'

/** The journal of the demo, in bytes. */
const maxJournalBytes = 48 * 1024 * 1024
/** How far back the demo's messages can be traced, in milliseconds. */
const hotWindowMs = 60 * 60_000

const demoSchema = fileURLToPath(`${packageRoot(import.meta.url)}schema/demo/shop.graphql`)

/** The configuration of a gateway that runs the demo. A schema of the user replaces the demo's. */
export function demoConfig(config: Config): Config {
  const { schema = [demoSchema], retention, hotWindow } = config
  return withOptions(config, {
    schema,
    retention: { ...retention, maxBytes: Math.min(retention.maxBytes, maxJournalBytes) },
    hotWindow: {
      maxAgeMs: Math.max(hotWindow.maxAgeMs, hotWindowMs),
      maxBytes: Math.min(hotWindow.maxBytes, maxJournalBytes),
    },
  })
}

/** Where the gateway of the demo keeps what must survive it. The next demo begins empty. */
export function demoFolders({ dataDir }: Pick<Config, 'dataDir'>): { registryDir: string; journalDir: string } {
  const registryDir = join(dataDir, 'demo')
  return { registryDir, journalDir: join(registryDir, 'journal') }
}

/** Called by the primary before the first gateway starts, so a restarted gateway keeps all. */
export function emptyDemoFolders(config: Pick<Config, 'dataDir'>): void {
  rmSync(demoFolders(config).registryDir, { recursive: true, force: true })
}

/** Does nothing for sources that a gateway before this one has created. */
export async function createShopSources(gateway: Pick<Gateway, 'createSource'>): Promise<void> {
  for (const source of shopSources) await gateway.createSource(source)
}
