import { Command } from 'commander'
import { load } from '../../config/load/load.ts'
import { processInputs } from '../../config/load/process-inputs.ts'
import type { Config } from '../../config/options/options.ts'
import { checkStart } from '../check-start.ts'
import { endSignal } from '../end-signal.ts'
import { exitStatus, report } from '../failure.ts'
import { listenProblem } from '../listen-problem.ts'
import { welcome } from '../welcome.ts'

export function startCommand(): Command {
  return new Command('start')
    .description(
      'runs the gateway until SIGTERM, which closes sessions over WARREN_DRAIN, or SIGINT, which closes them at once',
    )
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async (_options: unknown, { args }: Command) => {
      const read = () => load(processInputs(args))
      const config = read()
      await checkStart(config)
      // Imported late, so that a single process does not load node:cluster. The gateway of the demo
      // is a worker, so that it can be killed.
      const serving =
        config.workers > 1 || config.demo ? (await import('../workers/serve-together.ts')).serveTogether : serve
      const status = await serving(config, read).then(() => exitStatus.ok, report)
      // Remaining handles must not keep the process alive.
      process.exit(status)
    })
}

async function serve(config: Config, readAgain: () => Config): Promise<void> {
  let reload = (): void => undefined
  process.on('SIGHUP', () => reload())
  const signal = endSignal()
  // Imported late, so that the other commands start without the whole gateway.
  const { openApp } = await import('../../app/open.ts')
  const app = await Promise.race([openApp(config), signal]).catch((error: unknown) => {
    throw error instanceof Error ? (listenProblem(error, config) ?? error) : error
  })
  if (typeof app === 'string') return
  reload = () => app.reload(readAgain)
  process.stdout.write(welcome(app, config))
  // On Ctrl-C a user waits at a terminal, so do not drain.
  const received = await signal
  await app.close(received === 'SIGINT' ? { drainMs: 0 } : undefined)
}
