/** RFC 8259 §6, without fraction and exponent. */
const integer = /^-?(?:0|[1-9]\d*)$/
/**
 * No JavaScript number prints as many characters, and comparing longer ones costs more than it is
 * worth.
 */
const maxExactLength = 400

/**
 * How often `JSON.stringify` has called `toJSON` of a value that it cannot print, so that
 * `printJson` has to print it.
 */
export const unprintable = { count: 0 }

/**
 * A number of a JSON text that a JavaScript number would print differently: `750727362669608961`,
 * `1e400`, `1.10`, `-0`.
 */
export class JsonNumber {
  /** The number as written in the text. */
  readonly token: string

  constructor(token: string) {
    this.token = token
  }

  /** Whether it was written without fraction and exponent. */
  get isInteger(): boolean {
    return integer.test(this.token)
  }

  /** The nearest JavaScript number; an infinity for `1e400`. */
  get nearest(): number {
    return Number(this.token)
  }

  /** The JavaScript number of the same value, however it is written; undefined if none is equal. */
  get exact(): number | undefined {
    if (this.token.length > maxExactLength) return undefined
    const { nearest } = this
    const same = Number.isFinite(nearest) && valueOf(this.token) === valueOf(exactText(nearest))
    return same ? nearest : undefined
  }

  toString(): string {
    return this.token
  }

  /** For callers of `JSON.stringify`: every digit, as text. */
  toJSON(): string {
    unprintable.count += 1
    return this.token
  }
}

/** Reads a token: as a JavaScript number if that prints as written and, if whole, is exact. */
export function numberOf(token: string): number | JsonNumber {
  const number = Number(token)
  const kept = String(number) === token && (Number.isSafeInteger(number) || !Number.isInteger(number))
  return kept ? number : new JsonNumber(token)
}

/**
 * A whole double is printed with all its digits, because `String` prints only as many as
 * distinguish it from the neighbouring doubles.
 */
function exactText(number: number): string {
  return Number.isInteger(number) ? BigInt(number).toString() : String(number)
}

/** Equal texts for tokens of equal value: sign, digits without zeros around them, power of ten. */
function valueOf(token: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(token) ?? []
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const kept = digits.replace(/0+$/, '')
  if (kept === '') return '0'
  return `${sign}${kept}e${BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - kept.length)}`
}
