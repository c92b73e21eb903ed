import { Command } from 'commander'
import { visibleJson } from '../../core/body/invisible-characters.ts'
import type { ExchangeType } from '../../core/model/source.ts'
import type { EventSchema } from '../../events/model/event-schema.ts'
import type { SdlLocation, SdlMistake } from '../../events/model/place.ts'
import type { EventSchemaReading } from '../../events/sdl/read-event-schema.ts'
import { configOf, takesConfig } from '../config-flags.ts'
import { CommandFailure, exitStatus } from '../failure.ts'
import { printedMistakes, readServedFiles, schemaConfig } from './served-files.ts'

const brokerConfig = [...schemaConfig, 'brokerUrl'] as const

interface CheckOptions {
  readonly broker?: boolean
  readonly json?: boolean
}

export function checkSchemaCommand(): Command {
  const command = new Command('check')
    .description('prints all mistakes in the SDL of typed events, one a line, and exits with 1 if there are any')
    .argument('[files...]', 'files, folders or patterns (default: WARREN_SCHEMA)')
    .option('--broker', 'also compare with the exchanges of RabbitMQ (WARREN_BROKER_URL)')
    .option('--json', 'print one JSON object: ok, mistakes with file, line, column, severity and message, and fields')
  return takesConfig(command, brokerConfig).action(async (files: string[], { broker, json }: CheckOptions) => {
    const reading = await readServedFiles(command, files)
    const mistakes =
      'mistakes' in reading
        ? reading.mistakes
        : [...reading.remarks, ...(broker ? await brokerMistakes(reading.schema, command) : [])]
    const errors = mistakes.filter(({ severity }) => severity === 'error').length
    if (json) process.stdout.write(`${visibleJson(jsonOf(reading, mistakes, errors === 0), 2)}\n`)
    else process.stdout.write(await printedMistakes(mistakes))
    if (errors > 0) throw new CommandFailure(`${errors} mistake${errors === 1 ? '' : 's'}`, exitStatus.failed)
    if ('schema' in reading && !json) process.stdout.write(`${summary(reading.schema)}\n`)
  })
}

/** `fields` is absent if the files cannot be served. */
function jsonOf(reading: EventSchemaReading, mistakes: readonly SdlMistake[], ok: boolean): object {
  const listed = mistakes.map(({ location, severity, message }) => ({ ...location, severity, message }))
  if (!('schema' in reading)) return { ok, mistakes: listed }
  const { events, publications, requests } = reading.schema
  return { ok, mistakes: listed, fields: { events: events.size, publish: publications.size, request: requests.size } }
}

function summary({ events, publications, requests }: EventSchema): string {
  const counts = [
    [events.size, 'event field'],
    [publications.size, 'field that publishes', 'fields that publish'],
    [requests.size, 'field that requests', 'fields that request'],
  ] as const
  return counts.map(([count, one, many = `${one}s`]) => `${count} ${count === 1 ? one : many}`).join(', ')
}

async function brokerMistakes(schema: EventSchema, command: Command): Promise<SdlMistake[]> {
  const { MessageSampler } = await import('../../brokers/rabbitmq/sampling/message-sampler.ts')
  const sampler = new MessageSampler(configOf(command, brokerConfig).brokerUrl)
  try {
    const mistakes: SdlMistake[] = []
    for (const { exchange, exchangeType, declares, location } of exchangesOf(schema)) {
      const actual = await sampler.exchangeType(exchange)
      const severity = actual === undefined ? 'remark' : 'error'
      const message = mistakeOf(exchange, exchangeType, declares, actual)
      if (message !== undefined) mistakes.push({ location, message, severity })
    }
    return mistakes
  } finally {
    await sampler.close()
  }
}

interface UsedExchange {
  readonly exchange: string
  /** Undefined: any type will do. */
  readonly exchangeType: ExchangeType | undefined
  /** Whether the gateway declares it if it is missing. */
  readonly declares: boolean
  readonly location: SdlLocation
}

function exchangesOf({ events, publications, requests }: EventSchema): UsedExchange[] {
  const bound = [...events.values()].flatMap(({ bindings }) =>
    bindings.map(({ declare, ...binding }) => ({ ...binding, declares: declare })),
  )
  const published = [...publications.values(), ...requests.values()]
    .filter(({ exchange }) => exchange !== '')
    .map(({ exchange, location }) => ({ exchange, exchangeType: undefined, declares: false, location }))
  return [...bound, ...published]
}

function mistakeOf(
  exchange: string,
  expected: ExchangeType | undefined,
  declares: boolean,
  actual: string | undefined,
): string | undefined {
  if (actual === undefined) {
    return declares
      ? `RabbitMQ has no exchange "${exchange}": the gateway will declare it`
      : `RabbitMQ has no exchange "${exchange}": the field does nothing until it exists`
  }
  if (expected === undefined || actual === 'unknown' || actual.toUpperCase() === expected) return undefined
  return `exchange "${exchange}" is of type ${actual} on RabbitMQ: expected exchangeType: ${actual.toUpperCase()}, got ${expected}`
}
