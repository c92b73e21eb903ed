import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getArgumentValues,
  getNullableType,
  getOperationAST,
  getVariableValues,
  isLeafType,
  isNonNullType,
  isObjectType,
  Kind,
  OperationTypeNode,
  type SelectionSetNode,
} from 'graphql'
import { latin1Of } from '../../core/body/latin1.ts'
import { printJson } from '../../core/json/print-json.ts'

/**
 * A compiled selection of a subscription. It produces the same JSON text as `execute` of
 * graphql-js, byte for byte, at a fortieth of the cost. It calls the resolvers and serialisers of
 * the schema without arguments, context and info. So a result depends on the event and the channel
 * only, and all subscriptions with the same request may share it.
 */
export interface CompiledSelection {
  /** The coerced arguments of the root field. Throws if coercion fails. */
  argumentsOf(variables: Readonly<Record<string, unknown>> | null | undefined): Record<string, unknown>
  /**
   * Returns `{"data":{…}}` in the form of `latin1Of`. Throws if the result has an error; graphql-js
   * then executes the operation for the error response.
   */
  render(event: unknown, args: Readonly<Record<string, unknown>>): string
}

/**
 * Returns undefined if the result may depend on more than the event: directives, arguments below
 * the root, lists, abstract types. Also for a root field with `separateEvents`.
 */
export function compileSelection(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
): CompiledSelection | undefined {
  const operation = getOperationAST(document, operationName)
  const rootType = schema.getSubscriptionType()
  if (!rootType || operation?.operation !== OperationTypeNode.SUBSCRIPTION) return undefined
  if (operation.directives?.length) return undefined
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
  }
  const [root, ...others] = [...(collect([operation.selectionSet], rootType, fragments) ?? [])]
  if (!root || others.length > 0) return undefined
  const [responseKey, nodes] = root
  const [node] = nodes
  const field = node && rootType.getFields()[node.name.value]
  if (!node || !field || field.extensions['separateEvents'] === true) return undefined
  const print = printerOf(field.type, nodes, fragments)
  if (!print) return undefined
  const open = `{"data":{${JSON.stringify(responseKey)}:`
  const { resolve = same } = field
  return {
    argumentsOf(variables) {
      const { coerced, errors } = getVariableValues(schema, operation.variableDefinitions ?? [], variables ?? {})
      if (errors) throw errors[0]
      return getArgumentValues(field, node, coerced)
    },
    render: (event, args) => {
      // Without context and info, a resolver that uses them fails here instead of sharing private
      // data of one caller.
      const value: unknown = resolve(event, args, undefined, undefined as never)
      return `${open}${print(value)}}}`
    },
  }
}

type Print = (value: unknown) => string
type Fragments = ReadonlyMap<string, FragmentDefinitionNode>

const same = (value: unknown): unknown => value

/**
 * Collects fields by response key, in response order (GraphQL specification §6.3.2). Undefined if
 * the selection cannot be compiled.
 */
function collect(
  sets: readonly SelectionSetNode[],
  type: GraphQLObjectType,
  fragments: Fragments,
): Map<string, FieldNode[]> | undefined {
  const fields = new Map<string, FieldNode[]>()
  const visited = new Set<string>()
  const walk = ({ selections }: SelectionSetNode): boolean =>
    selections.every((selection) => {
      if (selection.directives?.length) return false
      switch (selection.kind) {
        case Kind.FIELD: {
          const key = selection.alias?.value ?? selection.name.value
          const nodes = fields.get(key)
          if (nodes) nodes.push(selection)
          else fields.set(key, [selection])
          return true
        }
        case Kind.INLINE_FRAGMENT: {
          const condition = selection.typeCondition?.name.value
          return (condition === undefined || condition === type.name) && walk(selection.selectionSet)
        }
        case Kind.FRAGMENT_SPREAD: {
          const name = selection.name.value
          if (visited.has(name)) return true
          visited.add(name)
          const fragment = fragments.get(name)
          if (!fragment || fragment.directives?.length || fragment.typeCondition.name.value !== type.name) return false
          return walk(fragment.selectionSet)
        }
      }
    })
  return sets.every(walk) ? fields : undefined
}

function printerOf(type: GraphQLOutputType, nodes: readonly FieldNode[], fragments: Fragments): Print | undefined {
  const nullable = getNullableType(type)
  const print = isLeafType(nullable)
    ? leafPrinter(nullable)
    : isObjectType(nullable)
      ? objectPrinter(nullable, nodes, fragments)
      : undefined
  if (!print) return undefined
  const required = isNonNullType(type)
  return (value) => {
    if (value === null || value === undefined) {
      if (required) throw new NotCompiled('null for a non-null field')
      return 'null'
    }
    if (value instanceof Error || isThenable(value)) throw new NotCompiled('an error or a promise')
    return print(value)
  }
}

function leafPrinter(type: GraphQLLeafType): Print {
  return (value) => {
    const serialized: unknown = type.serialize(value)
    if (serialized === null || serialized === undefined) throw new NotCompiled('no value for a leaf')
    const text = printJson(serialized)
    if (text === undefined) throw new NotCompiled('a value that JSON cannot represent')
    return latin1Of(text)
  }
}

function objectPrinter(type: GraphQLObjectType, nodes: readonly FieldNode[], fragments: Fragments): Print | undefined {
  const selected = collect(
    nodes.flatMap(({ selectionSet }) => selectionSet ?? []),
    type,
    fragments,
  )
  if (!selected || type.isTypeOf) return undefined
  const printers: Print[] = []
  for (const [key, [node, ...repeated]] of selected) {
    if (!node) return undefined
    const prefix = `${printers.length === 0 ? '{' : ','}${JSON.stringify(key)}:`
    if (node.name.value === '__typename') {
      const text = `${prefix}${JSON.stringify(type.name)}`
      printers.push(() => text)
      continue
    }
    const field = type.getFields()[node.name.value]
    const print = field && field.args.length === 0 && printerOf(field.type, [node, ...repeated], fragments)
    if (!print) return undefined
    const valueOf = resolverOf(field)
    const jsonOf = printedField(field)
    printers.push((source) => prefix + (jsonOf?.(source) ?? print(valueOf(source))))
  }
  return (source) => {
    let text = ''
    for (const print of printers) text += print(source)
    return `${text}}`
  }
}

/** What a field may declare in its `extensions`. */
export interface PrintedField<Source> {
  /**
   * Returns the printed JSON of the value, one character for each byte (`latin1Of`). Undefined: the
   * value must be resolved and printed.
   */
  readonly jsonOf: (source: Source) => string | undefined
}

function printedField({
  type,
  extensions,
}: GraphQLField<unknown, unknown>): PrintedField<unknown>['jsonOf'] | undefined {
  // A non-null field needs the check for null.
  return isLeafType(type) ? (extensions as Partial<PrintedField<unknown>>).jsonOf : undefined
}

function resolverOf({ name, resolve }: GraphQLField<unknown, unknown>): (source: unknown) => unknown {
  if (resolve) return (source) => resolve(source, {}, undefined, undefined as never)
  return (source) => {
    const value = (source as Record<string, unknown>)[name]
    if (typeof value === 'function') throw new NotCompiled('a method')
    return value
  }
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && typeof (value as { then?: unknown }).then === 'function'
}

/** The compiled selection cannot produce this result. */
class NotCompiled extends Error {
  override readonly name = 'NotCompiled'
}
