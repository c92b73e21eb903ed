/** RFC 8259 §6, without fraction and exponent. */
const integer = /^-?(?:0|[1-9]\d*)$/
/**
 * No number of JavaScript is written with as many characters, and to compare longer ones costs more
 * than they are worth.
 */
const maxExactLength = 400

/**
 * How often `JSON.stringify` has met one of these: it cannot print them, and `printJson` has to.
 */
export const met = { count: 0 }

/**
 * A number of a JSON text that a JavaScript number would not print as it was written:
 * `750727362669608961`, `1e400`, `1.10`, `-0`.
 */
export class JsonNumber {
  /** As it was written. */
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

  /**
   * The JavaScript number of the same value, however it is written; undefined where there is none.
   */
  get exact(): number | undefined {
    if (this.token.length > maxExactLength) return undefined
    const { nearest } = this
    const same = Number.isFinite(nearest) && valueOf(this.token) === valueOf(exactText(nearest))
    return same ? nearest : undefined
  }

  toString(): string {
    return this.token
  }

  /** For who prints with `JSON.stringify` all the same: every digit, as text. */
  toJSON(): string {
    met.count += 1
    return this.token
  }
}

/**
 * The number of this token: a JavaScript number where that prints as it was written and is exact
 * where it is whole.
 */
export function numberOf(token: string): number | JsonNumber {
  const number = Number(token)
  const kept = String(number) === token && (Number.isSafeInteger(number) || !Number.isInteger(number))
  return kept ? number : new JsonNumber(token)
}

/** A whole double has all its digits: `String` prints no more than tell it from its neighbours. */
function exactText(number: number): string {
  return Number.isInteger(number) ? BigInt(number).toString() : String(number)
}

/**
 * The same text for tokens of the same value: sign, digits without zeros around them, power of ten.
 */
function valueOf(token: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(token) ?? []
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const kept = digits.replace(/0+$/, '')
  if (kept === '') return '0'
  return `${sign}${kept}e${BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - kept.length)}`
}
