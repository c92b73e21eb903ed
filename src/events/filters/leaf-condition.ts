import type { GraphQLLeafType } from 'graphql'
import { badInput, type GatewayError } from '../../errors.ts'
import type { TypedValue } from '../model/typed-value.ts'
import type { FilterCondition } from './filter-condition.ts'
import { type LeafComparison, leafComparisonOf } from './leaf-comparison.ts'

/** The operators that a client can write on a leaf field. */
export const leafOperators = ['eq', 'ne', 'in', 'lt', 'lte', 'gt', 'gte', 'startsWith', 'exists'] as const
export type LeafOperator = (typeof leafOperators)[number]

/**
 * Compiles one operator of a leaf field. `path`: the argument, for errors. Two-valued: a null
 * passes `eq: null`, `ne` with a value and `exists: false`, and nothing else.
 */
export function leafConditionOf(
  type: GraphQLLeafType,
  operator: LeafOperator,
  operand: unknown,
  path: string,
): FilterCondition {
  const comparison = leafComparisonOf(type)
  switch (operator) {
    case 'eq':
      return equal(comparison, type, operand, path)
    case 'ne': {
      const { key, test } = equal(comparison, type, operand, path)
      return { key: `ne${key.slice(2)}`, test: (value) => !test(value) }
    }
    case 'in': {
      const wanted = (Array.isArray(operand) ? operand : [operand]).map((item: unknown) =>
        canonicalOf(comparison, type, item, path),
      )
      const set = new Set(wanted)
      const key = `in [${[...set]
        .map((text) => JSON.stringify(text))
        .toSorted()
        .join()}]`
      return { key, test: (value) => value !== null && has(set, comparison.canonical(value)) }
    }
    case 'startsWith':
      if (typeof operand !== 'string') throw wrongValue(path, 'a string', operand)
      return {
        key: `startsWith ${JSON.stringify(operand)}`,
        test: (value) => typeof value === 'string' && value.startsWith(operand),
      }
    case 'exists':
      return existsCondition(operand, path)
    default:
      return ordered(comparison, type, operator, operand, path)
  }
}

export function existsCondition(operand: unknown, path: string): FilterCondition {
  if (typeof operand !== 'boolean') throw wrongValue(path, 'true or false', operand)
  return { key: `exists ${operand}`, test: (value) => (value !== null) === operand }
}

function equal(comparison: LeafComparison, type: GraphQLLeafType, operand: unknown, path: string): FilterCondition {
  if (operand === null) return { key: 'eq null', test: (value) => value === null }
  const wanted = canonicalOf(comparison, type, operand, path)
  return {
    key: `eq ${JSON.stringify(wanted)}`,
    test: (value) => value !== null && comparison.canonical(value) === wanted,
  }
}

function has(set: ReadonlySet<unknown>, canonical: unknown): boolean {
  return canonical !== undefined && set.has(canonical)
}

function ordered(
  comparison: LeafComparison,
  type: GraphQLLeafType,
  operator: 'lt' | 'lte' | 'gt' | 'gte',
  operand: unknown,
  path: string,
): FilterCondition {
  const compare = comparison.order?.(operand)
  if (!compare) throw wrongValue(path, `a value of the type ${type.name} that has an order`, operand)
  const holds = orders[operator]
  const test = (value: TypedValue) => {
    const sign = value === null ? undefined : compare(value)
    return sign !== undefined && holds(sign)
  }
  return { key: `${operator} ${JSON.stringify(comparison.canonical(operand))}`, test }
}

const orders = {
  lt: (sign: number) => sign < 0,
  lte: (sign: number) => sign <= 0,
  gt: (sign: number) => sign > 0,
  gte: (sign: number) => sign >= 0,
}

function canonicalOf(comparison: LeafComparison, type: GraphQLLeafType, operand: unknown, path: string) {
  const canonical = comparison.canonical(operand)
  if (canonical === undefined) throw wrongValue(path, `a value of the type ${type.name}`, operand)
  return canonical
}

function wrongValue(path: string, expected: string, value: unknown): GatewayError {
  return badInput(
    path,
    `expected ${expected}, got ${typeof value === 'string' ? JSON.stringify(value) : String(value)}`,
  )
}
