import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type FragmentSpreadNode,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getDirectiveValues,
  type InlineFragmentNode,
  isAbstractType,
  Kind,
  type SelectionSetNode,
  typeFromAST,
} from 'graphql'

/** Fields by response key, in response order. */
export type FieldGroups = ReadonlyMap<string, readonly FieldNode[]>

/** What the selections of an operation depend on, besides its selection sets. */
export class Selections {
  readonly schema: GraphQLSchema
  /** The coerced variables. */
  readonly variables: Readonly<Record<string, unknown>>
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>

  constructor(schema: GraphQLSchema, document: DocumentNode, variables: Readonly<Record<string, unknown>>) {
    this.schema = schema
    this.variables = variables
    this.#fragments = fragmentsOf(document)
  }

  /**
   * GraphQL specification §6.3.2, over merged selection sets. Throws `GraphQLError` if a variable
   * of a directive is null.
   */
  collect(sets: readonly SelectionSetNode[], type: GraphQLObjectType): FieldGroups {
    const groups = new Map<string, FieldNode[]>()
    const visited = new Set<string>()
    const walk = ({ selections }: SelectionSetNode): void => {
      for (const selection of selections) {
        switch (selection.kind) {
          case Kind.FIELD: {
            if (!this.#isIncluded(selection)) break
            const key = selection.alias?.value ?? selection.name.value
            const nodes = groups.get(key)
            if (nodes) nodes.push(selection)
            else groups.set(key, [selection])
            break
          }
          case Kind.INLINE_FRAGMENT:
            if (this.#isIncluded(selection) && this.#applies(selection, type)) walk(selection.selectionSet)
            break
          case Kind.FRAGMENT_SPREAD: {
            const name = selection.name.value
            if (visited.has(name) || !this.#isIncluded(selection)) break
            visited.add(name)
            const fragment = this.#fragments.get(name)
            if (fragment && this.#applies(fragment, type)) walk(fragment.selectionSet)
          }
        }
      }
    }
    sets.forEach(walk)
    return groups
  }

  #isIncluded(node: FieldNode | InlineFragmentNode | FragmentSpreadNode): boolean {
    if (!node.directives?.length) return true
    if (getDirectiveValues(GraphQLSkipDirective, node, this.variables)?.['if'] === true) return false
    return getDirectiveValues(GraphQLIncludeDirective, node, this.variables)?.['if'] !== false
  }

  #applies({ typeCondition }: InlineFragmentNode | FragmentDefinitionNode, type: GraphQLObjectType): boolean {
    if (!typeCondition) return true
    const condition = typeFromAST(this.schema, typeCondition)
    return condition === type || (isAbstractType(condition) && this.schema.isSubType(condition, type))
  }
}

export function fragmentsOf(document: DocumentNode): ReadonlyMap<string, FragmentDefinitionNode> {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
  }
  return fragments
}
