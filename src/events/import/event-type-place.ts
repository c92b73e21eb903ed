import { printPointer } from '../../core/json/json-pointer.ts'
import { isWritable, literal } from '../draft/sketch.ts'
import type { ApiMessage } from './async-api.ts'
import { textAt } from './references.ts'
import type { SchemaParts } from './schema-parts.ts'

/** A message of a channel with its schemas read. */
export interface MessageSchema {
  readonly message: ApiMessage
  readonly payload: SchemaParts
  readonly headers: SchemaParts
}

/** A place where each message of a channel has another constant. */
export interface ConstantPlace {
  /** For `@events(typeFrom:)`. */
  readonly typeFrom: string
  readonly eventTypeOf: (schema: MessageSchema) => string | undefined
}

/**
 * Finds a property of the payload or a header with a constant that differs between all messages.
 * Undefined: the messages name their type in the property `type`.
 */
export function commonTypePlace(schemas: readonly MessageSchema[]): ConstantPlace | undefined {
  const places = [
    ...constantsOf(
      schemas,
      ({ headers }) => headers,
      (name) => `{ header: ${literal(name)} }`,
    ),
    ...constantsOf(
      schemas,
      ({ payload }) => payload,
      (name) => `{ body: ${literal(printPointer([name]))} }`,
    ),
  ]
  return places[0]
}

function constantsOf(
  schemas: readonly MessageSchema[],
  partsOf: (schema: MessageSchema) => SchemaParts,
  typeFrom: (name: string) => string,
): ConstantPlace[] {
  const [first] = schemas
  if (!first) return []
  return [...partsOf(first).properties.keys()].filter(isWritable).flatMap((name) => {
    const eventTypeOf = (schema: MessageSchema) => constantOf(partsOf(schema).properties.get(name))
    const values = schemas.map(eventTypeOf)
    const isApart = values.every((value) => value !== undefined) && new Set(values).size === schemas.length
    return isApart ? [{ typeFrom: typeFrom(name), eventTypeOf }] : []
  })
}

/** The only text that the schema allows. */
function constantOf(schema: unknown): string | undefined {
  const constant = textAt(schema, 'const')
  if (constant !== undefined) return isWritable(constant) ? constant : undefined
  const values = typeof schema === 'object' && schema !== null && 'enum' in schema ? schema.enum : undefined
  const [only, ...others]: unknown[] = Array.isArray(values) ? values : []
  return typeof only === 'string' && only !== '' && others.length === 0 && isWritable(only) ? only : undefined
}
