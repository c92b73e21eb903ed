/**
 * A decimal number with all its digits: `digits` × 10^`exponent`. `digits` has no zeros at either
 * end and is empty for zero, so that equal numbers have equal parts.
 */
export interface ExactNumber {
  readonly negative: boolean
  readonly digits: string
  readonly exponent: number
}

/** RFC 8259 §6. */
const numberGrammar = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?)(\d+))?$/
/** Exponents with more digits would not be exact as JavaScript numbers. */
const maxExponentDigits = 15
/** Whole numbers of at most this many digits are written without an exponent. */
const maxPlainDigits = 40
const zero = 0x30

/**
 * Reads a number as JSON writes it. Undefined if the text is no such number, or if its exponent has
 * more than 15 digits. Linear in the length of the text.
 */
export function exactNumberOf(token: string): ExactNumber | undefined {
  const match = numberGrammar.exec(token)
  if (!match) return undefined
  const [, sign = '', whole = '', fraction = '', exponentSign = '', exponentDigits = ''] = match
  const all = whole + fraction
  let first = 0
  while (first < all.length && all.charCodeAt(first) === zero) first += 1
  if (first === all.length) return { negative: false, digits: '', exponent: 0 }
  let end = all.length
  while (all.charCodeAt(end - 1) === zero) end -= 1
  const power = powerOf(exponentDigits)
  if (power === undefined) return undefined
  return {
    negative: sign === '-',
    digits: all.slice(first, end),
    exponent: (exponentSign === '-' ? -power : power) - fraction.length + (all.length - end),
  }
}

function powerOf(digits: string): number | undefined {
  let first = 0
  while (first < digits.length && digits.charCodeAt(first) === zero) first += 1
  return digits.length - first > maxExponentDigits ? undefined : Number(digits.slice(first))
}

/** Equal texts for equal numbers, and only for these. `1e999999` stays short. */
export function printExact({ negative, digits, exponent }: ExactNumber): string {
  if (digits === '') return '0'
  const sign = negative ? '-' : ''
  if (exponent === 0) return sign + digits
  if (exponent > 0 && digits.length + exponent <= maxPlainDigits) return sign + digits + '0'.repeat(exponent)
  return `${sign}${digits}e${exponent}`
}

/** The canonical text of a number; undefined if the text is no number. */
export function numberTextOf(token: string): string | undefined {
  const number = exactNumberOf(token)
  return number && printExact(number)
}

/** Negative, zero or positive, as a comparison function of `sort` returns it. */
export function compareExact(a: ExactNumber, b: ExactNumber): number {
  const [signA, signB] = [signOf(a), signOf(b)]
  if (signA !== signB) return signA - signB
  return signA * compareMagnitudes(a, b)
}

function signOf({ negative, digits }: ExactNumber): number {
  if (digits === '') return 0
  return negative ? -1 : 1
}

/** Without trailing zeros, digits at the same position compare as texts do. */
function compareMagnitudes(a: ExactNumber, b: ExactNumber): number {
  const byLength = a.digits.length + a.exponent - (b.digits.length + b.exponent)
  if (byLength !== 0 || a.digits === b.digits) return byLength
  return a.digits < b.digits ? -1 : 1
}
