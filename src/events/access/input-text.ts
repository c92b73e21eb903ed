import { type GraphQLInputType, getNullableType, isEnumType, isInputObjectType, isListType } from 'graphql'
import type { EventSchema } from '../model/event-schema.ts'

/**
 * The texts at a path inside an argument, for scopes and templates: an enum value as bodies have
 * it, several for a list, none for what is absent or null.
 */
export function inputTextsAt(
  schema: Pick<EventSchema, 'enums'>,
  type: GraphQLInputType,
  value: unknown,
  path: readonly string[],
): readonly string[] {
  if (value === undefined || value === null) return []
  const nullable = getNullableType(type)
  if (isListType(nullable)) {
    const items: readonly unknown[] = Array.isArray(value) ? value : [value]
    return items.flatMap((item) => inputTextsAt(schema, nullable.ofType, item, path))
  }
  if (isInputObjectType(nullable)) {
    const [name = '', ...rest] = path
    const field = nullable.getFields()[name]
    return field ? inputTextsAt(schema, field.type, (value as Record<string, unknown>)[name], rest) : []
  }
  if (path.length > 0 || !isScalar(value)) return []
  const text = String(value)
  return [isEnumType(nullable) ? (schema.enums.get(nullable.name)?.textOf.get(text) ?? text) : text]
}

function isScalar(value: unknown): value is string | number | bigint | boolean {
  return typeof value !== 'object'
}
