import { type GraphQLLeafType, isEnumType } from 'graphql'
import { compareExact, type ExactNumber, exactNumberOf, numberTextOf } from '../matching/exact-number.ts'
import type { TypedValue } from '../model/typed-value.ts'
import { instantOf } from './instant.ts'

/** How the values of a leaf type are compared in filters. */
export interface LeafComparison {
  /**
   * Equal for equal values and undefined for what cannot be compared. Given null, undefined. Values
   * of messages and of arguments alike.
   */
  readonly canonical: (value: unknown) => string | number | boolean | undefined
  /** Whether the argument makes sense for `lt` and the others. Undefined: the type has no order. */
  readonly order: ((limit: unknown) => ((value: TypedValue) => number | undefined) | undefined) | undefined
}

export function leafComparisonOf(type: GraphQLLeafType): LeafComparison {
  if (isEnumType(type)) return texts
  switch (type.name) {
    case 'Int':
    case 'Float':
      return numbers
    case 'BigInt':
    case 'Decimal':
      return exactNumbers
    case 'Boolean':
      return { canonical: (value) => (typeof value === 'boolean' ? value : undefined), order: undefined }
    case 'DateTime':
      return instants
    default:
      return texts
  }
}

const texts: LeafComparison = {
  canonical: (value) => (typeof value === 'string' ? value : undefined),
  order: undefined,
}

const numbers: LeafComparison = {
  canonical: finite,
  order: (limit) => {
    const bound = finite(limit)
    if (bound === undefined) return undefined
    return (value) => (typeof value === 'number' ? value - bound : undefined)
  },
}

function finite(value: unknown): number | undefined {
  // Minus zero equals zero.
  return typeof value === 'number' && Number.isFinite(value) ? value + 0 : undefined
}

const exactNumber = remembering(exactNumberOf)
const numberText = remembering(numberTextOf)

const exactNumbers: LeafComparison = {
  canonical: (value) => numberText(tokenOf(value)),
  order: (limit) => {
    const bound = exactNumberOf(tokenOf(limit))
    if (!bound) return undefined
    return (value) => compareWith(bound, exactNumber(tokenOf(value)))
  },
}

function compareWith(bound: ExactNumber, number: ExactNumber | undefined): number | undefined {
  return number && compareExact(number, bound)
}

/** BigInt and Decimal are strings; the code of another scalar may make numbers. */
function tokenOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint' ? String(value) : ''
}

const instants: LeafComparison = {
  canonical: instantText,
  order: (limit) => {
    const bound = instantText(limit)
    if (bound === undefined) return undefined
    return (value) => {
      const text = instantText(value)
      if (text === undefined || text === bound) return text === undefined ? undefined : 0
      return text < bound ? -1 : 1
    }
  },
}

const instant = remembering(instantOf)

function instantText(value: unknown): string | undefined {
  if (value instanceof Date) return instant(value.toISOString())
  return typeof value === 'string' ? instant(value) : undefined
}

/**
 * Remembers the last results, because many filters read the same values of one message. Long texts
 * are not kept.
 */
function remembering<Result>(read: (text: string) => Result): (text: string) => Result {
  const results = new Map<string, Result>()
  return (text) => {
    if (text.length > maxRememberedLength) return read(text)
    const known = results.get(text)
    if (known !== undefined) return known
    if (results.size === maxRemembered) results.clear()
    const result = read(text)
    results.set(text, result)
    return result
  }
}

const maxRemembered = 16
const maxRememberedLength = 100
