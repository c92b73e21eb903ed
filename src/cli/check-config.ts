import { Command } from 'commander'
import { checkTogether } from '../config/check-together.ts'
import { effectiveConfig } from '../config/effective.ts'
import { loadWithOrigins } from '../config/load.ts'
import { surroundings } from '../config/surroundings.ts'

export function checkConfigCommand(): Command {
  return new Command('check-config')
    .description('prints the configuration that holds, secrets masked; takes the flags of start')
    .allowUnknownOption()
    .allowExcessArguments()
    .action((_options: unknown, { args }: Command) => {
      const { config, origins } = loadWithOrigins(surroundings(args))
      checkTogether(config, { secretGenerated: config.jwtSecret === undefined })
      process.stdout.write(effectiveConfig(config, origins))
    })
}
