import {
  type DocumentNode,
  type FieldNode,
  type GraphQLArgument,
  type GraphQLSchema,
  getOperationAST,
  isInputType,
  isLeafType,
  isNonNullType,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  typeFromAST,
  type VariableDefinitionNode,
  valueFromAST,
} from 'graphql'
import { ChannelSubscription } from '../../core/delivery/channel-subscription.ts'
import type { Context } from '../context.ts'

type Variables = Readonly<Record<string, unknown>> | null | undefined

/**
 * A compiled subscribe operation. It does what `subscribe` of graphql-js does from the variables to
 * the source stream, at a twentieth of the cost. The document has been parsed within its limits and
 * validated.
 */
export interface CompiledSubscribe {
  /**
   * The coerced arguments of the root field. Undefined if they are invalid; graphql-js then reports
   * the error.
   */
  argumentsOf(variables: Variables): Record<string, unknown> | undefined
  /**
   * The subscription that the resolver of the field opens. Undefined if the resolver throws.
   * Nothing has been changed then, and graphql-js repeats the call to report the error.
   */
  subscription(args: Record<string, unknown>, context: Context): ChannelSubscription | undefined
}

/**
 * Returns undefined for an operation that needs more than the field's resolver and leaf arguments:
 * fragments or directives at the root, lists, input objects.
 */
export function compileSubscribe(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
): CompiledSubscribe | undefined {
  const operation = getOperationAST(document, operationName)
  if (operation?.operation !== OperationTypeNode.SUBSCRIPTION || operation.directives?.length) return undefined
  const [node, ...others] = operation.selectionSet.selections
  if (node?.kind !== Kind.FIELD || others.length > 0 || node.directives?.length) return undefined
  const field = schema.getSubscriptionType()?.getFields()[node.name.value]
  const subscribe = field?.subscribe
  if (!subscribe) return undefined
  const readers: [name: string, read: Read][] = []
  for (const argument of field.args) {
    const read = readerOf(schema, operation, node, argument)
    if (!read) return undefined
    readers.push([argument.name, read])
  }
  return {
    argumentsOf(variables) {
      const args: Record<string, unknown> = {}
      for (const [name, read] of readers) {
        const value = read(variables ?? {})
        if (value === invalid) return undefined
        if (value !== omitted) args[name] = value
      }
      return args
    },
    subscription(args, context) {
      try {
        // A resolver that uses info fails here, as with `CompiledSelection`.
        const source: unknown = subscribe(undefined, args, context, undefined as never)
        return source instanceof ChannelSubscription ? source : undefined
      } catch {
        return undefined
      }
    },
  }
}

/** The argument is omitted. */
const omitted = Symbol('omitted')
const invalid = Symbol('invalid')
type Read = (variables: Readonly<Record<string, unknown>>) => unknown

/** GraphQL specification §6.1.2 and §6.4.1. */
function readerOf(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  { arguments: given = [] }: FieldNode,
  { name, type, defaultValue }: GraphQLArgument,
): Read | undefined {
  const absent = defaultValue !== undefined ? defaultValue : isNonNullType(type) ? invalid : omitted
  const node = given.find((one) => one.name.value === name)?.value
  if (!node) return () => absent
  if (node.kind !== Kind.VARIABLE) {
    // Lists and objects may contain variables.
    if (node.kind === Kind.LIST || node.kind === Kind.OBJECT) return undefined
    const value: unknown = valueFromAST(node, type)
    return value === undefined ? undefined : () => value
  }
  const definition = operation.variableDefinitions?.find((one) => one.variable.name.value === node.name.value)
  const variable = definition && variableReader(schema, definition, absent)
  if (!variable || !isNonNullType(type)) return variable
  return (variables) => variable(variables) ?? invalid
}

/** `absent` is the value if the variable is omitted and has no default. */
function variableReader(
  schema: GraphQLSchema,
  { variable, type: typeNode, defaultValue }: VariableDefinitionNode,
  absent: unknown,
): Read | undefined {
  const name = variable.name.value
  const type = typeFromAST(schema, typeNode as never)
  const leaf = isNonNullType(type) ? type.ofType : type
  if (!isInputType(type) || !isLeafType(leaf)) return undefined
  const required = isNonNullType(type)
  const byDefault: unknown = defaultValue ? valueFromAST(defaultValue, type) : required ? invalid : absent
  if (byDefault === undefined) return undefined
  return (variables) => {
    if (!Object.hasOwn(variables, name)) return byDefault
    const value = variables[name]
    if (value === null || value === undefined) return required ? invalid : null
    try {
      const parsed: unknown = leaf.parseValue(value)
      return parsed === undefined ? invalid : parsed
    } catch {
      return invalid
    }
  }
}
