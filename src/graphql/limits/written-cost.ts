import {
  type DirectiveNode,
  type DocumentNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql'

/** The cost of a document beyond the selections of its operations, as written. */
export interface Written {
  /**
   * Variable definitions, directives, fragment spreads, inline fragments and repeated names,
   * anywhere in the document.
   */
  readonly around: number
  /** Fragments that no operation uses, with their fields. */
  readonly unused: number
  readonly fieldsOf: ReadonlyMap<OperationDefinitionNode, number>
  /** The maximum depth of lists and objects in literals. */
  readonly valueDepth: number
}

/** How often each response name occurs among selections that are merged. */
type Names = Map<string, { times: number; readonly below: Names }>

/**
 * Validation compares fields with the same name in pairs. This many pairs take as long as one point
 * of cost. https://spec.graphql.org/October2021/#sec-Field-Selection-Merging
 */
const pairsPerCost = 20

/**
 * Counts each part of a document once, because each part is parsed, validated and kept, even if it
 * is not executed.
 */
export function writtenIn({ definitions }: DocumentNode): Written {
  let around = 0
  let unused = 0
  let valueDepth = 0
  const fieldsOf = new Map<OperationDefinitionNode, number>()
  const fragments = new Map<string, { fields: number; spreads: string[] }>()
  const roots: string[] = []
  let pairs = 0
  /** By type, because fragments on one type are merged wherever they are spread together. */
  const namesOfType = new Map<string, Names>()

  const ofValue = (value: ValueNode, depth: number): void => {
    if (value.kind === Kind.LIST) for (const item of value.values) ofValue(item, depth + 1)
    else if (value.kind === Kind.OBJECT) for (const field of value.fields) ofValue(field.value, depth + 1)
    else valueDepth = Math.max(valueDepth, depth)
    valueDepth = Math.max(valueDepth, depth)
  }
  const ofDirectives = (directives: readonly DirectiveNode[] = []): void => {
    around += directives.length
    for (const { arguments: given = [] } of directives) for (const { value } of given) ofValue(value, 0)
  }
  const oneMore = (names: Names, name: string): Names => {
    const before = names.get(name)
    const known = before ?? { times: 0, below: new Map() }
    if (!before) names.set(name, known)
    pairs += known.times
    known.times += 1
    return known.below
  }
  const ofSelections = ({ selections }: SelectionSetNode, spreads: string[], names: Names): number => {
    let fields = 0
    for (const selection of selections) {
      ofDirectives(selection.directives)
      if (selection.kind === Kind.FIELD) {
        fields += 1
        for (const { value } of selection.arguments ?? []) ofValue(value, 0)
        const below = oneMore(names, (selection.alias ?? selection.name).value)
        if (selection.selectionSet) fields += ofSelections(selection.selectionSet, spreads, below)
      } else {
        around += 1
        if (selection.kind === Kind.FRAGMENT_SPREAD) {
          spreads.push(selection.name.value)
          oneMore(names, '...')
        } else fields += ofSelections(selection.selectionSet, spreads, names)
      }
    }
    return fields
  }

  for (const definition of definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) {
      ofDirectives(definition.directives)
      for (const variable of definition.variableDefinitions ?? []) {
        around += 1
        ofDirectives(variable.directives)
        if (variable.defaultValue) ofValue(variable.defaultValue, 0)
      }
      fieldsOf.set(definition, ofSelections(definition.selectionSet, roots, new Map()))
    } else if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      ofDirectives(definition.directives)
      const spreads: string[] = []
      const type = definition.typeCondition.name.value
      const names = namesOfType.get(type) ?? new Map()
      namesOfType.set(type, names)
      const fields = ofSelections(definition.selectionSet, spreads, names)
      const name = definition.name.value
      const before = fragments.get(name)
      // A duplicate fragment name is rejected by validation later. Until then, the last fragment
      // counts for its uses.
      if (before) unused += before.fields
      fragments.set(name, { fields: 1 + fields, spreads })
    } else {
      // A type system definition, which is never executed.
      around += 1
    }
  }
  const used = new Set<string>()
  for (let name = roots.pop(); name !== undefined; name = roots.pop()) {
    if (used.has(name)) continue
    used.add(name)
    roots.push(...(fragments.get(name)?.spreads ?? []))
  }
  for (const [name, { fields }] of fragments) if (!used.has(name)) unused += fields
  return { around: around + Math.floor(pairs / pairsPerCost), unused, fieldsOf, valueDepth }
}
