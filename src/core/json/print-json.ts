import { JsonNumber, met } from './json-number.ts'

let trying = false

/** JSON that is to be printed as it is: a body that has been checked. */
export class JsonText {
  /** The UTF-8 bytes, a character each (`latin1Of`). */
  readonly latin1: string

  constructor(latin1: string) {
    this.latin1 = latin1
  }

  toString(): string {
    return Buffer.from(this.latin1, 'latin1').toString()
  }

  /** For who prints with `JSON.stringify` all the same: what JavaScript makes of it. */
  toJSON(): unknown {
    met.count += 1
    return trying ? null : JSON.parse(this.toString())
  }
}

/**
 * As `JSON.stringify`, and what that would round or refuse is printed as it is: `JsonNumber`,
 * `JsonText`, bigints.
 */
export function printJson(value: unknown): string | undefined {
  const before = met.count
  trying = true
  try {
    const text = JSON.stringify(value) as string | undefined
    if (met.count === before) return text
  } catch (error) {
    // Of a bigint.
    if (!(error instanceof TypeError)) throw error
  } finally {
    trying = false
  }
  return print(value, '')
}

/**
 * ECMA-262 §25.5.2.2. Throws `RangeError` where it nests deeper than the stack, as `JSON.stringify`
 * does.
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
