import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
  valueFromASTUntyped,
} from 'graphql'

/**
 * What a field may declare about its cost in its `extensions`, in addition to `complexity` of
 * Pothos.
 */
export interface PagedField {
  /** For a field that returns a page: the number of items that its arguments request. */
  readonly pageSize?: (args: Readonly<Record<string, unknown>>) => number
  /** Marks the list below such a field that contains the items of the page. */
  readonly holdsPage?: true
}

/** The cost of one operation. */
export interface OperationCost {
  readonly depth: number
  readonly cost: number
  /**
   * True if variables determine the size of a page. Without their values the minimum is counted.
   */
  readonly needsVariables: boolean
}

export type Variables = Readonly<Record<string, unknown>>

/** This many items of a page cost as much as one item of another list. */
const itemsPerCost = 25
/** Cost of `__schema` without its fields: about a hundred times the work of another field. */
const schemaCost = 100
/** Cost of `__type` without its fields. */
const typeCost = 10
/**
 * Tools request each introspection field once in each place. An alias requests it again, and most
 * of these fields contain lists.
 */
const introspectionAliasCost = 10

interface Measure {
  readonly depth: number
  readonly cost: number
}

const nothing: Measure = { depth: 0, cost: 0 }

/**
 * The position of a selection: the page size that applies, and whether it is below `__schema` or
 * `__type`.
 */
interface Place {
  readonly pageSize: number
  readonly introspects: boolean
}

/**
 * Measures the cost of the operations in a document. Parts that validation will reject (an unknown
 * field, a cycle) may count or not. `variables` are the raw values from the client. Undefined: not
 * known yet.
 */
export class DocumentMeasure {
  readonly #schema: GraphQLSchema
  readonly #variables: Variables | undefined
  readonly #fragments = new Map<string, FragmentDefinitionNode>()
  readonly #measured = new Map<string, Measure>()
  #defaults: Variables = {}
  #needsVariables = false

  constructor(schema: GraphQLSchema, document: DocumentNode, variables?: Variables) {
    this.#schema = schema
    this.#variables = variables
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.#fragments.set(definition.name.value, definition)
    }
  }

  of(operation: OperationDefinitionNode): OperationCost {
    this.#measured.clear()
    this.#needsVariables = false
    this.#defaults = Object.fromEntries(
      (operation.variableDefinitions ?? []).flatMap(({ variable, defaultValue }) =>
        defaultValue ? [[variable.name.value, valueFromASTUntyped(defaultValue)]] : [],
      ),
    )
    const type = this.#schema.getRootType(operation.operation) ?? undefined
    const { depth, cost } = this.#ofSelections(operation.selectionSet, type, { pageSize: 1, introspects: false })
    return { depth, cost, needsVariables: this.#needsVariables }
  }

  #ofSelections({ selections }: SelectionSetNode, type: GraphQLNamedType | undefined, place: Place): Measure {
    let { depth, cost } = nothing
    for (const selection of selections) {
      const part =
        selection.kind === Kind.FIELD
          ? this.#ofField(selection, type, place)
          : selection.kind === Kind.FRAGMENT_SPREAD
            ? this.#ofFragment(selection.name.value, place)
            : this.#ofSelections(
                selection.selectionSet,
                this.#typeOf(selection.typeCondition?.name.value) ?? type,
                place,
              )
      depth = Math.max(depth, part.depth)
      cost += part.cost
    }
    return { depth, cost }
  }

  #ofField(node: FieldNode, type: GraphQLNamedType | undefined, place: Place): Measure {
    const name = node.name.value
    const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined
    const { own, multiplier } = weightOf(name, node.alias !== undefined, field, place)
    const { pageSize } = (field?.extensions ?? {}) as PagedField
    const inside: Place = {
      pageSize: pageSize ? this.#pageSizeOf(node, pageSize) : place.pageSize,
      introspects: place.introspects || name === '__schema' || name === '__type',
    }
    const below = node.selectionSet
      ? this.#ofSelections(node.selectionSet, field && getNamedType(field.type), inside)
      : nothing
    // graphql-js limits the depth of introspection itself, and tools send deeper queries than other
    // clients.
    const depth = name.startsWith('__') ? 1 : 1 + below.depth
    return { depth, cost: own + multiplier * below.cost }
  }

  #ofFragment(name: string, place: Place): Measure {
    const key = `${place.pageSize} ${place.introspects} ${name}`
    const known = this.#measured.get(key)
    if (known) return known
    // A cycle finds this value.
    this.#measured.set(key, nothing)
    const fragment = this.#fragments.get(name)
    const result = fragment
      ? this.#ofSelections(fragment.selectionSet, this.#typeOf(fragment.typeCondition.name.value), place)
      : nothing
    this.#measured.set(key, result)
    return result
  }

  #typeOf(name: string | undefined): GraphQLNamedType | undefined {
    return name === undefined ? undefined : this.#schema.getType(name)
  }

  #pageSizeOf({ arguments: given = [] }: FieldNode, pageSize: (args: Variables) => number): number {
    const args: Record<string, unknown> = {}
    for (const { name, value } of given) {
      if (value.kind === Kind.VARIABLE && !this.#variables) {
        this.#needsVariables = true
        return 1
      }
      args[name.value] = this.#valueOf(value)
    }
    return pageSize(args)
  }

  #valueOf(value: ValueNode): unknown {
    if (value.kind !== Kind.VARIABLE) return valueFromASTUntyped(value, this.#variables)
    const name = value.name.value
    const given = this.#variables && Object.hasOwn(this.#variables, name) ? this.#variables[name] : undefined
    return given === undefined ? this.#defaults[name] : given
  }
}

/** The `complexity` of the field in the builder, in the form in which Pothos keeps it. */
function weightOf(
  name: string,
  isAlias: boolean,
  field: GraphQLField<unknown, unknown> | undefined,
  { pageSize, introspects }: Place,
): { own: number; multiplier: number } {
  if (name === '__schema') return { own: schemaCost, multiplier: 1 }
  if (name === '__type') return { own: typeCost, multiplier: 1 }
  if (introspects) return { own: isAlias ? introspectionAliasCost : 1, multiplier: 1 }
  const { holdsPage } = (field?.extensions ?? {}) as PagedField
  if (holdsPage) return { own: 1, multiplier: Math.max(1, Math.ceil(pageSize / itemsPerCost)) }
  const complexity = field?.extensions['complexity'] as number | { field?: number; multiplier?: number } | undefined
  if (typeof complexity === 'number') return { own: complexity, multiplier: 1 }
  return { own: complexity?.field ?? 1, multiplier: complexity?.multiplier ?? 1 }
}
