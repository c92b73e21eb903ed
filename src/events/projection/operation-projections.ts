import {
  type ArgumentNode,
  type DirectiveNode,
  type DocumentNode,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type VariableDefinitionNode,
  visit,
} from 'graphql'
import { printJson } from '../../core/json/print-json.ts'
import { fragmentsOf } from './collect-fields.ts'
import { type Projection, projectionOf } from './compiled-projection.ts'

/**
 * Projections of one operation that are kept; each set of values of its inner variables has one.
 */
const maxVariants = 32

/**
 * The projections of a subscribe operation. Variables that occur only in arguments of the root
 * field do not change what is printed, so all clients that differ only in these share one
 * projection. The caller coerces those variables.
 */
export class OperationProjections {
  readonly #schema: GraphQLSchema
  readonly #document: DocumentNode
  readonly #operation: OperationDefinitionNode | undefined
  /** The variables of directives and of inner arguments. */
  readonly #inner: readonly VariableDefinitionNode[]
  readonly #variants = new Map<string, Projection | undefined>()

  constructor(schema: GraphQLSchema, document: DocumentNode, operationName: string | null | undefined) {
    this.#schema = schema
    this.#document = document
    this.#operation = getOperationAST(document, operationName) ?? undefined
    this.#inner = this.#operation ? innerVariables(schema, document, this.#operation) : []
  }

  /**
   * The same projection for the same results. Undefined: graphql-js has to execute the operation.
   */
  of(variables: Readonly<Record<string, unknown>> | null | undefined): Projection | undefined {
    if (!this.#operation) return undefined
    const { coerced, errors } = getVariableValues(this.#schema, this.#inner, variables ?? {})
    if (errors) return undefined
    const key = printJson(coerced) ?? ''
    if (this.#variants.has(key)) return this.#variants.get(key)
    if (this.#variants.size === maxVariants) this.#variants.clear()
    const projection = projectionOf(this.#schema, this.#document, this.#operation, coerced)
    this.#variants.set(key, projection)
    return projection
  }
}

/** The definitions of variables on which the selection below the root field depends. */
function innerVariables(
  schema: GraphQLSchema,
  document: DocumentNode,
  { selectionSet: rootSet, variableDefinitions = [] }: OperationDefinitionNode,
): readonly VariableDefinitionNode[] {
  const names = new Set<string>()
  const take = (nodes: readonly (DirectiveNode | ArgumentNode)[] = []) => {
    for (const node of nodes) visit(node, { Variable: ({ name }) => void names.add(name.value) })
  }
  const walk = ({ selections }: SelectionSetNode, atRoot: boolean): void => {
    for (const selection of selections) {
      take(selection.directives)
      if (selection.kind === Kind.INLINE_FRAGMENT) walk(selection.selectionSet, atRoot)
      if (selection.kind !== Kind.FIELD) continue
      if (!atRoot) take(selection.arguments)
      if (selection.selectionSet) walk(selection.selectionSet, false)
    }
  }
  walk(rootSet, true)
  const root = schema.getSubscriptionType()?.name
  for (const { typeCondition, selectionSet } of fragmentsOf(document).values())
    walk(selectionSet, typeCondition.name.value === root)
  return variableDefinitions.filter(({ variable }) => names.has(variable.name.value))
}
