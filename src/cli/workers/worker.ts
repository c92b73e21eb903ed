import type { Worker } from 'node:cluster'
import type { Config } from '../../config/options/options.ts'
import type { Gateway } from '../../core/gateway.ts'
import { Health } from '../../observability/health.ts'
import { createMetrics } from '../../observability/metrics.ts'
import { describeFailure } from '../failure.ts'
import { listenProblem } from '../listen-problem.ts'
import type { FromWorker, ToWorker } from './messages.ts'

type End = Omit<Extract<ToWorker, { kind: 'end' }>, 'kind'>

/**
 * Serves as one of several gateways on the same ports. It obeys the primary, and drains and ends if
 * the primary is gone. It reports a failure to the primary and exits.
 */
export async function serveAsWorker(worker: Worker, config: Config, readAgain: () => Config): Promise<void> {
  // A terminal and a service manager signal all processes at once. The workers ignore that and wait
  // for the primary's message.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'] as const) process.on(signal, () => undefined)
  const health = new Health()
  const metrics = createMetrics()
  const report = (message: FromWorker) => send(worker, message)
  let reload = (): void => undefined
  let publish: Gateway['publish'] = () => Promise.reject(new Error('the gateway is not open yet'))
  const toEnd = new Promise<End>((resolve) => {
    worker.on('message', (message: ToWorker) => {
      if (message.kind === 'end') resolve(message)
      else if (message.kind === 'reload') reload()
      else if (message.kind === 'publish') void confirm(message)
      else void answer(message)
    })
    worker.once('disconnect', () => {
      // Otherwise Node ends a worker at once, with its clients, when its primary exits.
      worker.exitedAfterDisconnect = true
      resolve({})
    })
  })
  const answer = async ({ id, at }: Extract<ToWorker, { kind: 'query' }>): Promise<void> => {
    if (at === 'health') await report({ kind: 'health', id, ready: health.ready() })
    else await report({ kind: 'metrics', id, metrics: await metrics.snapshot() })
  }
  const confirm = async ({ id, publication }: Extract<ToWorker, { kind: 'publish' }>): Promise<void> => {
    const confirmed = await publish(publication).then(
      () => true,
      () => false,
    )
    await report({ kind: 'published', id, confirmed })
  }
  await report({ kind: 'receiving' })
  try {
    const { openApp } = await import('../../app/open.ts')
    // Imported late, because few gateways run it.
    const demo = config.demo ? await import('../demo/demo-gateway.ts') : undefined
    const app = await Promise.race([
      openApp(demo?.demoConfig(config) ?? config, {
        metrics,
        health,
        worker: worker.id,
        forPrimary: config.opsPort !== 'off',
        ...demo?.demoFolders(config),
      }),
      toEnd,
    ])
    if (!('gateway' in app)) return
    await demo?.createShopSources(app.gateway)
    publish = (publication) => app.gateway.publish(publication)
    reload = () => app.reload(readAgain)
    const { endpoints, operatorToken, notes } = app
    await report({ kind: 'listening', running: { endpoints, operatorToken, notes }, console: app.console })
    await app.close(await toEnd)
    await report({ kind: 'ended', metrics: await metrics.snapshot() })
  } catch (error) {
    const failure = describeFailure(error instanceof Error ? (listenProblem(error, config) ?? error) : error)
    await report({ kind: 'failed', ...failure })
    process.exit(failure.status)
  }
}

/** Resolves when the message was sent, or if the primary is gone. */
function send(worker: Worker, message: FromWorker): Promise<void> {
  return new Promise((resolve) => {
    if (worker.isConnected()) worker.send(message, () => resolve())
    else resolve()
  })
}
