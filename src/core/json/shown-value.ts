import { JsonNumber } from './json-number.ts'

const maxLength = 40

/** A value from a client or a message in an error message: as JSON, and cut if it is long. */
export function shownValue(value: unknown): string {
  if (value instanceof JsonNumber) return value.token.slice(0, maxLength)
  // JSON.stringify throws.
  if (typeof value === 'bigint') return String(value).slice(0, maxLength)
  return (JSON.stringify(value) ?? String(value)).slice(0, maxLength)
}
