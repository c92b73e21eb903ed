import { wireTypeOf } from '../../../core/body/amqp-field-types.ts'
import { setOwn } from './field-decoder.ts'

/** Converts headers so that amqplib encodes them with their original types and every digit. */
export function toAmqpTable(table: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(table)) setOwn(result, name, encodable(table, name, value))
  // amqplib would read an own `!` as a type marker, but it encodes inherited names like any other.
  return Object.hasOwn(table, '!') ? (Object.create(result) as Record<string, unknown>) : result
}

function encodable(container: object, name: string, value: unknown): unknown {
  switch (typeof value) {
    case 'bigint':
      return { '!': 'int64', value }
    case 'number': {
      const type = wireTypeOf(container, name)
      if (type !== undefined) return { '!': type, value }
      return isMistakenForInteger(value) || Object.is(value, -0) ? { '!': 'double', value } : value
    }
    case 'object':
      return value === null ? null : encodableObject(value, wireTypeOf(container, name) === 'table')
    default:
      return value
  }
}

function encodableObject(value: object, isTable: boolean): unknown {
  if (Buffer.isBuffer(value)) return value
  if (Array.isArray(value)) return value.map((item: unknown, index) => encodable(value, String(index), item))
  // A value with its own type marker is passed through.
  if (Object.hasOwn(value, '!') && !isTable) return value
  return toAmqpTable(value as Record<string, unknown>)
}

/** amqplib takes NaN, -∞ and large fractions for integers, and fails. */
function isMistakenForInteger(value: number): boolean {
  return !Number.isInteger(value) && !(Math.abs(value) < 2 ** 50)
}
