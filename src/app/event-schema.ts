import { readFile, stat } from 'node:fs/promises'
import type { GraphQLSchema } from 'graphql'
import { glob } from 'tinyglobby'
import type { GatewayBroker } from '../brokers/driver.ts'
import type { Config } from '../config/options/options.ts'
import type { PublicationResult } from '../core/accounting/labels.ts'
import { errorText } from '../core/model/error-text.ts'
import { type Source, schemaSource } from '../core/model/source.ts'
import type { Observer } from '../core/ports/observer.ts'
import { asSubgraph } from '../events/federation/subgraph.ts'
import type { EventSchema } from '../events/model/event-schema.ts'
import { RequestLimit } from '../events/publishing/request-limit.ts'
import { printMistake } from '../events/sdl/mistakes.ts'
import { type EventSchemaOptions, type EventSchemaReading, readEventSchema } from '../events/sdl/read-event-schema.ts'
import type { SdlFile } from '../events/sdl/source-files.ts'
import { schemaForOperators } from '../events/sdl/type-system/operator-names.ts'
import { breakingChanges } from '../events/sdl/type-system/served-schema.ts'
import { EventFields } from '../events/serving/event-fields.ts'
import { addFieldResolvers } from '../events/serving/field-resolvers.ts'
import { NamedEvents } from '../events/serving/named-events.ts'
import { ServedEvents } from '../events/serving/served-events.ts'
import type { Served } from '../events/serving/served-schema.ts'
import { TypedOperations } from '../events/serving/typed-operations.ts'
import { binaryDecoders } from '../events/values/binary-decoders.ts'
import type { Closing } from './closing.ts'
import { TypedSchemaReader } from './inspection/schema-reader.ts'
import { SchemaError } from './schema-error.ts'

type SchemaConfig = Pick<Config, 'core' | 'federation' | 'exchangeMap' | 'namespace'> & {
  readonly schema: readonly string[]
}

type Reading = Exclude<EventSchemaReading, { readonly mistakes: unknown }>

export interface TypedEvents {
  /** What the gateway matches messages with. */
  readonly events: ServedEvents
  /** What is served at the start. */
  readonly served: Served
  /** For operators. */
  readonly reader: TypedSchemaReader
  /** What brings the messages of the fields into the journal. */
  readonly sources: readonly Source[]
  /** Reads the files again. Changes nothing yet. Rejects with `SchemaError`. */
  readonly read: () => Promise<NextSchema>
}

/** A schema that was read again. */
export interface NextSchema {
  readonly served: Served
  readonly files: readonly SdlFile[]
  readonly sources: readonly Source[]
  /** What clients of the schema before can no longer do, one sentence a change. */
  readonly breakingChanges: readonly string[]
  /** Whether anything differs from the schema before. */
  readonly changed: boolean
  /** From now on messages are matched by this schema. */
  readonly take: () => void
}

interface ReadFields extends Pick<Reading, 'federation' | 'core' | 'lacksCore'> {
  readonly fields: EventFields
  readonly files: readonly SdlFile[]
}

export interface TypedEventsParts {
  readonly observer: Observer
  readonly broker: GatewayBroker
  readonly closing: Closing
  readonly coreSchema: GraphQLSchema
}

