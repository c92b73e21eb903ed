import type { Command } from 'commander'
import type { OptionName } from '../../config/options/options.ts'
import { visibleJson } from '../../core/body/invisible-characters.ts'
import type { SdlMistake } from '../../events/model/place.ts'
import type { EventSchemaReading } from '../../events/sdl/read-event-schema.ts'
import { configOf } from '../config-flags.ts'
import { wrongUse } from '../failure.ts'

/** The options by which an SDL file is read. */
export const schemaConfig = ['schema', 'core', 'exchangeMap', 'namespace'] as const satisfies readonly OptionName[]

/**
 * Reads the SDL as the gateway would. `paths`: in place of `WARREN_SCHEMA`, if there are any.
 * Rejects with `SchemaError` if a file cannot be read.
 */
export async function readServedFiles(command: Command, paths: readonly string[]): Promise<EventSchemaReading> {
  const config = configOf(command, schemaConfig)
  const files = paths.length > 0 ? paths : config.schema
  if (files === undefined) throw wrongUse('expected files, folders or patterns as arguments, or WARREN_SCHEMA')
  // Imported late, so that the other commands start without GraphQL.
  const [{ readSdlFiles }, { readEventSchema }, { schemaFor }] = await Promise.all([
    import('../../app/event-schema.ts'),
    import('../../events/sdl/read-event-schema.ts'),
    import('../../graphql/schema.ts'),
  ])
  return readEventSchema(await readSdlFiles(files), {
    coreSchema: schemaFor({ namespace: config.namespace, testRoutes: false }),
    core: config.core,
    exchangeMap: new Map(config.exchangeMap),
    namespace: config.namespace,
  })
}

/** The option `--json` of the commands that print SDL. */
export const sdlAsJson = ['--json', 'print one JSON object: sdl, the text'] as const

/** Prints SDL, or with `--json` an object that contains it. */
export function printSdl(sdl: string, json: boolean | undefined, more: object = {}): void {
  process.stdout.write(json ? `${visibleJson({ sdl, ...more }, 2)}\n` : sdl)
}

/** The lines of mistakes, errors as they are and remarks marked as such. */
export async function printedMistakes(mistakes: readonly SdlMistake[]): Promise<string> {
  const { printMistake } = await import('../../events/sdl/mistakes.ts')
  return mistakes
    .map((mistake) => `${printMistake(mistake)}${mistake.severity === 'remark' ? ' (remark)' : ''}\n`)
    .join('')
}
