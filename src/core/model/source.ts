import { createHash } from 'node:crypto'
import { badInput } from '../../errors.ts'
import { splitPointer } from '../json/json-pointer.ts'
import { checkClientId } from './channel-event.ts'
import { checkShortString } from './short-string.ts'

export const exchangeTypes = ['DIRECT', 'FANOUT', 'TOPIC', 'HEADERS'] as const
export type ExchangeType = (typeof exchangeTypes)[number]

/**
 * Where to find the client id of a message if its routing key does not hold it. Exactly one member.
 */
export type ClientIdSource =
  | { readonly header: string }
  | { readonly bodyPointer: string }
  | { readonly fixed: string }
  | { readonly everyone: boolean }

export interface SourceDefinition {
  readonly exchange: string
  readonly exchangeType: ExchangeType
  /**
   * A binding pattern in which `{clientId}` may take the place of one word, or `{clientId#}`, as
   * its last word, that of the rest of the key. Exchanges of type fanout and headers ignore it.
   */
  readonly routingKey: string
  readonly clientId: ClientIdSource | undefined
  /**
   * Whether there is a queue between the exchange and the journal: see docs/guides/sources.md. Not
   * part of the source's id.
   */
  readonly buffered?: boolean
}

/**
 * A "rabbit channel": an exchange, which of its messages to take, and how to find the client id in
 * them.
 */
export interface Source extends SourceDefinition {
  /** Derived from the definition: creating the same source twice results in one source. */
  readonly id: string
  readonly createdAt: Date
  /** Whether Warren created the exchange, and may therefore create it again if it is missing. */
  readonly ownsExchange: boolean
  /**
   * `SCHEMA`: a typed field reads the messages; the source finds no clients for them. Undefined: it
   * was created through the API.
   */
  readonly origin?: 'SCHEMA'
}

/** The source that brings the messages of a typed field into the journal. */
export function schemaSource(binding: {
  readonly exchange: string
  readonly exchangeType: ExchangeType
  /** The binding key: see `bindingOf`. */
  readonly bindingKey: string
  /** Whether a missing exchange is declared. */
  readonly declare: boolean
}): Source {
  const { exchange, exchangeType, bindingKey, declare } = binding
  const ignoresKeys = exchangeType === 'FANOUT' || exchangeType === 'HEADERS'
  const definition = { exchange, exchangeType, routingKey: ignoresKeys ? '#' : bindingKey, clientId: undefined }
  return { ...definition, id: sourceId(definition), createdAt: new Date(), ownsExchange: declare, origin: 'SCHEMA' }
}

/**
 * Whether a definition is one of a typed field: it finds no client id. No other definition may be
 * so (`checkDefinition`).
 */
export function isSchemaDefinition({ routingKey, clientId }: SourceDefinition): boolean {
  return clientId === undefined && !routingKey.split('.').some(isPlaceholder)
}

/**
 * The routing key of a definition that gives none. On the exchange of the default source it means
 * `client.{clientId#}`: see core/sources/default-source.ts.
 */
export const defaultRoutingKey = 'client.{clientId}'
/** In a pattern: one word is the client id. */
export const placeholder = '{clientId}'
/** In a pattern, as the last word: the rest of the key, at least one word, is the client id. */
export const restPlaceholder = '{clientId#}'

export function isPlaceholder(word: string): boolean {
  return word === placeholder || word === restPlaceholder
}

/**
 * Checks a definition against the rules of the exchange types. Throws `BAD_USER_INPUT` with the
 * name of the field, after `prefix`.
 */
export function checkDefinition(given: SourceDefinition, prefix = ''): SourceDefinition {
  const { exchange, exchangeType, clientId } = given
  if (exchange === '') {
    throw badInput(
      `${prefix}exchange`,
      'the default exchange cannot be a source, because no queue can be bound to it; name another exchange',
    )
  }
  checkName(`${prefix}exchange`, exchange)
  if (clientId) checkClientIdSource(`${prefix}clientId`, clientId)

  const ignoresKeys = exchangeType === 'FANOUT' || exchangeType === 'HEADERS'
  // The default of the schema looks like the same text given by the caller. So if the exchange
  // ignores keys and the client id is found elsewhere, ignore it.
  if (ignoresKeys && clientId && given.routingKey === defaultRoutingKey) return { ...given, routingKey: '#' }

  const field = `${prefix}routingKey`
  const { routingKey } = given
  checkName(field, routingKey)
  const words = routingKey.split('.')
  const places = words.filter(isPlaceholder)
  const [place] = places
  if (words.some((word) => !isPlaceholder(word) && /[{}]/.test(word)) || places.length > 1) {
    throw badInput(
      field,
      `expected ${placeholder} or ${restPlaceholder} at most once and as a whole word between dots, got "${routingKey}"`,
    )
  }
  if (place === undefined) {
    if (clientId) return given
    throw badInput(field, `expected ${placeholder} in it, or clientId with the place where a message names its client`)
  }
  if (exchangeType !== 'TOPIC') {
    throw badInput(
      field,
      `${place} needs a topic exchange; a ${exchangeType.toLowerCase()} exchange ${
        ignoresKeys ? 'ignores routing keys' : 'takes concrete keys'
      }: give in clientId the place where a message names its client`,
    )
  }
  if (clientId) {
    throw badInput(
      field,
      `"${routingKey}" names the client already, and so does clientId: give a pattern without ${place}, such as "#", or leave clientId out`,
    )
  }
  if (place === restPlaceholder && (words.at(-1) !== place || words.includes('#'))) {
    throw badInput(
      field,
      `expected ${place} as the last word and no # before it, because it takes the rest of the key, got "${routingKey}"`,
    )
  }
  if (words.filter((word) => word === '#').length > 1) {
    throw badInput(
      field,
      `expected at most one # with ${placeholder}, because with two it is uncertain which word is the client id`,
    )
  }
  return given
}

