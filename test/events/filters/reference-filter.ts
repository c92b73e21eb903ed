import { TypedObject, type TypedValue } from '../../../src/events/model/typed-value.ts'

/** The leaf types of the fields of the test schema; objects are found by their value. */
export type LeafTypes = Readonly<Record<string, string>>
type Filter = Readonly<Record<string, unknown>>

/**
 * Whether a value passes a filter, read from the guide and without any preparation: the reference
 * for the compiled filters.
 */
export function passes(types: LeafTypes, filter: Filter, value: TypedValue): boolean {
  if (Array.isArray(value)) return value.some((element) => passes(types, filter, element as TypedValue))
  return Object.entries(filter).every(([name, condition]) => {
    if (condition === null || condition === undefined) return true
    const filters = (Array.isArray(condition) ? condition : [condition]) as Filter[]
    if (name === 'and') return filters.every((inner) => passes(types, inner, value))
    if (name === 'or') return filters.some((inner) => passes(types, inner, value))
    if (name === 'not') return !passes(types, condition as Filter, value)
    if (name === 'exists') return (value !== null) === condition
    const member = value instanceof TypedObject ? (value.fields[name] ?? null) : null
    const type = types[name]
    if (!constrains(condition as Filter)) return true
    return type === undefined
      ? passes(types, condition as Filter, member)
      : leafPasses(type, condition as Filter, member)
  })
}

/** Whether a filter has a condition at all, so that it matters whether a list has elements. */
function constrains(filter: Filter): boolean {
  return Object.entries(filter).some(([name, condition]) => {
    if (condition === undefined) return false
    if (condition === null) return name === 'eq' || name === 'ne'
    if (name === 'not' || name === 'in') return true
    if (name === 'and') return (condition as Filter[]).some(constrains)
    if (name === 'or') return (condition as Filter[]).every(constrains)
    return typeof condition !== 'object' || constrains(condition as Filter)
  })
}

function leafPasses(type: string, operators: Filter, value: TypedValue): boolean {
  if (Array.isArray(value)) return value.some((element) => leafPasses(type, operators, element as TypedValue))
  return Object.entries(operators).every(([operator, operand]) => {
    const compare = () => (value === null ? Number.NaN : compareValues(type, value, operand))
    switch (operator) {
      case 'eq':
        return operand === null ? value === null : compare() === 0
      case 'ne':
        return operand === null ? value !== null : compare() !== 0
      case 'in':
        return (
          operand === null ||
          (operand as unknown[]).some((item) => value !== null && compareValues(type, value, item) === 0)
        )
      case 'lt':
        return operand === null || compare() < 0
      case 'lte':
        return operand === null || compare() <= 0
      case 'gt':
        return operand === null || compare() > 0
      case 'gte':
        return operand === null || compare() >= 0
      case 'startsWith':
        return operand === null || (typeof value === 'string' && value.indexOf(operand as string) === 0)
      case 'exists':
        return operand === null || (value !== null) === operand
      default:
        throw new Error(operator)
    }
  })
}

function compareValues(type: string, a: unknown, b: unknown): number {
  if (type === 'BigInt' || type === 'Decimal') return Number(scaled(String(a)) - scaled(String(b)))
  if (type === 'DateTime') return Date.parse(String(a)) - Date.parse(String(b))
  if (type === 'Int' || type === 'Float') return Number(a) - Number(b)
  return a === b ? 0 : String(a) < String(b) ? -1 : 1
}

/** As a multiple of 10^-60. */
function scaled(token: string): bigint {
  const [mantissa = '', exponent = '0'] = token.toLowerCase().split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  const digits = BigInt(whole.replace('-', '') + fraction)
  const power = 60 + Number(exponent) - fraction.length
  return (mantissa.startsWith('-') ? -digits : digits) * 10n ** BigInt(power)
}
