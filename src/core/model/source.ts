import { createHash } from 'node:crypto'
import { badInput } from '../../errors.ts'
import { wireTypeOf } from '../body/amqp-field-types.ts'
import { jsonBody } from '../body/decode-body.ts'
import { JsonNumber } from '../json/json-number.ts'
import { readPointer, splitPointer } from '../json/json-pointer.ts'
import { checkClientId } from './channel-event.ts'
import type { Message } from './message.ts'
import { checkShortString } from './short-string.ts'
import { matchWords } from './topic-pattern.ts'

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
   * A binding pattern in which `{clientId}` may take the place of one word. Exchanges of type
   * fanout and headers ignore it.
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
  return clientId === undefined && !routingKey.split('.').includes(placeholder)
}

export const defaultRoutingKey = 'client.{clientId}'
const placeholder = '{clientId}'

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
  const places = words.filter((word) => word === placeholder).length
  if (words.some((word) => word !== placeholder && /[{}]/.test(word)) || places > 1) {
    throw badInput(field, `expected ${placeholder} at most once and as a whole word between dots, got "${routingKey}"`)
  }
  if (places === 0) {
    if (clientId) return given
    throw badInput(field, `expected ${placeholder} in it, or clientId with the place where a message names its client`)
  }
  if (exchangeType !== 'TOPIC') {
    throw badInput(
      field,
      `${placeholder} needs a topic exchange; a ${exchangeType.toLowerCase()} exchange ${
        ignoresKeys ? 'ignores routing keys' : 'takes concrete keys'
      }: give in clientId the place where a message names its client`,
    )
  }
  if (clientId) {
    throw badInput(
      field,
      `"${routingKey}" names the client already, and so does clientId: give a pattern without ${placeholder}, such as "#", or leave clientId out`,
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
 * The binding of the source: its routing key with `{clientId}` replaced by `*`. Fanout and headers
 * exchanges take everything.
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
      .map((word) => (word === placeholder ? '*' : word))
      .join('.'),
    arguments: {},
  }
}

/** Returns whether the source's binding takes a routing key. Called once for each source. */
export function bindingMatcherOf(source: SourceDefinition): (routingKey: string) => boolean {
  const { key } = bindingOf(source)
  switch (source.exchangeType) {
    case 'FANOUT':
    case 'HEADERS':
      return () => true
    case 'DIRECT':
      return (routingKey) => routingKey === key
    case 'TOPIC': {
      const words = key.split('.')
      return (routingKey) => matchWords(words, routingKey.split('.'))
    }
  }
}

/** The channels that a message is for: client ids, everyone, or none (the empty list). */
export type Audience = readonly string[] | 'everyone'

/**
 * Made once for each source and called for each message of its exchange. Throws `UndecodableBody`
 * if the body pointer needs a body that cannot be decoded.
 */
export type Matcher = (message: Message) => Audience

const noClients: Audience = []

/** `maxBodyBytes`: the limit on a decompressed body. */
export function matcherOf(source: SourceDefinition, maxBodyBytes?: number): Matcher {
  const find = finderOf(source, maxBodyBytes)
  switch (source.exchangeType) {
    case 'FANOUT':
    case 'HEADERS':
      return find
    case 'DIRECT':
      return (message) => (message.routingKey === source.routingKey ? find(message) : noClients)
    case 'TOPIC': {
      const words = source.routingKey.split('.')
      if (words.includes(placeholder)) return capture(words)
      if (source.routingKey === '#') return find
      return (message) => (matchWords(words, message.routingKey.split('.')) ? find(message) : noClients)
    }
  }
}

/**
 * With at most one `#` the position of `{clientId}` is certain: counted from the front if it
 * precedes the `#`, else from the back.
 */
function capture(pattern: readonly string[]): Matcher {
  if (!pattern.some((word) => word === '*' || word === '#')) return captureBetween(pattern)
  const place = pattern.indexOf(placeholder)
  const hash = pattern.indexOf('#')
  const fromBack = hash >= 0 && hash < place ? pattern.length - place : undefined
  const binding = pattern.map((word) => (word === placeholder ? '*' : word))
  return (message) => {
    const words = message.routingKey.split('.')
    if (!matchWords(binding, words)) return noClients
    return idOf(words[fromBack === undefined ? place : words.length - fromBack])
  }
}

/** Without wildcards, as in the default source, there is no need to split the key. */
function captureBetween(pattern: readonly string[]): Matcher {
  const [before = '', after = ''] = pattern.join('.').split(placeholder)
  return ({ routingKey }) => {
    if (!routingKey.startsWith(before) || !routingKey.endsWith(after)) return noClients
    // If prefix and suffix overlap, nothing is left between them and the message is for no client.
    const word = routingKey.slice(before.length, routingKey.length - after.length)
    return word === '' || word.includes('.') ? noClients : [word]
  }
}

function finderOf({ clientId }: SourceDefinition, maxBodyBytes: number | undefined): Matcher {
  if (clientId === undefined) return () => noClients
  if ('everyone' in clientId) return () => 'everyone'
  if ('fixed' in clientId) {
    const ids = [clientId.fixed]
    return () => ids
  }
  if ('header' in clientId) {
    const name = clientId.header
    return ({ properties: { headers } }) => {
      if (!headers || !Object.hasOwn(headers, name) || isFloat(headers, name)) return noClients
      return idOf(headers[name])
    }
  }
  const path = splitPointer(clientId.bodyPointer) ?? []
  return (message) => {
    const found = readPointer(jsonBody(message, maxBodyBytes), path)
    return Array.isArray(found) ? found.flatMap(idOf) : idOf(found)
  }
}

/** A float may have been rounded by the publisher, if not by this process. */
function isFloat(headers: object, name: string): boolean {
  const type = wireTypeOf(headers, name)
  return type === 'float' || type === 'double'
}

/**
 * A client id is a string. Publishers in other languages also send whole numbers; these count if
 * all their digits are known. Any other value names no client.
 */
function idOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return value === '' ? [] : [value]
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return [String(value)]
  if (value instanceof JsonNumber && value.isInteger) return [value.token]
  return []
}

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
