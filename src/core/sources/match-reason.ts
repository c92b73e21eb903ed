import { wireTypeOf } from '../body/amqp-field-types.ts'
import { type Decodable, decodeBody, UndecodableBody } from '../body/decode-body.ts'
import { isJsonType } from '../body/media-type.ts'
import { JsonNumber } from '../json/json-number.ts'
import { readPointer, splitPointer } from '../json/json-pointer.ts'
import type { Message } from '../model/message.ts'
import { type Audience, isPlaceholder, placeholder, type SourceDefinition } from '../model/source.ts'
import { bindingMatcherOf, matcherOf } from './source-matcher.ts'

/** What a source makes of a message, in words. */
export interface MatchReason {
  readonly clients: Audience
  /**
   * Why it finds these clients, or none: a sentence without a full stop. It names places, not
   * values, so that equal causes have equal texts.
   */
  readonly reason: string
}

/** The reason of the sources that `schemaSource` makes. */
export const forTypedFields = 'only typed fields read it'

/** For operators who ask; `SourceRouter` decides for delivery. Never throws. */
export function explainMatch(source: SourceDefinition, message: Decodable, maxBodyBytes?: number): MatchReason {
  const none = (reason: string): MatchReason => ({ clients: [], reason })
  if (message.exchange !== source.exchange) return none(`it came through another exchange than "${source.exchange}"`)
  if (!bindingMatcherOf(source)(message.routingKey)) return none(`its key does not match "${source.routingKey}"`)
  try {
    const clients = matcherOf(source, maxBodyBytes)(message)
    if (clients.length > 0) return { clients, reason: describeRule(source) }
    return none(whyNone(source, message, maxBodyBytes))
  } catch (error) {
    if (error instanceof UndecodableBody) return none(`the body cannot be read: ${error.message}`)
    throw error
  }
}

/** Where a source finds the client id, such as `word 2 of the key`. */
export function describeRule({ routingKey, clientId }: SourceDefinition): string {
  if (clientId === undefined) {
    const words = routingKey.split('.')
    const at = words.findIndex(isPlaceholder)
    if (at < 0) return 'none: only typed fields read its messages'
    const rest = words[at] === placeholder ? '' : ' and all behind it'
    const hash = words.indexOf('#')
    if (hash >= 0 && hash < at) {
      const fromEnd = words.length - at
      return fromEnd === 1 ? 'the last word of the key' : `word ${fromEnd} of the key, counted from its end`
    }
    return `word ${at + 1}${rest} of the key`
  }
  if ('header' in clientId) return `the header "${clientId.header}"`
  if ('bodyPointer' in clientId) return `the body at "${clientId.bodyPointer}"`
  if ('fixed' in clientId) return `always "${clientId.fixed}"`
  return 'everyone'
}

function whyNone(
  { clientId, routingKey }: SourceDefinition,
  message: Decodable,
  maxBodyBytes: number | undefined,
): string {
  if (clientId === undefined)
    return routingKey.split('.').some(isPlaceholder) ? 'its key has no word for the client id' : forTypedFields
  if ('header' in clientId) return whyNoHeader(clientId.header, message)
  if ('bodyPointer' in clientId) return whyNoPointer(clientId.bodyPointer, message, maxBodyBytes)
  return 'it names no client'
}

function whyNoHeader(name: string, { properties: { headers } }: Message): string {
  if (!headers || !Object.hasOwn(headers, name)) return `it has no header "${name}"`
  const type = wireTypeOf(headers, name)
  if (type === 'float' || type === 'double')
    return `the header "${name}" is a floating-point number, which may be rounded`
  const value = headers[name]
  return value === '' ? `the header "${name}" is empty` : `the header "${name}" is ${kindOf(value)}, expected a text`
}

function whyNoPointer(pointer: string, message: Decodable, maxBodyBytes: number | undefined): string {
  const { contentType, data } = decodeBody(message, maxBodyBytes)
  if (contentType !== null && !isJsonType(contentType)) {
    const given = message.properties.contentType
    return given === undefined
      ? 'it has no content type, and its body is not JSON'
      : `content type ${given}, not read as JSON`
  }
  const found = readPointer(data, splitPointer(pointer) ?? [])
  if (found === undefined) return `"${pointer}" is not in the body`
  if (Array.isArray(found)) {
    return found.length === 0
      ? `"${pointer}" is an empty list`
      : `"${pointer}" is a list without a text or a whole number`
  }
  return found === '' ? `"${pointer}" is an empty text` : `"${pointer}" is ${kindOf(found)}, expected a text`
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (value instanceof JsonNumber || typeof value === 'number' || typeof value === 'bigint')
    return 'a number with a fraction'
  if (typeof value === 'boolean') return 'true or false'
  return value instanceof Uint8Array ? 'bytes' : 'an object'
}
