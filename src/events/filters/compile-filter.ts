import {
  type GraphQLInterfaceType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNamedType,
  isAbstractType,
  isInterfaceType,
  isLeafType,
  isObjectType,
} from 'graphql'
import { badInput, GatewayError } from '../../errors.ts'
import type { EventSchema } from '../model/event-schema.ts'
import { TypedObject } from '../model/typed-value.ts'
import { allOf, anyOf, everything, type FilterCondition, isEverything, not, someElement } from './filter-condition.ts'
import { existsCondition, leafConditionOf, leafOperators } from './leaf-condition.ts'

/** The argument `filter` of one subscription, compiled. Equal filters have equal keys. */
export interface CompiledFilter extends FilterCondition {
  /** The output fields that the filter reads, as `Type.field`, for `@allow` on them. */
  readonly fields: ReadonlySet<string>
}

export const maxFilterConditions = 20
export const maxFilterDepth = 5
export const maxFilterValues = 100

type FilterInput = Readonly<Record<string, unknown>>

/**
 * Compiles a filter over values of the type. `path`: the name of the argument. Null and left-out
 * conditions do not count, but `eq: null` and `ne: null` compare with null. Returns undefined if
 * there is no condition at all. Throws `LIMIT_EXCEEDED`, and `BAD_USER_INPUT` with the path in the
 * argument.
 */
export function compileFilter(
  schema: Pick<EventSchema, 'schema' | 'objects'>,
  type: GraphQLOutputType,
  input: unknown,
  path = 'filter',
): CompiledFilter | undefined {
  if (input === undefined || input === null) return undefined
  const compiler = new FilterCompiler(schema)
  const condition = compiler.object(getNamedType(type), objectOf(input, path), path, 1)
  if (isEverything(condition)) return undefined
  const { key, test } = someElement(condition)
  return { key, test, fields: compiler.fields }
}

class FilterCompiler {
  readonly fields = new Set<string>()
  readonly #schema: Pick<EventSchema, 'schema' | 'objects'>
  #conditions = 0

  constructor(schema: Pick<EventSchema, 'schema' | 'objects'>) {
    this.#schema = schema
  }

  object(type: GraphQLNamedType, input: FilterInput, path: string, depth: number): FilterCondition {
    if (depth > maxFilterDepth) {
      throw exceeded('filterDepth', `${path}: expected filters that nest at most ${maxFilterDepth} levels`)
    }
    const parts: FilterCondition[] = []
    for (const [name, value] of Object.entries(input)) {
      if (value === undefined || value === null) continue
      const inner = `${path}.${name}`
      const field = this.#fieldOf(type, name)
      if (field) parts.push(this.#field(name, field, objectOf(value, inner), inner, depth))
      else parts.push(this.#operator(type, name, value, inner, depth))
    }
    return allOf(parts)
  }

  #operator(type: GraphQLNamedType, name: string, value: unknown, path: string, depth: number): FilterCondition {
    switch (name) {
      case 'and':
        return allOf(this.#list(type, value, path, depth))
      case 'or':
        return anyOf(this.#list(type, value, path, depth))
      case 'not':
        return not(this.object(type, objectOf(value, path), path, depth + 1))
      case 'exists':
        this.#count()
        return existsCondition(value, path)
      default:
        throw badInput(path, `expected a field of ${type.name} that can be filtered by, and, or, or not`)
    }
  }

  #list(type: GraphQLNamedType, value: unknown, path: string, depth: number): FilterCondition[] {
    const items = Array.isArray(value) ? value : [value]
    if (items.length === 0) throw badInput(path, 'expected at least one filter, got an empty list')
    return items.map((item: unknown, index) => {
      const inner = `${path}.${index}`
      return this.object(type, objectOf(item, inner), inner, depth + 1)
    })
  }

  #field(name: string, type: GraphQLOutputType, input: FilterInput, path: string, depth: number): FilterCondition {
    const named = getNamedType(type)
    const condition = isLeafType(named)
      ? allOf(
          Object.entries(input)
            .filter(([operator, operand]) => operand !== undefined && (operand !== null || isEquality(operator)))
            .map(([operator, operand]) => {
              const inner = `${path}.${operator}`
              const known = leafOperators.find((candidate) => candidate === operator)
              if (!known) throw badInput(inner, `expected one of ${leafOperators.join(', ')}`)
              if (known === 'in') checkLength(operand, inner)
              this.#count()
              return leafConditionOf(named, known, operand, inner)
            }),
        )
      : this.object(named, input, path, depth + 1)
    if (isEverything(condition)) return everything
    const { key, test } = someElement(condition)
    return {
      key: `${JSON.stringify(name)}(${key})`,
      test: (value) => test(value instanceof TypedObject ? (value.fields[name] ?? null) : null),
    }
  }

  #count(): void {
    this.#conditions += 1
    if (this.#conditions > maxFilterConditions) {
      throw exceeded('filterConditions', `expected a filter with at most ${maxFilterConditions} conditions`)
    }
  }

  /** The type of a field that can be filtered by; undefined if no such field exists. */
  #fieldOf(type: GraphQLNamedType, name: string): GraphQLOutputType | undefined {
    let found: GraphQLOutputType | undefined
    for (const owner of this.#ownersOf(type)) {
      const field = owner.getFields()[name]
      if (!field || !this.#isFilterable(owner.name, name, field.type)) continue
      this.fields.add(`${owner.name}.${name}`)
      found ??= field.type
    }
    return found
  }

  #ownersOf(type: GraphQLNamedType): readonly (GraphQLObjectType | GraphQLInterfaceType)[] {
    if (isObjectType(type)) return [type]
    const members = isAbstractType(type) ? this.#schema.schema.getPossibleTypes(type) : []
    return isInterfaceType(type) ? [type, ...members] : members
  }

  /** A nested object need not be marked: its own fields are. */
  #isFilterable(owner: string, name: string, type: GraphQLOutputType): boolean {
    if (this.#schema.objects.get(owner)?.get(name)?.filterable) return true
    return !isLeafType(getNamedType(type)) && !operators.has(name)
  }
}

const operators = new Set(['and', 'or', 'not', 'exists'])

function isEquality(operator: string): boolean {
  return operator === 'eq' || operator === 'ne'
}

function checkLength(operand: unknown, path: string): void {
  if (!Array.isArray(operand)) return
  if (operand.length === 0) throw badInput(path, 'expected at least one value, got an empty list')
  if (operand.length > maxFilterValues) {
    throw exceeded('filterValues', `${path}: expected at most ${maxFilterValues} values, got ${operand.length}`)
  }
}

function objectOf(value: unknown, path: string): FilterInput {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badInput(path, 'expected an object')
  return value as FilterInput
}

function exceeded(limit: string, message: string): GatewayError {
  return new GatewayError('LIMIT_EXCEEDED', message, { limit })
}
