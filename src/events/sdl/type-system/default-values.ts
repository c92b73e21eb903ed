import {
  astFromValue,
  type GraphQLArgument,
  type GraphQLInputField,
  GraphQLInputObjectType,
  type GraphQLNamedType,
  getNamedType,
  Kind,
  print,
  valueFromAST,
} from 'graphql'
import type { SdlContext } from '../context.ts'
import { isUnresolved } from './type-builder.ts'

/** Sets the default values of input fields and arguments of the team's types, in place. */
export function setDefaultValues(
  context: SdlContext,
  types: Iterable<GraphQLNamedType>,
  rootArguments: Iterable<GraphQLArgument>,
): void {
  const setter = new DefaultValueSetter(context)
  const all = [...types]
  for (const type of all) if (type instanceof GraphQLInputObjectType) setter.setFields(type)
  for (const type of all) {
    if (!('getFields' in type) || type instanceof GraphQLInputObjectType) continue
    for (const { args } of Object.values(type.getFields())) for (const argument of args) setter.set(argument)
  }
  for (const argument of rootArguments) setter.set(argument)
}

/** Introspection prints a default value in one piece, which clients have to parse. */
const maxNesting = 16

class DefaultValueSetter {
  readonly #context: SdlContext
  readonly #finished = new Set<GraphQLInputObjectType>()
  readonly #open = new Set<GraphQLInputObjectType>()

  constructor(context: SdlContext) {
    this.#context = context
  }

  setFields(type: GraphQLInputObjectType): void {
    if (this.#finished.has(type)) return
    this.#open.add(type)
    for (const field of Object.values(type.getFields())) this.set(field)
    this.#open.delete(type)
    this.#finished.add(type)
  }

  /** The literal of an input object takes the defaults of its fields, so those are set before. */
  set(target: GraphQLArgument | GraphQLInputField): void {
    const literal = target.astNode?.defaultValue
    if (!literal || isUnresolved(target.type)) return
    const named = getNamedType(target.type)
    if (named instanceof GraphQLInputObjectType && literal.kind !== Kind.NULL) {
      if (this.#open.has(named)) {
        this.#context.mistakes.error(
          literal,
          `the default value of ${target.name} contains itself through the default values of ${named.name}: leave one of them out`,
        )
        return
      }
      if (this.#open.size >= maxNesting) {
        this.#context.mistakes.error(
          literal,
          `default values contain each other over more than ${maxNesting} input types: use fewer`,
        )
        return
      }
      this.setFields(named)
    }
    const value = valueFromAST(literal, target.type)
    if (value === undefined) {
      this.#context.mistakes.error(
        literal,
        `expected a value of the type ${String(target.type)} as the default value of ${target.name}, got ${print(literal)}`,
      )
    } else if (isPrintable(value, target)) {
      target.defaultValue = value
    } else {
      this.#context.mistakes.error(
        literal,
        `the default value of ${target.name} is an object, a list or a long number of a scalar, which introspection cannot show: leave it out`,
      )
    }
  }
}

/** graphql-js cannot print an object or a list that is the value of a scalar. */
function isPrintable(value: unknown, { type }: GraphQLArgument | GraphQLInputField): boolean {
  try {
    astFromValue(value, type)
    return true
  } catch {
    return false
  }
}