function checkName(field: string, value: string): void {
  checkShortString(field, value)
  if (/\p{Cc}/u.test(value)) throw badInput(field, 'expected no control characters')
}

function checkClientIdSource(field: string, source: ClientIdSource): void {
  if ('header' in source) {
    if (source.header === '') throw badInput(`${field}.header`, 'expected the name of a header')
    checkName(`${field}.header`, source.header)
  } else if ('bodyPointer' in source) {
    if (splitPointer(source.bodyPointer) === undefined) {
      throw badInput(
        `${field}.bodyPointer`,
        `expected a JSON pointer (RFC 6901) such as "/order/clientId", got "${source.bodyPointer}"`,
      )
    }
  } else if ('fixed' in source) {
    checkClientId(source.fixed, `${field}.fixed`)
  } else if (!source.everyone) {
    throw badInput(`${field}.everyone`, 'expected true, or another way to find the client id')
  }
}

/** The id of a definition: 16 bytes of SHA-256 in hex. */
export function sourceId({ exchange, exchangeType, routingKey, clientId }: SourceDefinition): string {
  const canonical = JSON.stringify([exchange, exchangeType, routingKey, clientId ?? null])
  return createHash('sha256').update(canonical).digest('hex').slice(0, 32)
}

/** Names one life of a source: if it is deleted and created again, its id is the same. */
export function lifeOf({ id, createdAt }: Pick<Source, 'id' | 'createdAt'>): string {
  return `${id} ${createdAt.getTime()}`
}

/**
 * The binding of the source: its routing key with `{clientId}` replaced by `*`, and `{clientId#}`
 * by `*.#`. Fanout and headers exchanges take everything.
 */
export function bindingOf({ exchange, exchangeType, routingKey }: SourceDefinition): {
  exchange: string
  key: string
  arguments: Record<string, unknown>
} {
  if (exchangeType === 'FANOUT') return { exchange, key: '', arguments: {} }
  if (exchangeType === 'HEADERS') return { exchange, key: '', arguments: { 'x-match': 'all' } }
  return {
    exchange,
    key: routingKey
      .split('.')
      .map((word) => (word === placeholder ? '*' : word === restPlaceholder ? '*.#' : word))
      .join('.'),
    arguments: {},
  }
}

/** The channels that a message is for: client ids, everyone, or none (the empty list). */
export type Audience = readonly string[] | 'everyone'

/**
 * Reads a source from JSON (a mark in the journal, a control message); undefined if it is invalid.
 */
export function reviveSource(value: unknown): Source | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { exchange, exchangeType, routingKey, clientId, buffered, createdAt, ownsExchange, origin } = value as Record<
    string,
    unknown
  >
  if (typeof exchange !== 'string' || typeof routingKey !== 'string' || typeof createdAt !== 'string') return undefined
  const type = exchangeTypes.find((known) => known === exchangeType)
  const at = new Date(createdAt)
  if (type === undefined || Number.isNaN(at.getTime())) return undefined
  try {
    const given: SourceDefinition = {
      exchange,
      exchangeType: type,
      routingKey,
      clientId: clientId as ClientIdSource | undefined,
      ...(buffered === true ? { buffered } : {}),
    }
    const ofSchema = origin === 'SCHEMA' && isSchemaDefinition(given)
    const definition = ofSchema ? given : checkDefinition(given)
    return {
      ...definition,
      id: sourceId(definition),
      createdAt: at,
      ownsExchange: ownsExchange === true,
      ...(ofSchema ? { origin } : {}),
    }
  } catch {
    return undefined
  }
}
