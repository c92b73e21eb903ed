import { printPointer } from '../../core/json/json-pointer.ts'
import { isWritable, literal } from '../draft/sketch.ts'
import type { ApiMessage } from './async-api.ts'
import type { SchemaParts } from './schema-parts.ts'

/** A message of a channel with its schemas read. */
export interface MessageSchema extends PlacesOfTypes {
  readonly message: ApiMessage
}

interface PlacesOfTypes {
  readonly payload: SchemaParts
  readonly headers: SchemaParts
}

/** A place where each message of a channel has another constant. */
export interface ConstantPlace {
  /** For `@events(typeFrom:)`. */
  readonly typeFrom: string
  readonly eventTypeOf: (schema: PlacesOfTypes) => string | undefined
}

/**
 * Finds a property of the payload or a header with a constant that differs between all messages.
 * Undefined: the messages name their type in the property `type`.
 */
export function commonTypePlace(schemas: readonly PlacesOfTypes[], read: ReadSchema): ConstantPlace | undefined {
  return (
    constantIn(
      schemas,
      ({ headers }) => headers,
      (name) => `{ header: ${literal(name)} }`,
      read,
    ) ??
    constantIn(
      schemas,
      ({ payload }) => payload,
      (name) => `{ body: ${literal(printPointer([name]))} }`,
      read,
    )
  )
}

type ReadSchema = (schema: unknown) => SchemaParts

function constantIn(
  schemas: readonly PlacesOfTypes[],
  partsOf: (schema: PlacesOfTypes) => SchemaParts,
  typeFrom: (name: string) => string,
  read: ReadSchema,
): ConstantPlace | undefined {
  const names = schemas.flatMap((schema) => [...partsOf(schema).properties.keys()])
  for (const name of names.filter(isWritable)) {
    const eventTypeOf = (schema: PlacesOfTypes) => constantOf(read(partsOf(schema).properties.get(name)))
    const values = new Set(schemas.map(eventTypeOf))
    if (values.size === schemas.length && !values.has(undefined)) return { typeFrom: typeFrom(name), eventTypeOf }
  }
  return undefined
}

/** The only text that the schema allows. */
function constantOf({ values = [], nullable }: SchemaParts): string | undefined {
  const [only, ...others] = values
  return typeof only === 'string' && isWritable(only) && only !== '' && others.length === 0 && !nullable
    ? only
    : undefined
}
