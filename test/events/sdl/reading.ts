import { printMistake } from '../../../src/events/sdl/mistakes.ts'
import {
  type EventSchemaOptions,
  type EventSchemaReading,
  readEventSchema,
} from '../../../src/events/sdl/read-event-schema.ts'
import { schema as coreSchema } from '../../../src/graphql/schema.ts'

const defaults: EventSchemaOptions = { coreSchema, core: true, exchangeMap: new Map(), namespace: 'warren' }

/** Reads files that are given as texts: `e.graphql` if it is one, else `1.graphql` and so on. */
export function readSdl(
  sdl: string | readonly string[],
  options: Partial<EventSchemaOptions> = {},
): EventSchemaReading {
  const files =
    typeof sdl === 'string'
      ? [{ path: 'e.graphql', text: sdl }]
      : sdl.map((text, index) => ({ path: `${index + 1}.graphql`, text }))
  return readEventSchema(files, { ...defaults, ...options })
}

/** The schema of SDL that has no mistakes. */
export function schemaOf(sdl: string | readonly string[], options: Partial<EventSchemaOptions> = {}) {
  const reading = readSdl(sdl, options)
  if ('mistakes' in reading) throw new Error(reading.mistakes.map(printMistake).join('\n'))
  return reading
}

/** What is printed about the SDL: mistakes, or the remarks if there are none. */
export function printedMistakes(sdl: string | readonly string[], options: Partial<EventSchemaOptions> = {}): string[] {
  const reading = readSdl(sdl, options)
  return ('mistakes' in reading ? reading.mistakes : reading.remarks).map(printMistake)
}

/** The SDL of one event field `order`, with the directives of its `@events` line. */
export function orderField(args: string, directives = '@events(exchange: "orders")', type = 'Order'): string {
  return `type Subscription { order${args === '' ? '' : `(${args})`}: ${type} ${directives} }\ntype Order { id: ID! }`
}
