import { Command } from 'commander'
import { visibleJson } from '../../core/body/invisible-characters.ts'
import type { EventSchema } from '../../events/model/event-schema.ts'
import { takesConfig } from '../config-flags.ts'
import { CommandFailure, exitStatus } from '../failure.ts'
import { printedMistakes, readServedFiles, schemaConfig } from './served-files.ts'

export function diffSchemaCommand(): Command {
  const command = new Command('diff')
    .description(
      'prints what clients of the old schema can no longer do with the new one, and exits with 1 if there is anything',
    )
    .argument('<old>', 'a file, a folder or a pattern')
    .argument('<new>', 'a file, a folder or a pattern')
    .option('--json', 'print one JSON object: ok, and breakingChanges')
  return takesConfig(
    command,
    schemaConfig.filter((name) => name !== 'schema'),
  ).action(async (oldFiles: string, newFiles: string, { json }: { json?: boolean }) => {
    const [old, next] = [await schemaIn(command, oldFiles), await schemaIn(command, newFiles)]
    const { breakingChanges } = await import('../../events/sdl/type-system/served-schema.ts')
    const changes = breakingChanges(old, next)
    if (json) process.stdout.write(`${visibleJson({ ok: changes.length === 0, breakingChanges: changes }, 2)}\n`)
    else process.stdout.write(changes.map((change) => `${change}\n`).join(''))
    if (changes.length > 0)
      throw new CommandFailure(`${changes.length} breaking change${changes.length === 1 ? '' : 's'}`, exitStatus.failed)
    if (!json) process.stdout.write('No breaking change\n')
  })
}

async function schemaIn(command: Command, files: string): Promise<EventSchema> {
  const reading = await readServedFiles(command, [files])
  if ('mistakes' in reading) throw new CommandFailure((await printedMistakes(reading.mistakes)).trimEnd())
  return reading.schema
}
