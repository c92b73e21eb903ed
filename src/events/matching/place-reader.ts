import { copyWireTypes, type WireType, wireTypeOf } from '../../core/body/amqp-field-types.ts'
import { plainHeaders } from '../../core/body/plain-headers.ts'
import { toDate } from '../../core/body/to-date.ts'
import { JsonNumber } from '../../core/json/json-number.ts'
import { readPointer } from '../../core/json/json-pointer.ts'
import type { MessagePropertyName, Place } from '../model/place.ts'
import type { EventInput } from '../model/typed-value.ts'
import type { MessageReading } from './message-reading.ts'

/** Reads one place of a message; undefined if there is nothing. */
export type PlaceReader = (reading: MessageReading) => unknown

/** Compiles a place. Readers of text places return a string or undefined, others a JSON value. */
export function placeReaderOf(place: Place): PlaceReader {
  switch (place.kind) {
    case 'body':
      return ({ payload }) => readPointer(payload, place.pointer)
    case 'envelope':
      return ({ input }) => readPointer(input.body(), place.pointer)
    case 'header':
      return ({ input }) => headerText(input.properties.headers, place.name)
    case 'word':
      return ({ captures }) => captures.get(place.name)
    case 'property':
      return ({ input }) => propertyText(input, place.property)
  }
}

/**
 * The text of a header; undefined if the header is absent, a table or an array: these do not
 * survive a stream, so no replica sees them. A whole number that was sent as a float keeps `.0`,
 * because it is no integer.
 */
export function headerText(headers: Readonly<Record<string, unknown>> | undefined, name: string): string | undefined {
  if (!headers || !Object.hasOwn(headers, name)) return undefined
  const value = headers[name]
  switch (typeof value) {
    case 'string':
      return value
    case 'boolean':
    case 'bigint':
      return String(value)
    case 'number':
      return numberText(value, wireTypeOf(headers, name))
    case 'object':
      return value === null ? undefined : objectText(copyWireTypes(headers, { [name]: value }), name)
    default:
      return undefined
  }
}

function numberText(value: number, type: WireType | undefined): string {
  const text = Object.is(value, -0) ? '-0' : String(value)
  return (type === 'float' || type === 'double') && Number.isSafeInteger(value) ? `${text}.0` : text
}

function objectText(headers: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const plain = plainHeaders(headers)[name]
  if (typeof plain === 'string') return plain
  if (plain instanceof JsonNumber) return plain.token
  return plain instanceof Date ? plain.toISOString() : undefined
}

/** The text of a property; undefined if the message has none. Times are in RFC 3339. */
export function propertyText(input: EventInput, property: MessagePropertyName): string | undefined {
  const { properties } = input
  switch (property) {
    case 'CURSOR':
      // A reply has no cursor.
      return input.cursor || undefined
    case 'GAP':
      // Only a gap notice has one (`gapValue`).
      return undefined
    case 'REMOVED':
      // A message that removes a key of keyed state is marked afterwards (`StateReader`).
      return 'false'
    case 'MESSAGE_ID':
      return properties.messageId
    case 'TYPE':
      return properties.type
    case 'TIMESTAMP':
      return toDate(properties.timestamp)?.toISOString()
    case 'RECEIVED_AT':
      return toDate(input.receivedAt)?.toISOString()
    case 'EXCHANGE':
      return input.exchange
    case 'ROUTING_KEY':
      return input.routingKey
    case 'CORRELATION_ID':
      return properties.correlationId
    case 'CONTENT_TYPE':
      return properties.contentType
    case 'APP_ID':
      return properties.appId
    case 'REDELIVERED':
      return String(input.redelivered)
  }
}
