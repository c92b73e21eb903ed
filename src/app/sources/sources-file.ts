import { readFile } from 'node:fs/promises'
import { parse as parseYaml } from 'yaml'
import { ConfigError } from '../../config/config-error.ts'
import { errorText } from '../../core/model/error-text.ts'
import {
  type ClientIdSource,
  checkDefinition,
  defaultRoutingKey,
  exchangeTypes,
  type Source,
  type SourceDefinition,
  sourceId,
} from '../../core/model/source.ts'

/** What a file of sources asks for. */
export interface SourcesFile {
  readonly sources: readonly SourceDefinition[]
  /** Whether sources that are not in the file are deleted. */
  readonly prune: boolean
}

export interface SourcesDiff {
  readonly create: readonly SourceDefinition[]
  readonly unchanged: readonly SourceDefinition[]
  /** Created through the API, and not in the file. */
  readonly extra: readonly SourceInUse[]
}

/** A source of the gateway, as far as a diff needs it. */
export type SourceInUse = Pick<Source, 'id' | 'exchange' | 'routingKey'>

const memberNames = ['exchange', 'type', 'key', 'clientId', 'buffered']
const clientIdNames = ['header', 'bodyPointer', 'fixed', 'everyone']

/** Reads a YAML or JSON file. Rejects with `ConfigError`. `name`: the option with its path. */
export async function readSourcesFile(path: string, name: string): Promise<SourcesFile> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new ConfigError([`${name}: "${path}" cannot be read: ${errorText(error)}`])
  }
  return parseSourcesFile(text, `${name}: ${path}`)
}

/** Throws `ConfigError` with one sentence for each mistake. */
export function parseSourcesFile(text: string, where: string): SourcesFile {
  let content: unknown
  try {
    content = parseYaml(text)
  } catch (error) {
    throw new ConfigError([`${where}: expected YAML: ${errorText(error)}`])
  }
  const mistakes: string[] = []
  const { sources, prune = false, ...others } = objectOf(content)
  for (const other of Object.keys(others)) mistakes.push(`${other}: expected only sources and prune`)
  if (!Array.isArray(sources)) mistakes.push('sources: expected a list')
  if (typeof prune !== 'boolean') mistakes.push('prune: expected true or false')
  const definitions: SourceDefinition[] = []
  for (const [index, item] of (Array.isArray(sources) ? sources : []).entries()) {
    try {
      definitions.push(definitionOf(item))
    } catch (error) {
      mistakes.push(`sources[${index}].${errorText(error)}`)
    }
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes.map((mistake) => `${where}: ${mistake}`))
  return { sources: definitions, prune: prune === true }
}

/** `inUse`: without the default source and those of typed fields. */
export function diffOf(wanted: readonly SourceDefinition[], inUse: readonly SourceInUse[]): SourcesDiff {
  const known = new Set(inUse.map(({ id }) => id))
  const ids = new Set(wanted.map(sourceId))
  return {
    create: wanted.filter((definition) => !known.has(sourceId(definition))),
    unchanged: wanted.filter((definition) => known.has(sourceId(definition))),
    extra: inUse.filter(({ id }) => !ids.has(id)),
  }
}

/** One line, such as `orders (TOPIC) orders.{clientId}.#`. */
export function describeDefinition({
  exchange,
  exchangeType,
  routingKey,
  clientId,
  buffered,
}: SourceDefinition): string {
  const rule = clientId === undefined ? [] : [JSON.stringify(clientId)]
  return [exchange, `(${exchangeType})`, routingKey, ...rule, ...(buffered ? ['buffered'] : [])].join(' ')
}

function definitionOf(item: unknown): SourceDefinition {
  const { exchange, type = 'topic', key = defaultRoutingKey, clientId, buffered = false, ...others } = objectOf(item)
  const [other] = Object.keys(others)
  if (other !== undefined) throw new Error(`${other}: expected only ${memberNames.join(', ')}`)
  if (typeof exchange !== 'string') throw new Error('exchange: expected a text')
  if (typeof key !== 'string') throw new Error('key: expected a text')
  if (typeof buffered !== 'boolean') throw new Error('buffered: expected true or false')
  const exchangeType = exchangeTypes.find((known) => known === String(type).toUpperCase())
  if (!exchangeType) throw new Error(`type: expected ${exchangeTypes.join(', ').toLowerCase()}`)
  return checkDefinition({
    exchange,
    exchangeType,
    routingKey: key,
    clientId: clientId === undefined ? undefined : clientIdOf(clientId),
    ...(buffered ? { buffered } : {}),
  })
}

function clientIdOf(value: unknown): ClientIdSource {
  const given = Object.entries(objectOf(value))
  const [first, ...others] = given
  const [name, rule] = first ?? []
  if (name === undefined || others.length > 0 || !clientIdNames.includes(name))
    throw new Error(`clientId: expected one of ${clientIdNames.join(', ')}`)
  if (name === 'everyone' ? typeof rule !== 'boolean' : typeof rule !== 'string')
    throw new Error(`clientId.${name}: expected ${name === 'everyone' ? 'true' : 'a text'}`)
  return { [name]: rule } as unknown as ClientIdSource
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}