/** Reads the team's SDL, and makes what serves it. Rejects with `SchemaError`. */
export async function openTypedEvents(
  config: SchemaConfig & Pick<Config, 'maxDecodedBytes'>,
  { observer, broker, closing, coreSchema }: TypedEventsParts,
): Promise<TypedEvents> {
  const requester = broker.openRequester()
  closing.add(() => requester.close())
  const requests = {
    requester,
    limit: new RequestLimit(),
    decoders: binaryDecoders,
    maxDecodedBytes: config.maxDecodedBytes,
    onPublished: (field: string, result: PublicationResult) => observer.fieldPublished(field, result),
    onInvalid: (field: string, pointer: string, expected: string) =>
      observer.log('warn', `a reply to ${field} does not fit the schema at "${pointer}": expected ${expected}`),
  }
  const read = async (): Promise<ReadFields> => {
    const files = await readSdlFiles(config.schema)
    const { schema, remarks, ...rest } = readSchema(files, config, coreSchema)
    for (const remark of remarks) observer.log('info', `WARREN_SCHEMA: ${printMistake(remark)}`)
    const fields = new EventFields(schema, {
      decoders: binaryDecoders,
      maxDecodedBytes: config.maxDecodedBytes,
      count: (field, result) => {
        observer.fieldCounter(field)[result] += 1
      },
    })
    return { fields, files, ...rest }
  }
  const first = await read()
  const events = new ServedEvents(first.fields)
  const serve = ({ fields, federation, core, lacksCore }: ReadFields): Served => {
    const operations = new TypedOperations(events, fields)
    addFieldResolvers(operations, requests)
    const { schema } = fields
    const served = config.federation
      ? asSubgraph(schema.schema, { coreSchema: core, team: { schema, marks: federation } })
      : schema.schema
    const named = new NamedEvents(events, fields)
    const isCore = (name: string) => core.getSubscriptionType()?.getFields()[name] !== undefined
    const operators = lacksCore
      ? {
          schema: schemaForOperators(schema.schema, core),
          operations: new TypedOperations(events, fields, isCore),
          named,
        }
      : { schema: schema.schema, operations, named }
    return { schema: served, operations, named, operators }
  }
  const countFieldsOf = ({ events: fields, publications }: EventSchema): void =>
    observer.fieldsServed([...fields.keys()], [...publications.keys()])
  countFieldsOf(first.fields.schema)
  const served = serve(first)
  const reader = new TypedSchemaReader(served, first.fields.schema, first.files)
  return {
    events,
    served,
    reader,
    sources: schemaSources(first.fields.schema),
    read: async () => {
      const next = await read()
      const before = events.current.schema
      const nextServed = serve(next)
      return {
        served: nextServed,
        files: next.files,
        sources: schemaSources(next.fields.schema),
        breakingChanges: breakingChanges(before, next.fields.schema),
        changed: next.fields.schema.hash !== before.hash,
        take: () => {
          events.replace(next.fields)
          countFieldsOf(next.fields.schema)
          reader.onLoaded(nextServed, next.fields.schema, next.files)
        },
      }
    },
  }
}

/** Reads the team's SDL. `coreSchema`: Warren's own. Throws `SchemaError`. */
function readSchema(files: readonly SdlFile[], config: SchemaConfig, coreSchema: GraphQLSchema): Reading {
  const reading = readEventSchema(files, readingOptions(config, coreSchema))
  if ('mistakes' in reading) {
    const errors = reading.mistakes.filter(({ severity }) => severity === 'error')
    throw new SchemaError(['WARREN_SCHEMA cannot be served:', ...errors.map(printMistake)].join('\n'), reading.mistakes)
  }
  return reading
}

/** How SDL is read in this deployment. */
export function readingOptions(
  { core, exchangeMap, namespace }: Pick<Config, 'core' | 'exchangeMap' | 'namespace'>,
  coreSchema: GraphQLSchema,
): EventSchemaOptions {
  return { coreSchema, core, exchangeMap: new Map(exchangeMap), namespace }
}

/** A folder stands for all files below it that end so. */
const sdlFiles = '**/*.{graphql,graphqls,gql}'

/** The files of a list of files, folders and patterns, sorted by path, each once. */
export async function readSdlFiles(paths: readonly string[]): Promise<SdlFile[]> {
  const found = new Set<string>()
  for (const path of paths) {
    const files = await filesAt(path)
    if (files.length === 0) throw new SchemaError(`WARREN_SCHEMA: no file is at "${path}"`)
    for (const file of files) found.add(file)
  }
  return Promise.all(
    [...found].toSorted().map(async (path) => {
      try {
        return { path, text: await readFile(path, 'utf8') }
      } catch (error) {
        throw new SchemaError(`WARREN_SCHEMA: "${path}" cannot be read: ${errorText(error)}`)
      }
    }),
  )
}

async function filesAt(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isFile()) return [path]
  if (found?.isDirectory()) {
    const inside = await glob(sdlFiles, { cwd: path })
    return inside.map((file) => `${path.replace(/\/$/, '')}/${file}`)
  }
  return glob(path.replace(/^\.\//, ''), { expandDirectories: false })
}

/** The sources that bring the messages of all event fields into the journal, each once. */
function schemaSources({ events }: EventSchema): Source[] {
  const sources = [...events.values()].flatMap(({ bindings }) =>
    bindings.map((binding) => schemaSource({ ...binding, bindingKey: binding.pattern.bindingKey })),
  )
  return [...new Map(sources.map((source) => [source.id, source])).values()]
}
