import {
  GraphQLError,
  GraphQLID,
  type GraphQLInputType,
  GraphQLInt,
  GraphQLList,
  type GraphQLNamedType,
  GraphQLNonNull,
  type GraphQLNullableType,
  type GraphQLOutputType,
  GraphQLScalarType,
  GraphQLSchema,
  type GraphQLType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type ValueNode,
} from 'graphql'
import { GraphQLJSON } from 'graphql-scalars'
import { JsonNumber, numberOf } from '../../core/json/json-number.ts'
import { shownValue } from '../../core/json/shown-value.ts'

/** As in graphql-js, except that a number keeps its digits; graphql-js would round it. */
const ID = new GraphQLScalarType({
  ...GraphQLID.toConfig(),
  parseValue(value) {
    if (typeof value === 'string') return value
    if (Number.isSafeInteger(value) || (value instanceof JsonNumber && value.isInteger)) return String(value)
    throw new GraphQLError(`ID cannot represent a non-string and non-integer value: ${shownValue(value)}`, badUserInput)
  },
})

const Int = new GraphQLScalarType({
  ...GraphQLInt.toConfig(),
  parseValue: (value) => GraphQLInt.parseValue(value instanceof JsonNumber ? (value.exact ?? value) : value),
})

/** Numbers keep their digits, in documents too. */
export const LosslessJSON = new GraphQLScalarType({
  ...GraphQLJSON.toConfig(),
  parseLiteral: jsonOfLiteral,
})

const badUserInput = { extensions: { code: 'BAD_USER_INPUT' } }

/** Numbers have the same grammar as in JSON. */
function jsonOfLiteral(node: ValueNode, variables?: Record<string, unknown> | null): unknown {
  switch (node.kind) {
    case Kind.INT:
    case Kind.FLOAT:
      return numberOf(node.value)
    case Kind.LIST:
      return node.values.map((value) => jsonOfLiteral(value, variables))
    case Kind.OBJECT: {
      const object = Object.create(null) as Record<string, unknown>
      for (const { name, value } of node.fields) object[name.value] = jsonOfLiteral(value, variables)
      return object
    }
    default:
      return GraphQLJSON.parseLiteral(node, variables)
  }
}

/**
 * Replaces scalars of graphql-js in the schema, which the builder cannot do. Call it only on a
 * schema that is not used yet, because it changes the types in place.
 */
export function withLosslessScalars(schema: GraphQLSchema): GraphQLSchema {
  const { types, ...config } = schema.toConfig()
  for (const type of types) replaceIn(type)
  return new GraphQLSchema({ ...config, types: types.filter(({ name }) => !replacements.has(name)) })
}

const replacements = new Map<string, GraphQLScalarType>([
  ['ID', ID],
  ['Int', Int],
])

function replaceIn(type: GraphQLNamedType): void {
  if (isInputObjectType(type)) {
    for (const field of Object.values(type.getFields())) field.type = replaced(field.type)
  } else if ((isObjectType(type) || isInterfaceType(type)) && !type.name.startsWith('__')) {
    for (const field of Object.values(type.getFields())) {
      field.type = replaced(field.type)
      for (const argument of field.args) argument.type = replaced(argument.type)
    }
  }
}

/** The result has the same kind as `type`, but TypeScript cannot infer that. */
function replaced<Type extends GraphQLInputType | GraphQLOutputType>(type: Type): Type {
  return replacedType(type) as Type
}

function replacedType(type: GraphQLType): GraphQLType {
  if (isNonNullType(type)) return new GraphQLNonNull(replacedType(type.ofType) as GraphQLNullableType)
  if (isListType(type)) return new GraphQLList(replacedType(type.ofType))
  return replacements.get(type.name) ?? type
}
