import type { GraphQLFieldResolver, GraphQLTypeResolver } from 'graphql'
import { JsonScalar, TypedObject, type TypedValue } from '../model/typed-value.ts'

/**
 * Resolves the fields of typed values where graphql-js executes: operations that are not compiled,
 * and replies to requests. The custom scalars of the schema have to serialise strings unchanged.
 */
export const typedFieldResolver: GraphQLFieldResolver<unknown, unknown> = (source, _args, _context, { fieldName }) =>
  source instanceof TypedObject ? plainValue(source.fields[fieldName] ?? null) : undefined

export const typedTypeResolver: GraphQLTypeResolver<unknown, unknown> = (value) =>
  value instanceof TypedObject ? value.typeName : undefined

/** The value as graphql-js takes it: values of the scalar JSON without their holder. */
export function plainValue(value: TypedValue): unknown {
  if (value instanceof JsonScalar) return value.value
  return Array.isArray(value) ? value.map(plainValue) : value
}
