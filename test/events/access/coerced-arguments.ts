import {
  type FieldNode,
  GraphQLError,
  type GraphQLSchema,
  getArgumentValues,
  getVariableValues,
  type OperationDefinitionNode,
  type OperationTypeNode,
  parse,
} from 'graphql'

/** The arguments as GraphQL coerces them, of the first field of an operation. */
export function coercedArguments(
  schema: GraphQLSchema,
  type: 'Subscription' | 'Query' | 'Mutation',
  text: string,
  variables: Record<string, unknown> = {},
): Record<string, unknown> {
  const operation = parse(text).definitions[0] as OperationDefinitionNode
  const field = operation.selectionSet.selections[0] as FieldNode
  const definition = schema.getRootType(type.toLowerCase() as OperationTypeNode)?.getFields()[field.name.value]
  if (!definition) throw new Error(`no field ${text}`)
  const values = getVariableValues(schema, operation.variableDefinitions ?? [], variables)
  if (!values.coerced) throw values.errors?.[0] ?? new GraphQLError('variables')
  return getArgumentValues(definition, field, values.coerced)
}
