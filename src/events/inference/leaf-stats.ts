import { JsonNumber } from '../../core/json/json-number.ts'
import { isFullDate, isRfc3339 } from '../scalars/dates.ts'
import { isUuid } from '../scalars/uuid.ts'

const numeric = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/
const upperWord = /^[A-Z][A-Z0-9]*(?:[_-][A-Z0-9]+)*$/
const lowerWord = /^[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*$/
const maxWordLength = 40
/** More distinct texts are only counted as many. */
const maxDistinct = 64

/** What the texts at one place have in common. */
export class TextStats {
  count = 0
  /** Text → how often. Incomplete if `isOpen`. */
  readonly distinct = new Map<string, number>()
  /** There are more distinct texts than are kept. */
  isOpen = false
  areUuids = true
  areDateTimes = true
  areDates = true
  areNumeric = true
  areUpperWords = true
  areLowerWords = true
  example: string | undefined

  add(text: string): void {
    this.count += 1
    // A long or empty text shows less than a short one.
    if (this.example === undefined || (this.example === '' && text !== '')) this.example = text
    this.areUuids &&= isUuid(text)
    this.areDateTimes &&= isRfc3339(text)
    this.areDates &&= isFullDate(text)
    this.areNumeric &&= numeric.test(text) && text.length <= 100
    this.areUpperWords &&= text.length <= maxWordLength && upperWord.test(text)
    this.areLowerWords &&= text.length <= maxWordLength && lowerWord.test(text)
    this.#count(text, 1)
  }

  merge(other: TextStats): void {
    this.count += other.count
    this.example ??= other.example
    this.areUuids &&= other.areUuids
    this.areDateTimes &&= other.areDateTimes
    this.areDates &&= other.areDates
    this.areNumeric &&= other.areNumeric
    this.areUpperWords &&= other.areUpperWords
    this.areLowerWords &&= other.areLowerWords
    this.isOpen ||= other.isOpen
    for (const [text, count] of other.distinct) this.#count(text, count)
  }

  #count(text: string, count: number): void {
    const before = this.distinct.get(text)
    if (before === undefined && this.distinct.size === maxDistinct) this.isOpen = true
    // A text that is no word needs no count, and can be long.
    else if (this.areUpperWords || this.areLowerWords) this.distinct.set(text, (before ?? 0) + count)
    else this.isOpen = true
  }
}

const minInt = -(2 ** 31)
const maxInt = 2 ** 31 - 1
/** No double is written with more digits. */
const doubleDigits = 17

/** Whether the token has the form of a decimal: `12.50`, or more digits than a double has. */
function isDecimal(token: string): boolean {
  return /\.\d+0$/.test(token) || (!/e/i.test(token) && token.replace(/\D/g, '').length > doubleDigits)
}

/** What the numbers at one place have in common. */
export class NumberStats {
  count = 0
  /** All are written without fraction and exponent. */
  areIntegers = true
  areInt32 = true
  /** A double holds each of them as well as GraphQL asks. */
  areDoubles = true
  /** Some are written as decimals are: `12.50`, or with more digits than a double keeps. */
  areDecimals = false
  min = Number.POSITIVE_INFINITY
  max = Number.NEGATIVE_INFINITY
  example: string | undefined

  add(value: number | bigint | JsonNumber): void {
    const token = value instanceof JsonNumber ? value.token : String(value)
    const nearest = Number(token)
    const isInteger = /^-?\d+$/.test(token)
    this.count += 1
    this.example ??= token
    this.areIntegers &&= isInteger
    this.areInt32 &&= isInteger && nearest >= minInt && nearest <= maxInt
    this.areDoubles &&=
      Number.isFinite(nearest) && (!isInteger || !(value instanceof JsonNumber) || value.exact !== undefined)
    this.areDecimals ||= value instanceof JsonNumber && isDecimal(token)
    this.min = Math.min(this.min, nearest)
    this.max = Math.max(this.max, nearest)
  }

  merge(other: NumberStats): void {
    this.count += other.count
    this.example ??= other.example
    this.areIntegers &&= other.areIntegers
    this.areInt32 &&= other.areInt32
    this.areDoubles &&= other.areDoubles
    this.areDecimals ||= other.areDecimals
    this.min = Math.min(this.min, other.min)
    this.max = Math.max(this.max, other.max)
  }
}
