import { idempotencyHeader } from '../delivery/deduplicator.ts'
import { JsonNumber } from '../json/json-number.ts'
import { repeatedHeader } from '../publishing/repeated-header.ts'
import { wireTypeOf } from './amqp-field-types.ts'
import { toDate } from './to-date.ts'

/**
 * Converts the headers of an AMQP message to values that `printJson` prints; docs/messages.md lists
 * the result for each type. Never throws. The result has no prototype, because the names come from
 * the wire.
 */
export function plainHeaders(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const plain = Object.create(null) as Record<string, unknown>
  for (const [name, value] of Object.entries(headers)) {
    if (name !== idempotencyHeader && name !== repeatedHeader)
      plain[name] = plainValue(value, wireTypeOf(headers, name) === 'table')
  }
  return plain
}

/** `isTable`: the value is a table, although it looks like a typed value. */
function plainValue(value: unknown, isTable: boolean): unknown {
  switch (typeof value) {
    case 'number':
      // JSON has no NaN and no infinity.
      if (!Number.isFinite(value)) return String(value)
      return Object.is(value, -0) ? new JsonNumber('-0') : value
    case 'bigint':
      return new JsonNumber(value.toString())
    case 'object':
      return value === null ? null : plainObject(value, isTable)
    case 'string':
    case 'boolean':
      return value
    default:
      return null
  }
}

function plainObject(value: object, isTable: boolean): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (value instanceof Date) return toDate(value.getTime())
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) => plainValue(item, wireTypeOf(value, String(index)) === 'table'))
  }
  // amqplib represents types that JavaScript lacks as {'!': 'timestamp', value: seconds}.
  if (!isTable && Object.hasOwn(value, '!') && 'value' in value) return typedValue(value)
  return plainHeaders(value as Record<string, unknown>)
}

interface TypedValue {
  readonly '!'?: unknown
  readonly value: unknown
}

function typedValue({ '!': type, value }: TypedValue): unknown {
  if (type === 'timestamp') {
    return typeof value === 'number' || typeof value === 'bigint' ? toDate(Number(value) * 1000) : null
  }
  if (type === 'decimal') return decimalOf(value)
  return plainValue(value, false)
}

/** An AMQP decimal (AMQP 0-9-1 §4.2.5.5: places after the point, and digits) as a number. */
function decimalOf(value: unknown): JsonNumber | null {
  const { places, digits } = (value ?? {}) as { places?: unknown; digits?: unknown }
  if (!isWhole(places) || !isWhole(digits) || places > maxPlaces) return null
  const text = String(digits).padStart(places + 1, '0')
  return new JsonNumber(places === 0 ? text : `${text.slice(0, -places)}.${text.slice(-places)}`)
}

const maxPlaces = 255

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
