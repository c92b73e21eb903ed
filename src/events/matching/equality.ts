import { JsonNumber } from '../../core/json/json-number.ts'
import type { EnumMapping, ValueKind } from '../model/event-schema.ts'
import { numberTextOf } from './exact-number.ts'

/**
 * Equality of one kind: two values are equal if their canonical texts are. Each function returns
 * undefined for a value that is not of the kind, so that it equals nothing. Nothing is converted:
 * `"7"` is no Int, `7` is no String.
 */
export interface Equality {
  /** The value of an argument, after GraphQL has coerced it. */
  readonly ofArgument: (value: unknown) => string | undefined
  /** A value of a body, as `parseJson` makes it. */
  readonly ofJson: (value: unknown) => string | undefined
  /** The text of a header, a word of the routing key or a property. */
  readonly ofText: (text: string) => string | undefined
  /**
   * A claim of a token. Unlike `ofJson` it never takes the enum value that is for unknown texts,
   * because one claim would then stand for all of them.
   */
  readonly ofClaim: (value: unknown) => string | undefined
}

/** `mapping`: of the enum, if the kind is `enum`. */
export function equalityOf(kind: ValueKind, mapping?: EnumMapping): Equality {
  switch (kind) {
    case 'ID':
      return { ofArgument: textOf, ofJson: idOf, ofText: (text) => text, ofClaim: idOf }
    case 'String':
    case 'UUID':
      return { ofArgument: textOf, ofJson: textOf, ofText: (text) => text, ofClaim: textOf }
    case 'Boolean':
      return { ofArgument: booleanOf, ofJson: booleanOf, ofText: booleanText, ofClaim: booleanOf }
    case 'Int':
      return { ofArgument: exactOf, ofJson: exactOf, ofText: numberTextOf, ofClaim: exactOf }
    case 'BigInt':
    case 'Decimal':
      return { ofArgument: digitsOf, ofJson: digitsOf, ofText: numberTextOf, ofClaim: digitsOf }
    case 'Float':
      return { ofArgument: floatOf, ofJson: floatOf, ofText: floatText, ofClaim: floatOf }
    case 'enum':
      return enumEquality(mapping)
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/**
 * Strings, and integers by the digits as sent. `parseJson` makes a JavaScript number only of a
 * token that it prints the same.
 */
function idOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : integerDigits(value)
}

/** The digits of an integer; undefined for `7.0`, `7e0` and all that is no number. */
export function integerDigits(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : undefined
  if (typeof value === 'bigint') return value.toString()
  return value instanceof JsonNumber && value.isInteger ? value.token : undefined
}

function booleanOf(value: unknown): string | undefined {
  return typeof value === 'boolean' ? String(value) : undefined
}

function booleanText(text: string): string | undefined {
  return text === 'true' || text === 'false' ? text : undefined
}

function exactOf(value: unknown): string | undefined {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return String(value)
    // A larger whole double comes from CBOR or MessagePack and stands for all its digits.
    return numberTextOf(Number.isInteger(value) ? BigInt(value).toString() : String(value))
  }
  if (typeof value === 'bigint') return numberTextOf(value.toString())
  return value instanceof JsonNumber ? numberTextOf(value.token) : undefined
}

/** BigInt and Decimal are strings in GraphQL, and bodies have them as numbers or as strings. */
function digitsOf(value: unknown): string | undefined {
  return typeof value === 'string' ? numberTextOf(value) : exactOf(value)
}

/**
 * A Float is the nearest double, except that what is written as an integer must be exact and that
 * nothing may overflow.
 */
function floatOf(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value === 0 ? 0 : value) : undefined
  if (typeof value === 'bigint') return floatText(value.toString())
  return value instanceof JsonNumber ? floatText(value.token) : undefined
}

function floatText(token: string): string | undefined {
  const exact = numberTextOf(token)
  const nearest = Number(token)
  if (exact === undefined || !Number.isFinite(nearest)) return undefined
  const isKept = !new JsonNumber(token).isInteger || exactOf(nearest) === exact
  return isKept ? String(nearest === 0 ? 0 : nearest) : undefined
}

const noMapping: EnumMapping = { byText: new Map(), textOf: new Map(), unknown: undefined }

function enumEquality(mapping = noMapping): Equality {
  const named = (text: string | undefined) => (text === undefined ? undefined : mapping.byText.get(text))
  const valueOf = (text: string | undefined) => (text === undefined ? undefined : (named(text) ?? mapping.unknown))
  return {
    ofArgument: (value) => (typeof value === 'string' && mapping.textOf.has(value) ? value : undefined),
    ofJson: (value) => valueOf(idOf(value)),
    ofText: valueOf,
    ofClaim: (value) => named(idOf(value)),
  }
}

/**
 * Equality of a claim with a value at a place (`@owner` on the field), where no argument gives a
 * kind: as ID, and booleans with booleans. `isText`: the place is no body, where a boolean is a
 * text too.
 */
export function claimEquality(isText: boolean): Equality {
  const of = (value: unknown) => {
    if (typeof value === 'boolean') return isText ? String(value) : `${notText}${value}`
    const id = idOf(value)
    return id?.startsWith(notText) ? undefined : id
  }
  return { ofArgument: of, ofJson: of, ofText: of, ofClaim: of }
}

/** Marks what equals no text. */
const notText = '\0'
