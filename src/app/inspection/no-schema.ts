import { type GraphQLSchema, lexicographicSortSchema, printSchema } from 'graphql'
import type { SchemaReader } from '../../core/inspection/definitions/field-definition.ts'

/** Reads the schema of a gateway without typed events. */
export function schemaWithoutEvents(served: () => GraphQLSchema): SchemaReader {
  return {
    current: undefined,
    printServed: () => printClientSchema(served()),
    fields: () => [],
    files: () => [],
    sdlOf: () => '',
  }
}

/** What clients see. */
export function printClientSchema(schema: GraphQLSchema): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`
}
