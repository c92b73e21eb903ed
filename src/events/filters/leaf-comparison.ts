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

const exactNumbers: LeafComparison = {
  canonical: (value) => numberTextOf(tokenOf(value)),
  order: (limit) => {
    const bound = exactNumberOf(tokenOf(limit))
    if (!bound) return undefined
    return (value) => compareWith(bound, exactNumberOf(tokenOf(value)))
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
      const instant = instantText(value)
      if (instant === undefined || instant === bound) return instant === undefined ? undefined : 0
      return instant < bound ? -1 : 1
    }
  },
}

function instantText(value: unknown): string | undefined {
  if (value instanceof Date) return instantOf(value.toISOString())
  return typeof value === 'string' ? instantOf(value) : undefined
}
