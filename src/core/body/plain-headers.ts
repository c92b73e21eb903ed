import { idempotencyHeader } from '../delivery/deduplicator.ts'
import { JsonNumber } from '../json/json-number.ts'
import { repeatedHeader } from '../publishing/repeated-header.ts'
import { wireTypeOf } from './amqp-field-types.ts'
import { toDate } from './to-date.ts'

/**
 * The headers of an AMQP message as what `printJson` prints; each type has its rendering in
 * docs/sources.md. Never throws. Names come from the wire, so the result has no prototype.
 */
export function plainHeaders(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const plain = Object.create(null) as Record<string, unknown>
  for (const [name, value] of Object.entries(headers)) {
    if (name !== idempotencyHeader && name !== repeatedHeader)
      plain[name] = plainValue(value, wireTypeOf(headers, name) === 'table')
  }
  return plain
}

/** `isTable`: though it looks like a value with its type. */
function plainValue(value: unknown, isTable: boolean): unknown {
  switch (typeof value) {
    case 'number':
      // JSON has no such numbers.
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
  // amqplib's way to carry a type of AMQP that JavaScript has not: {'!': 'timestamp', value:
  // seconds}.
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

/** Places behind the point (§4.2.5.5 of AMQP 0-9-1), as the number that it is. */
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
