import { Command } from 'commander'
import { takesConfig } from '../config-flags.ts'
import { CommandFailure } from '../failure.ts'
import { printedMistakes, printSdl, readServedFiles, schemaConfig, sdlAsJson } from './served-files.ts'

export function printServedSchemaCommand(): Command {
  const command = new Command('print')
    .description("prints the whole schema that is served: Warren's own and the team's, without directives")
    .argument('[files...]', 'files, folders or patterns (default: WARREN_SCHEMA)')
    .option('--directives', 'print the definitions of the directives instead, for editors')
    .option(...sdlAsJson)
  return takesConfig(command, schemaConfig).action(
    async (files: string[], given: { directives?: boolean; json?: boolean }) => {
      if (given.directives) {
        const { printDirectives } = await import('../../events/sdl/directives/definitions.ts')
        printSdl(printDirectives(), given.json)
        return
      }
      const reading = await readServedFiles(command, files)
      if ('mistakes' in reading) throw new CommandFailure((await printedMistakes(reading.mistakes)).trimEnd())
      const { printServedSchema } = await import('../../events/sdl/type-system/served-schema.ts')
      printSdl(printServedSchema(reading.schema), given.json)
    },
  )
}
