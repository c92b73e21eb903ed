import {
  type DocumentNode,
  type FieldNode,
  type GraphQLCompositeType,
  GraphQLError,
  type GraphQLObjectType,
  type GraphQLSchema,
  getArgumentValues,
  getOperationAST,
  getVariableValues,
  isObjectType,
  type OperationDefinitionNode,
  OperationTypeNode,
} from 'graphql'
import { latin1Of } from '../../core/body/latin1.ts'
import type { TypedValue } from '../model/typed-value.ts'
import { Selections } from './collect-fields.ts'
import { constantMember, memberPrinter, objectPrinter, type Print, type PrintMember, typePrinter } from './printers.ts'

/**
 * The selection of a subscribe operation on an event field, compiled. It prints the text that
 * `execute` of graphql-js over the typed value and `printJson` make, byte for byte.
 */
export interface Projection {
  /** The key of the root field in the result. */
  readonly responseKey: string
  /**
   * Returns `{"data":{…}}` in the form of `latin1Of`. The value is what validation made of a
   * message, or a gap notice (`gapValue`), by the same schema. Throws for any other.
   */
  print(value: TypedValue): string
  /**
   * The fields that are selected below the root, as `Type.field`, also of the interfaces that
   * declare them: what `@allow` has to permit.
   */
  readonly selectedFields: ReadonlySet<string>
}

/**
 * Undefined if graphql-js has to execute the operation: it selects no field of the root or several,
 * or its variables make an error. The document has been validated.
 */
export function compileProjection(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Readonly<Record<string, unknown>> | null | undefined,
): Projection | undefined {
  const operation = getOperationAST(document, operationName)
  if (!operation) return undefined
  const { coerced, errors } = getVariableValues(schema, operation.variableDefinitions ?? [], variables ?? {})
  return errors ? undefined : projectionOf(schema, document, operation, coerced)
}

/** `coerced` has at least the variables of directives and of inner arguments. */
export function projectionOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  coerced: Readonly<Record<string, unknown>>,
): Projection | undefined {
  const rootType = schema.getSubscriptionType()
  if (!rootType || operation.operation !== OperationTypeNode.SUBSCRIPTION) return undefined
  const compiler = new SelectionCompiler(new Selections(schema, document, coerced))
  try {
    const [root, ...others] = [...compiler.selections.collect([operation.selectionSet], rootType)]
    if (!root || others.length > 0) return undefined
    const [key, nodes] = root
    const field = rootType.getFields()[nodes[0]?.name.value ?? '']
    if (!field) return undefined
    const open = `{"data":{${JSON.stringify(key)}:`
    const print = typePrinter(field.type, (type) => compiler.printerOf(type, nodes))
    return {
      responseKey: key,
      // The conversion costs less once than for each string.
      print: (value) => latin1Of(`${open}${print(value)}}}`),
      selectedFields: compiler.selectedFields,
    }
  } catch (error) {
    // A null variable in a directive or an argument: graphql-js reports it for each event.
    if (error instanceof GraphQLError) return undefined
    throw error
  }
}

class SelectionCompiler {
  readonly selections: Selections
  readonly selectedFields = new Set<string>()
  readonly #printers = new Map<string, Print>()
  readonly #ids = new Map<FieldNode, number>()

  constructor(selections: Selections) {
    this.selections = selections
  }

  /**
   * The object types of an abstract type share the printers of equal selections. Without that,
   * nested abstract types would multiply them with each level.
   */
  printerOf(type: GraphQLCompositeType, nodes: readonly FieldNode[]): Print {
    const key = `${type.name} ${nodes.map((node) => this.#idOf(node)).join(' ')}`
    const known = this.#printers.get(key)
    if (known) return known
    const types = isObjectType(type) ? [type] : this.selections.schema.getPossibleTypes(type)
    const print = objectPrinter(new Map(types.map((one) => [one.name, this.#membersOf(one, nodes)])))
    this.#printers.set(key, print)
    return print
  }

  #membersOf(type: GraphQLObjectType, nodes: readonly FieldNode[]): PrintMember[] {
    const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? [])
    const members: PrintMember[] = []
    for (const [key, group] of this.selections.collect(sets, type)) {
      const [node] = group
      if (!node) continue
      const name = node.name.value
      if (name === '__typename') {
        members.push(constantMember(key, members.length, type.name))
        continue
      }
      const field = type.getFields()[name]
      if (!field) continue
      // They change nothing that is printed, but they may be invalid.
      getArgumentValues(field, node, this.selections.variables)
      for (const { name: owner } of [type, ...type.getInterfaces().filter((one) => name in one.getFields())])
        this.selectedFields.add(`${owner}.${name}`)
      const print = typePrinter(field.type, (inner) => this.printerOf(inner, group))
      members.push(memberPrinter(key, members.length, name, print))
    }
    return members
  }

  #idOf(node: FieldNode): number {
    const id = this.#ids.get(node) ?? this.#ids.size
    this.#ids.set(node, id)
    return id
  }
}
