import { wireTypeOf } from '../body/amqp-field-types.ts'
import { jsonBody } from '../body/decode-body.ts'
import { JsonNumber } from '../json/json-number.ts'
import { readPointer, splitPointer } from '../json/json-pointer.ts'
import type { Message } from '../model/message.ts'
import {
  type Audience,
  bindingOf,
  isPlaceholder,
  placeholder,
  restPlaceholder,
  type SourceDefinition,
} from '../model/source.ts'
import { matchWords, topicMatcherOf } from '../model/topic-pattern.ts'

/** Returns whether the source's binding takes a routing key. Called once for each source. */
export function bindingMatcherOf(source: SourceDefinition): (routingKey: string) => boolean {
  const { key } = bindingOf(source)
  switch (source.exchangeType) {
    case 'FANOUT':
    case 'HEADERS':
      return () => true
    case 'DIRECT':
      return (routingKey) => routingKey === key
    case 'TOPIC':
      return topicMatcherOf(key)
  }
}

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
      if (words.some(isPlaceholder)) return capture(source)
      if (source.routingKey === '#') return find
      return (message) => (matchWords(words, message.routingKey.split('.')) ? find(message) : noClients)
    }
  }
}

/**
 * With at most one `#` the position of `{clientId}` is certain: counted from the front if it
 * precedes the `#`, else from the back. `{clientId#}` is last, and no `#` precedes it.
 */
function capture(source: SourceDefinition): Matcher {
  const pattern = source.routingKey.split('.')
  if (!pattern.some((word) => word === '*' || word === '#')) return captureBetween(source.routingKey)
  const place = pattern.findIndex(isPlaceholder)
  const takesRest = pattern[place] === restPlaceholder
  const hash = pattern.indexOf('#')
  const fromBack = hash >= 0 && hash < place ? pattern.length - place : undefined
  const binding = bindingOf(source).key.split('.')
  return (message) => {
    const words = message.routingKey.split('.')
    if (!matchWords(binding, words)) return noClients
    if (takesRest) return idOf(words.slice(place).join('.'))
    return idOf(words[fromBack === undefined ? place : words.length - fromBack])
  }
}

/** Without wildcards, as in the default source, there is no need to split the key. */
function captureBetween(pattern: string): Matcher {
  const takesRest = pattern.endsWith(restPlaceholder)
  const [before = '', after = ''] = pattern.split(takesRest ? restPlaceholder : placeholder)
  return ({ routingKey }) => {
    if (!routingKey.startsWith(before) || !routingKey.endsWith(after)) return noClients
    // If prefix and suffix overlap, nothing is left between them and the message is for no client.
    const id = routingKey.slice(before.length, routingKey.length - after.length)
    return id === '' || (!takesRest && id.includes('.')) ? noClients : [id]
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
