import cluster from 'node:cluster'
import type { Config } from '../../config/options/options.ts'
import { serveAsPrimary } from './primary.ts'
import { serveAsWorker } from './worker.ts'

/**
 * Serves with several processes on the same ports. This process is the primary or one of the
 * workers.
 */
export async function serveTogether(config: Config, readAgain: () => Config): Promise<void> {
  if (cluster.worker) await serveAsWorker(cluster.worker, config, readAgain)
  else await serveAsPrimary(config, readAgain)
}
