import { type GraphQLInputType, getNullableType, isEnumType, isInputObjectType, isListType } from 'graphql'
import { JsonNumber } from '../../core/json/json-number.ts'
import { badInput } from '../../errors.ts'
import type { InputSchema } from '../access/authorize-message.ts'
import { exactNumberOf } from '../matching/exact-number.ts'
import type { InputFieldMapping } from '../model/event-schema.ts'

/**
 * Turns the value of an argument into the JSON of a body: members by their names in bodies, enum
 * values by their texts, BigInt and Decimal as numbers with every digit. What is left out stays
 * left out; null stays null. `path`: the argument, for errors.
 */
export function bodyValueOf(schema: InputSchema, type: GraphQLInputType, value: unknown, path: string): unknown {
  if (value === null || value === undefined) return null
  const nullable = getNullableType(type)
  if (isListType(nullable)) {
    const items: readonly unknown[] = Array.isArray(value) ? value : [value]
    return items.map((item, index) => bodyValueOf(schema, nullable.ofType, item, `${path}.${index}`))
  }
  if (isInputObjectType(nullable)) {
    const types = new Map(Object.values(nullable.getFields()).map((field) => [field.name, field.type]))
    return bodyObjectOf(schema, types, schema.inputs.get(nullable.name), value as Record<string, unknown>, `${path}.`)
  }
  if (isEnumType(nullable)) return schema.enums.get(nullable.name)?.textOf.get(value as string) ?? value
  if (nullable.name === 'BigInt' || nullable.name === 'Decimal') return numberOf(value, nullable.name, path)
  return value
}

/** An object of input fields or arguments. `prefix`: what precedes their names in errors. */
export function bodyObjectOf(
  schema: InputSchema,
  types: ReadonlyMap<string, GraphQLInputType>,
  mappings: ReadonlyMap<string, InputFieldMapping> | undefined,
  values: Readonly<Record<string, unknown>>,
  prefix = '',
): Record<string, unknown> {
  // Without prototype, because an author may call a member `__proto__`.
  const body = Object.create(null) as Record<string, unknown>
  for (const [name, type] of types) {
    const value = values[name]
    if (value === undefined) continue
    body[mappings?.get(name)?.member ?? name] = bodyValueOf(schema, type, value, prefix + name)
  }
  return body
}

function numberOf(value: unknown, type: string, path: string): JsonNumber {
  const token = String(value)
  if (!exactNumberOf(token))
    throw badInput(path, `expected a ${type} as JSON writes numbers, got ${JSON.stringify(token)}`)
  return new JsonNumber(token)
}
