import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { Command } from 'commander'
import { errorText } from '../../core/model/error-text.ts'
import type { ImportOptions } from '../../events/import/import-options.ts'
import { CommandFailure } from '../failure.ts'
import { printSdl, sdlAsJson } from './served-files.ts'

export function importSchemaCommand(): Command {
  return new Command('import')
    .description(
      'prints a draft of SDL for an AsyncAPI document (2 or 3), a JSON Schema, or messages as JSON (one, an array, or one a line)',
    )
    .argument('<file>', 'the document, as JSON or YAML; - reads standard input')
    .option('--exchange <name>', 'the exchange of the events, if the document names none')
    .option('--field <name>', 'the name of the subscription field; an AsyncAPI document names its own')
    .option('--no-examples', 'print no examples in comments')
    .option(...sdlAsJson)
    .action(async (file: string, { json, ...options }: ImportOptions & { json?: boolean }) => {
      const content = file === '-' ? await text(process.stdin) : await contentOf(file)
      // Imported late, so that the other commands start without the YAML parser.
      const [{ importDocument }, { ImportRefused }] = await Promise.all([
        import('../../events/import/import-document.ts'),
        import('../../events/import/import-options.ts'),
      ])
      try {
        printSdl(importDocument(content, options), json)
      } catch (error) {
        if (!(error instanceof ImportRefused)) throw error
        throw new CommandFailure(`${file}: ${error.message}`)
      }
    })
}

async function contentOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new CommandFailure(`${file}: cannot be read: ${errorText(error)}`)
  }
}
