import { Command } from 'commander'
import { effectiveConfig } from '../../config/effective.ts'
import { loadWithOrigins } from '../../config/load/load.ts'
import { processInputs } from '../../config/load/process-inputs.ts'
import { checkStart } from '../check-start.ts'

export function checkConfigCommand(): Command {
  return new Command('check-config')
    .description(
      'prints the effective configuration with secrets masked, or the reasons why start would refuse it; takes the flags of start',
    )
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async (_options: unknown, { args }: Command) => {
      const { config, origins } = loadWithOrigins(processInputs(args))
      await checkStart(config)
      process.stdout.write(effectiveConfig(config, origins))
    })
}
