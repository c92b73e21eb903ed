import {
  coerceInputValue,
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  getOperationAST,
  isInputType,
  isNonNullType,
  typeFromAST,
} from 'graphql'
import type { Plugin } from 'graphql-yoga'

/**
 * Gives errors in the values of variables the code `BAD_USER_INPUT`, with the variable as `field`,
 * or the place within it (`input.data`). The executor reports them without a code.
 */
export const variableErrors: Plugin = {
  onExecute: ({ args }) => ({
    onExecuteDone({ result, setResult }) {
      const coded = withCodes(result as ExecutionResult, args)
      if (coded) setResult(coded)
    },
  }),
  onSubscribe: ({ args }) => ({
    onSubscribeResult({ result, setResult }) {
      const coded = withCodes(result as ExecutionResult, args)
      if (coded) setResult(coded as never)
    },
  }),
}

/** Undefined if nothing changes. */
function withCodes({ errors, ...rest }: Partial<ExecutionResult>, args: ExecutionArgs): ExecutionResult | undefined {
  if (!errors?.some(isOfVariable)) return undefined
  const fields = invalidFields(args)
  return {
    ...rest,
    errors: errors.map((error) => (isOfVariable(error) ? withCode(error, fields.shift()) : error)),
  }
}

/** Errors of fields have a path. */
function isOfVariable({ message, path }: GraphQLError): boolean {
  return path === undefined && message.startsWith('Variable "$')
}

function withCode(error: GraphQLError, field: string | undefined): GraphQLError {
  const { message, nodes, source, positions, extensions } = error
  return new GraphQLError(message, {
    nodes,
    source,
    positions,
    extensions: { ...extensions, code: 'BAD_USER_INPUT', field },
  })
}

/** In the order in which the executor reports them (GraphQL specification §6.1.2). */
function invalidFields({ schema, document, operationName, variableValues }: ExecutionArgs): string[] {
  const fields: string[] = []
  for (const definition of getOperationAST(document, operationName)?.variableDefinitions ?? []) {
    const name = definition.variable.name.value
    const type = typeFromAST(schema, definition.type as never)
    if (!isInputType(type)) continue
    const value = variableValues?.[name]
    if (value !== undefined && !(value === null && isNonNullType(type)))
      coerceInputValue(value, type, (path) => fields.push([name, ...path].join('.')))
    else if (isNonNullType(type) && (value === null || !definition.defaultValue)) fields.push(name)
  }
  return fields
}
