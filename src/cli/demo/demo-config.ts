import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Config } from '../../config/options/options.ts'
import { packageRoot } from '../../config/package-root.ts'

/** The journal of the demo, which is in memory, in bytes. */
const maxJournalBytes = 48 * 1024 * 1024
/** How far back the demo's messages can be traced, in milliseconds. */
const hotWindowMs = 60 * 60_000

const demoSchema = fileURLToPath(`${packageRoot(import.meta.url)}schema/demo/shop.graphql`)

/** The configuration of a gateway that runs the demo. A schema of the user replaces the demo's. */
export function demoConfig(config: Config): Config {
  const { schema = [demoSchema], retention, hotWindow } = config
  return {
    ...config,
    schema,
    retention: { ...retention, maxBytes: Math.min(retention.maxBytes, maxJournalBytes) },
    hotWindow: {
      maxAgeMs: Math.max(hotWindow.maxAgeMs, hotWindowMs),
      maxBytes: Math.min(hotWindow.maxBytes, maxJournalBytes),
    },
  }
}

/**
 * An empty folder for the registry of the demo, so that its sources do not stay in the registry of
 * the user.
 */
export function emptyRegistryFolder({ dataDir }: Pick<Config, 'dataDir'>): string {
  const folder = join(dataDir, 'demo')
  rmSync(folder, { recursive: true, force: true })
  return folder
}
