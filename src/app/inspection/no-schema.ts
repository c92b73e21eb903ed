import { type GraphQLSchema, lexicographicSortSchema, printSchema } from 'graphql'
import type { SchemaReader } from '../../core/inspection/definitions/field-definition.ts'
import { badInput } from '../../errors.ts'

/** Reads the schema of a gateway without typed events. */
export function schemaWithoutEvents(served: () => GraphQLSchema): SchemaReader {
  return {
    current: undefined,
    printServed: () => printClientSchema(served()),
    fields: () => [],
    files: () => [],
    sdlOf: () => '',
    fieldFor: () => {
      throw badInput('field', 'this gateway serves no typed fields: WARREN_SCHEMA is not set')
    },
  }
}

/** What clients see. */
export function printClientSchema(schema: GraphQLSchema): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`
}
