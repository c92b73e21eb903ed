import { JsonNumber, unprintable } from './json-number.ts'
import { parseWithRightKeys } from './right-keys.ts'

let inStringify = false

/** JSON to print as it is: a body that has been checked. */
export class JsonText {
  /** The UTF-8 bytes, one character for each (`latin1Of`). */
  readonly latin1: string

  constructor(latin1: string) {
    this.latin1 = latin1
  }

  toString(): string {
    return Buffer.from(this.latin1, 'latin1').toString()
  }

  /** For callers of `JSON.stringify`: the JavaScript value. */
  toJSON(): unknown {
    unprintable.count += 1
    return inStringify ? null : parseWithRightKeys(this.toString())
  }
}

/**
 * Like `JSON.stringify`, but prints values that it would round or refuse as they are: `JsonNumber`,
 * `JsonText`, bigints.
 */
export function printJson(value: unknown): string | undefined {
  const before = unprintable.count
  inStringify = true
  try {
    const text = JSON.stringify(value) as string | undefined
    if (unprintable.count === before) return text
  } catch (error) {
    // `JSON.stringify` throws it for a bigint.
    if (!(error instanceof TypeError)) throw error
  } finally {
    inStringify = false
  }
  return print(value, '')
}

/**
 * ECMA-262 §25.5.2.2. Throws `RangeError` if the value nests deeper than the stack, as
 * `JSON.stringify` does.
 */
function print(given: unknown, name: string): string | undefined {
  if (given instanceof JsonNumber) return given.token
  if (given instanceof JsonText) return given.toString()
  if (typeof given === 'bigint') return given.toString()
  const value = hasToJson(given) ? given.toJSON(name) : given
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map((item, index) => print(item, String(index)) ?? 'null').join(',')}]`
  const members: string[] = []
  for (const [key, member] of Object.entries(value)) {
    const text = print(member, key)
    if (text !== undefined) members.push(`${JSON.stringify(key)}:${text}`)
  }
  return `{${members.join(',')}}`
}

function hasToJson(value: unknown): value is { toJSON(name: string): unknown } {
  return typeof value === 'object' && value !== null && typeof (value as { toJSON?: unknown }).toJSON === 'function'
}
