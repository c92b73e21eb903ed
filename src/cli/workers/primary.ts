import cluster from 'node:cluster'
import type { Config } from '../../config/options/options.ts'
import { createLogger } from '../../observability/logger.ts'
import { createMetrics } from '../../observability/metrics.ts'
import { openOpsListener } from '../../observability/ops-listener.ts'
import { opsHosts } from '../../transports/http/hosts.ts'
import { RequestTurns } from '../../transports/http/request-turns.ts'
import { endSignal } from '../end-signal.ts'
import { CommandFailure } from '../failure.ts'
import { listenProblem } from '../listen-problem.ts'
import { welcome } from '../welcome.ts'
import { consoleProxy } from './console-proxy.ts'
import { WorkerPool } from './worker-pool.ts'

/**
 * Runs WARREN_WORKERS gateways on the same ports and serves the ops port for all of them. It serves
 * no client itself. With WARREN_DEMO it runs the programs of the demo, so that they stay when its
 * gateway is killed.
 */
export async function serveAsPrimary(config: Config, readAgain: () => Config): Promise<void> {
  // JSON would turn NaN (the lag of an event loop that has not run yet) into null.
  cluster.setupPrimary({ serialization: 'advanced' })
  const logger = createLogger({ level: config.logLevel, format: config.logFormat })
  const pool = new WorkerPool(config.workers, logger.log, createMetrics())
  let { drainMs } = config
  const signal = endSignal(() => pool.kill())
  process.on('SIGHUP', () => {
    pool.reload()
    try {
      const now = readAgain()
      drainMs = now.drainMs
      logger.setLevel(now.logLevel)
    } catch {
      // Each worker logs what is wrong with it.
    }
  })
  process.on('SIGUSR2', () => void pool.roll())

  const ops =
    config.opsPort === 'off'
      ? undefined
      : await openOpsListener({
          host: config.opsHost,
          port: config.opsPort,
          allowsHost: opsHosts(config),
          health: pool,
          metrics: pool,
          turns: new RequestTurns(config.keepAliveMs),
        }).catch((error: Error) => {
          throw listenProblem(error, config) ?? error
        })
  // Imported late, because few gateways run it.
  const demo = config.demo ? (await import('../demo/demo.ts')).createDemo(config, pool) : undefined
  const hasConsole = ops !== undefined && config.console !== 'off'
  if (hasConsole) ops.add(consoleProxy(() => pool.consoles))
  try {
    const running = await Promise.race([pool.start(), signal])
    if (typeof running !== 'string') {
      // With WARREN_CONSOLE=on, the workers name the console of their port.
      const consoleOnOps = hasConsole && config.console !== 'on' ? [{ name: 'console', url: `${ops.url}/console` }] : []
      const opsEndpoint = ops ? [{ name: 'health and metrics', url: `${ops.url}/readyz` }] : []
      const workers = config.workers > 1 ? [`${config.workers} workers serve together.`] : []
      const notes = [...running.notes, ...workers]
      const shop = (await demo?.start()) ?? []
      const endpoints = [...shop, ...consoleOnOps, ...running.endpoints, ...opsEndpoint]
      process.stdout.write(welcome({ ...running, notes, endpoints }, config, demo?.tour))
    }
    // On Ctrl-C a user waits at a terminal, so do not drain.
    const received = await signal
    await demo?.stop()
    const ended = received === 'SIGINT' ? await pool.end(0, 0) : await pool.end(drainMs)
    if (!ended) throw new CommandFailure('some workers did not exit in time and were killed')
  } catch (error) {
    await pool.end(0, 0)
    throw error
  } finally {
    await demo?.stop()
    await ops?.close()
  }
}
