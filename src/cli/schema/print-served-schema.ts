import { Command } from 'commander'
import { takesConfig } from '../config-flags.ts'
import { CommandFailure } from '../failure.ts'
import { printedMistakes, readServedFiles, schemaConfig } from './served-files.ts'

export function printServedSchemaCommand(): Command {
  const command = new Command('print')
    .description("prints the whole schema that is served: Warren's own and the team's, without directives")
    .argument('[files...]', 'files, folders or patterns (default: WARREN_SCHEMA)')
    .option('--directives', 'print the definitions of the directives instead, for editors')
  return takesConfig(command, schemaConfig).action(async (files: string[], given: { directives?: boolean }) => {
    if (given.directives) {
      const { printDirectives } = await import('../../events/sdl/directives/definitions.ts')
      process.stdout.write(printDirectives())
      return
    }
    const reading = await readServedFiles(command, files)
    if ('mistakes' in reading) throw new CommandFailure((await printedMistakes(reading.mistakes)).trimEnd())
    const { printServedSchema } = await import('../../events/sdl/types/served-schema.ts')
    process.stdout.write(printServedSchema(reading.schema))
  })
}
