import { idempotencyHeader } from './duplicates.ts'

/**
 * The headers of an AMQP message as JSON: bytes become base64 and timestamps ISO 8601 text; what is JSON already stays as it is.
 * Names come from the wire, so the result has no prototype.
 */
export function plainHeaders(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const plain = Object.create(null) as Record<string, unknown>
  for (const [name, value] of Object.entries(headers)) {
    if (name !== idempotencyHeader) plain[name] = plainValue(value)
  }
  return plain
}

function plainValue(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return value
  if (Buffer.isBuffer(value)) return value.toString('base64')
  if (Array.isArray(value)) return value.map(plainValue)
  // amqplib's way to carry a type of AMQP that JavaScript has not: {'!': 'timestamp', value: seconds}.
  if ('!' in value && 'value' in value) {
    return value['!'] === 'timestamp' ? new Date(Number(value.value) * 1000).toISOString() : plainValue(value.value)
  }
  return plainHeaders(value as Record<string, unknown>)
}
