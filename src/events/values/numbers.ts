import { JsonNumber, numberOf } from '../../core/json/json-number.ts'
import { integerDigits } from '../matching/equality.ts'

/** A number of `parseJson`. */
export type AnyNumber = number | JsonNumber

/** RFC 8259 §6. */
const grammar = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
/** `1e999999999` must not become a text of that length. `JsonNumber` has the same bound. */
const maxWholeDigits = 400
const [minInt, maxInt] = [-(2 ** 31), 2 ** 31 - 1]

export function isNumber(value: unknown): value is AnyNumber {
  return typeof value === 'number' || value instanceof JsonNumber
}

/** Reads text with the grammar of a JSON number; undefined for any other (`07`, `+7`, ` 7`). */
export function numberOfText(text: string): AnyNumber | undefined {
  return grammar.test(text) ? numberOf(text) : undefined
}

/** The number as written. */
export function tokenOf(number: AnyNumber): string {
  return typeof number === 'number' ? String(number) : number.token
}

/** A whole number in 32 bits, however it is written; else undefined. */
export function int32Of(number: AnyNumber): number | undefined {
  const exact = typeof number === 'number' ? number : number.exact
  if (exact === undefined || !Number.isInteger(exact) || exact < minInt || exact > maxInt) return undefined
  // Zero for minus zero.
  return exact + 0
}

/**
 * The nearest double. Undefined for an overflow, and for an integer that no double holds: rounding
 * it would be a loss that its publisher does not expect.
 */
export function doubleOf(number: AnyNumber): number | undefined {
  if (typeof number === 'number') return number
  const { nearest } = number
  if (!Number.isFinite(nearest)) return undefined
  return number.isInteger ? number.exact : nearest
}

/**
 * A whole number with every digit: `7.0` is `7`, `1e3` is `1000`. Undefined if it is not whole, and
 * if an exponent or a fraction makes it longer than 400 characters.
 */
export function wholeDigits(number: AnyNumber): string | undefined {
  const digits = integerDigits(number)
  if (digits !== undefined || typeof number === 'number') return digits
  const { token } = number
  if (token.length > maxWholeDigits) return undefined
  const [, sign = '', whole = '', fraction = '', power = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(token) ?? []
  const all = whole + fraction
  const point = whole.length + Number(power)
  if (point > maxWholeDigits) return undefined
  const kept = all.slice(0, Math.max(point, 0)).padEnd(point, '0').replace(/^0+/, '')
  if (/[^0]/.test(all.slice(Math.max(point, 0)))) return undefined
  return kept === '' ? '0' : `${sign}${kept}`
}
